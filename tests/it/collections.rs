//! Groups and roles are alike: what is asked of both is written once, over [`Kind`], and run for each of them by `both!`.

mod costs;
mod etags;
mod holdings;
mod lists;
mod masks;
mod members;
mod scopes;
mod shown;
mod writes;

use std::future::Future;

use prost_types::FieldMask;
use roster::proto::{self, Timestamp, UserDto, UserIdType, UserResult};

use tonic::{Code, Status};

use crate::calls::{assert_refused, bob};
use crate::dto::texts;
use crate::harness::{Client, Refusal, Roster};

/// What a call answers.
pub(crate) type Answer<T> = Result<T, Status>;

/// A group or a role.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dto {
    pub(crate) code: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
}

/// An update.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) code: Option<String>,
    pub(crate) dto: Option<Dto>,
    pub(crate) update_mask: Option<FieldMask>,
    pub(crate) etag: Option<String>,
}

/// Which page to ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) page: Option<i32>,
    pub(crate) limit: Option<i32>,
    pub(crate) page_token: String,
    pub(crate) count: i32,
}

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Paged<T> {
    pub(crate) items: Vec<T>,
    pub(crate) total_count: Option<i32>,
    pub(crate) total_is_capped: bool,
    pub(crate) next_page_token: String,
}

/// What to show of users.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Show {
    pub(crate) custom_data: bool,
    pub(crate) groups: bool,
    pub(crate) roles: bool,
}

/// What is done to memberships.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Holding {
    Add,
    Remove,
}

/// Groups, or roles.
pub(crate) trait Kind: 'static {
    /// What requests call one.
    const NAME: &'static str;
    /// What requests, scopes and tables call many.
    const PLURAL: &'static str;
    /// The reason of a code that none has.
    const NOT_FOUND: &'static str;
    /// Shows the codes, and nothing else.
    const SHOWN: Show;

    fn create(client: &Client, dto: Option<Dto>) -> impl Future<Output = Answer<Dto>> + Send;
    fn get(client: &Client, code: Option<&str>) -> impl Future<Output = Answer<Dto>> + Send;
    fn update(client: &Client, change: Change) -> impl Future<Output = Answer<Dto>> + Send;
    fn delete(client: &Client, code: Option<&str>, etag: Option<&str>) -> impl Future<Output = Answer<()>> + Send;
    fn list(client: &Client, ask: Ask) -> impl Future<Output = Answer<Paged<Dto>>> + Send;
    fn members(
        client: &Client,
        code: Option<&str>,
        ask: Ask,
        show: Show,
    ) -> impl Future<Output = Answer<Paged<UserDto>>> + Send;
    /// `AddGroupMembers` and its like.
    fn change_members(
        client: &Client,
        holding: Holding,
        code: Option<&str>,
        user_ids: Vec<String>,
        user_id_type: i32,
    ) -> impl Future<Output = Answer<Vec<UserResult>>> + Send;
    /// `ListUserGroups`, `ListUserRoles`.
    fn of_user(
        client: &Client,
        user_id: Option<&str>,
        user_id_type: i32,
        ask: Ask,
    ) -> impl Future<Output = Answer<Paged<Dto>>> + Send;
    /// `AddUserToGroup` and its like, with one code.
    fn hold(
        client: &Client,
        holding: Holding,
        user_id: Option<&str>,
        user_id_type: i32,
        code: &str,
    ) -> impl Future<Output = Answer<()>> + Send;
    /// The codes that a user shows.
    fn codes(user: &UserDto) -> &[String];
}

/// Asks for this page and takes it apart.
macro_rules! page {
    ($client:expr, $call:ident, $request:ident { $($field:ident: $value:expr,)* }, $ask:expr, $items:ident) => {{
        let Ask { page, limit, page_token, count } = $ask;
        let request = proto::$request { page, limit, page_token, count, $($field: $value,)* ..Default::default() };
        let answer = $client.$call(request).await?.into_inner();
        Ok(Paged {
            items: answer.$items.into_iter().map(Into::into).collect(),
            total_count: answer.total_count,
            total_is_capped: answer.total_is_capped,
            next_page_token: answer.next_page_token,
        })
    }};
}

/// Makes a [`Kind`] of a service.
macro_rules! kind {
    (
        $kind:ident, $dto:ident, $service:ident, $resource:ident, $not_found:literal, $codes:ident,
        create: $create:ident $create_request:ident, get: $get:ident $get_request:ident,
        update: $update:ident $update_request:ident, delete: $delete:ident $delete_request:ident,
        list: $list:ident $list_request:ident, members: $members:ident $members_request:ident,
        add: $add:ident $add_request:ident, remove: $remove:ident $remove_request:ident,
        of_user: $of_user:ident $of_user_request:ident, shown: $shown:expr, $($hold:tt)*
    ) => {
        #[derive(Debug)]
        pub(crate) struct $kind;

        impl From<proto::$dto> for Dto {
            fn from(dto: proto::$dto) -> Self {
                let proto::$dto { code, name, description, etag, created_at, updated_at, .. } = dto;
                Self { code, name, description, etag, created_at, updated_at }
            }
        }

        impl From<Dto> for proto::$dto {
            fn from(dto: Dto) -> Self {
                let Dto { code, name, description, etag, created_at, updated_at } = dto;
                Self { code, name, description, etag, created_at, updated_at, ..Default::default() }
            }
        }

        impl Kind for $kind {
            const NAME: &'static str = stringify!($resource);
            const PLURAL: &'static str = stringify!($service);
            const NOT_FOUND: &'static str = $not_found;
            const SHOWN: Show = $shown;

            async fn create(client: &Client, dto: Option<Dto>) -> Answer<Dto> {
                let request = proto::$create_request { $resource: dto.map(Into::into) };
                Ok(client.$service().$create(request).await?.into_inner().$resource.unwrap().into())
            }

            async fn get(client: &Client, code: Option<&str>) -> Answer<Dto> {
                let request = proto::$get_request { code: code.map(ToOwned::to_owned), ..Default::default() };
                Ok(client.$service().$get(request).await?.into_inner().$resource.unwrap().into())
            }

            async fn update(client: &Client, change: Change) -> Answer<Dto> {
                let Change { code, dto, update_mask, etag } = change;
                let request = proto::$update_request { code, $resource: dto.map(Into::into), update_mask, etag, ..Default::default() };
                Ok(client.$service().$update(request).await?.into_inner().$resource.unwrap().into())
            }

            async fn delete(client: &Client, code: Option<&str>, etag: Option<&str>) -> Answer<()> {
                let (code, etag) = (code.map(ToOwned::to_owned), etag.map(ToOwned::to_owned));
                client.$service().$delete(proto::$delete_request { code, etag, ..Default::default() }).await.map(drop)
            }

            async fn list(client: &Client, ask: Ask) -> Answer<Paged<Dto>> {
                page!(client.$service(), $list, $list_request {}, ask, $service)
            }

            async fn members(client: &Client, code: Option<&str>, ask: Ask, show: Show) -> Answer<Paged<UserDto>> {
                let (code, Show { custom_data, groups, roles }) = (code.map(ToOwned::to_owned), show);
                page!(
                    client.$service(),
                    $members,
                    $members_request { code: code, with_custom_data: custom_data, with_groups: groups, with_roles: roles, },
                    ask,
                    users
                )
            }

            async fn change_members(
                client: &Client,
                holding: Holding,
                code: Option<&str>,
                user_ids: Vec<String>,
                user_id_type: i32,
            ) -> Answer<Vec<UserResult>> {
                let code = code.map(ToOwned::to_owned);
                if holding == Holding::Add {
                    let request = proto::$add_request { code, user_ids, user_id_type, ..Default::default() };
                    return Ok(client.$service().$add(request).await?.into_inner().results);
                }
                let request = proto::$remove_request { code, user_ids, user_id_type, ..Default::default() };
                Ok(client.$service().$remove(request).await?.into_inner().results)
            }

            async fn of_user(client: &Client, user_id: Option<&str>, user_id_type: i32, ask: Ask) -> Answer<Paged<Dto>> {
                let user_id = user_id.map(ToOwned::to_owned);
                page!(
                    client.users(),
                    $of_user,
                    $of_user_request { user_id: user_id, user_id_type: user_id_type, },
                    ask,
                    $service
                )
            }

            fn codes(user: &UserDto) -> &[String] {
                &user.$codes
            }

            $($hold)*
        }
    };
}

kind! {
    Groups, GroupDto, groups, group, "GROUP_NOT_FOUND", group_codes,
    create: create_group CreateGroupRequest, get: get_group GetGroupRequest,
    update: update_group UpdateGroupRequest, delete: delete_group DeleteGroupRequest,
    list: list_groups ListGroupsRequest, members: list_group_members ListGroupMembersRequest,
    add: add_group_members AddGroupMembersRequest, remove: remove_group_members RemoveGroupMembersRequest,
    of_user: list_user_groups ListUserGroupsRequest, shown: Show { custom_data: false, groups: true, roles: false },

    async fn hold(
        client: &Client, holding: Holding, user_id: Option<&str>, user_id_type: i32, code: &str,
    ) -> Answer<()> {
        let (user_id, group_code) = (user_id.map(ToOwned::to_owned), Some(code.to_owned()));
        if holding == Holding::Add {
            let request = proto::AddUserToGroupRequest { user_id, user_id_type, group_code, ..Default::default() };
            return client.users().add_user_to_group(request).await.map(drop);
        }
        let request = proto::RemoveUserFromGroupRequest { user_id, user_id_type, group_code, ..Default::default() };
        client.users().remove_user_from_group(request).await.map(drop)
    }
}

kind! {
    Roles, RoleDto, roles, role, "ROLE_NOT_FOUND", role_codes,
    create: create_role CreateRoleRequest, get: get_role GetRoleRequest,
    update: update_role UpdateRoleRequest, delete: delete_role DeleteRoleRequest,
    list: list_roles ListRolesRequest, members: list_role_members ListRoleMembersRequest,
    add: add_role_members AddRoleMembersRequest, remove: remove_role_members RemoveRoleMembersRequest,
    of_user: list_user_roles ListUserRolesRequest, shown: Show { custom_data: false, groups: false, roles: true },

    async fn hold(
        client: &Client, holding: Holding, user_id: Option<&str>, user_id_type: i32, code: &str,
    ) -> Answer<()> {
        let (user_id, role_codes) = (user_id.map(ToOwned::to_owned), vec![code.to_owned()]);
        if holding == Holding::Add {
            let request = proto::AddUserRolesRequest { user_id, user_id_type, role_codes, ..Default::default() };
            return client.users().add_user_roles(request).await.map(drop);
        }
        let request = proto::RemoveUserRolesRequest { user_id, user_id_type, role_codes, ..Default::default() };
        client.users().remove_user_roles(request).await.map(drop)
    }
}

/// Runs each of the tests for groups and for roles.
macro_rules! both {
    ($($test:ident),* $(,)?) => {
        crate::collections::both!(@ groups Groups $($test)*);
        crate::collections::both!(@ roles Roles $($test)*);
    };
    (@ $module:ident $kind:ident $($test:ident)*) => {
        mod $module {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test::<crate::collections::$kind>().await;
                }
            )*
        }
    };
}
pub(crate) use both;

/// A server and a client that may do everything.
pub(crate) async fn begun() -> (Roster, Client) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    (roster, client)
}

/// One with this code and nothing else.
pub(crate) fn coded(code: &str) -> Dto {
    Dto { code: Some(code.to_owned()), ..Dto::default() }
}

/// One with a name and a description.
pub(crate) fn described(code: &str, name: &str, description: &str) -> Dto {
    Dto { name: Some(name.to_owned()), description: Some(description.to_owned()), ..coded(code) }
}

/// The change that sets every field present.
pub(crate) fn setting(code: &str, dto: Dto) -> Change {
    Change { code: Some(code.to_owned()), dto: Some(dto), ..Change::default() }
}

/// The change that sets exactly the fields of the mask.
pub(crate) fn masking(code: &str, dto: Dto, paths: &[&str]) -> Change {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Change { update_mask: Some(FieldMask { paths }), ..setting(code, dto) }
}

/// Makes one with each of the codes.
pub(crate) async fn made<K: Kind>(client: &Client, codes: &[&str]) {
    for code in codes {
        K::create(client, Some(coded(code))).await.unwrap();
    }
}

/// Makes Bob, and users who have nothing but an id and a username that is the same.
pub(crate) async fn users(client: &Client, ids: &[&str]) {
    client.create(bob()).await.unwrap();
    for id in ids {
        client.create(texts(&[("user_id", id), ("username", id)])).await.unwrap();
    }
}

/// Puts users in, or takes them out, by their ids: for each the error, if there was one.
pub(crate) async fn change<K: Kind>(client: &Client, holding: Holding, code: &str, ids: &[&str]) -> Vec<Option<Refusal>> {
    let user_ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
    let results = K::change_members(client, holding, Some(code), user_ids, 0).await.unwrap();
    assert_eq!(results.iter().map(|result| result.user_id.as_str()).collect::<Vec<_>>(), ids);
    results.into_iter().map(|result| result.error.map(crate::existence::row_error)).collect()
}

/// Puts these users in, who all are there.
pub(crate) async fn add<K: Kind>(client: &Client, code: &str, ids: &[&str]) {
    assert!(change::<K>(client, Holding::Add, code, ids).await.iter().all(Option::is_none));
}

/// The ids of all members.
pub(crate) async fn member_ids<K: Kind>(client: &Client, code: &str) -> Vec<String> {
    let ask = Ask { limit: Some(1_000), ..Ask::default() };
    let page = K::members(client, Some(code), ask, Show::default()).await.unwrap();
    assert_eq!(page.total_count, page.items.len().try_into().ok());
    page.items.into_iter().map(|user| user.user_id.unwrap()).collect()
}

/// The codes that the user is listed with.
pub(crate) async fn codes_of<K: Kind>(client: &Client, user_id: &str) -> Vec<String> {
    let page = K::of_user(client, Some(user_id), UserIdType::UserId.into(), Ask::default()).await.unwrap();
    page.items.into_iter().map(|dto| dto.code.unwrap()).collect()
}

/// Asserts that no group or role has the code.
#[track_caller]
pub(crate) fn assert_none<K: Kind, T>(answer: Answer<T>) {
    assert_refused(answer, Code::NotFound, K::NOT_FOUND);
}

/// Writes to the server's database beside it, for what would take too many calls.
pub(crate) async fn run(roster: &Roster, sql: &str) {
    roster.database.execute(sql).await;
}
