//! Groups and roles stand at the pool's level or in an organization, one level at a time.

use roster::proto::{
    AddGroupMembersRequest, AddUserRolesRequest, CreateGroupRequest, CreateRoleRequest, GetGroupRequest, GetUserRequest,
    GroupDto, HasAnyRoleRequest, ListGroupMembersRequest, ListGroupsRequest, ListUsersRequest,
    RemoveOrganizationMembersRequest, RoleDto, SearchUsersRequest, UserDto,
};
use tonic::{Code, Status};

use super::{organization, text, user};
use crate::existence::row_error;
use crate::harness::{Client, Roster, refused};

/// The pool's own level, and that of an organization.
const LEVELS: [Option<&str>; 2] = [None, Some("acme")];

fn owned(level: Option<&str>) -> Option<String> {
    level.map(ToOwned::to_owned)
}

async fn group(client: &Client, level: Option<&str>, code: &str, members: &[&str]) {
    let dto = GroupDto { code: text(code), organization_id: owned(level), ..GroupDto::default() };
    let made = client.groups().create_group(CreateGroupRequest { group: Some(dto) }).await.unwrap().into_inner().group.unwrap();
    assert_eq!(made.organization_id.as_deref(), level);
    let user_ids = members.iter().map(|id| (*id).to_owned()).collect();
    let add = AddGroupMembersRequest { code: text(code), user_ids, organization_id: owned(level), ..Default::default() };
    let results = client.groups().add_group_members(add).await.unwrap().into_inner().results;
    assert!(results.iter().all(|result| result.error.is_none()), "{results:?}");
}

async fn shown(client: &Client, id: &str, level: Option<&str>) -> Result<UserDto, Status> {
    let (user_id, organization_id) = (text(id), owned(level));
    let request = GetUserRequest { user_id, organization_id, with_groups: true, with_roles: true, ..Default::default() };
    Ok(client.users().get_user(request).await?.into_inner().user.unwrap())
}

/// Ann is a member of Acme, Bob is not; each level has a group `g`.
async fn two_levels() -> (Roster, Client) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    for id in ["ann", "bob"] {
        user(&client, id).await;
    }
    organization(&roster, "acme", &["ann"]).await;
    group(&client, None, "g", &["bob"]).await;
    group(&client, Some("acme"), "g", &["ann"]).await;
    (roster, client)
}

#[tokio::test]
async fn a_code_is_one_at_each_level() {
    let (_roster, client) = two_levels().await;
    for level in LEVELS {
        let dto = GroupDto { code: text("g"), organization_id: owned(level), ..GroupDto::default() };
        let taken = refused(client.groups().create_group(CreateGroupRequest { group: Some(dto) }).await);
        assert_eq!(taken.kind(), (Code::AlreadyExists, "CODE_EXISTS"));
        let get = GetGroupRequest { code: text("g"), organization_id: owned(level) };
        let found = client.groups().get_group(get).await.unwrap().into_inner().group.unwrap();
        assert_eq!(found.organization_id.as_deref(), level);
        let list = ListGroupsRequest { organization_id: owned(level), ..Default::default() };
        assert_eq!(client.groups().list_groups(list).await.unwrap().into_inner().total_count, Some(1));
    }
    let nowhere = GetGroupRequest { code: text("g"), organization_id: text("nowhere") };
    assert_eq!(refused(client.groups().get_group(nowhere).await).kind(), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
    let empty = GetGroupRequest { code: text("g"), organization_id: text("") };
    assert_eq!(refused(client.groups().get_group(empty).await).fields(), ["organization_id"]);
}

#[tokio::test]
async fn what_is_shown_is_of_the_level_that_is_asked_for() {
    let (roster, client) = two_levels().await;
    let groups = async |client: &Client, id: &str, level| shown(client, id, level).await.unwrap().group_codes;
    assert!(groups(&client, "ann", None).await.is_empty());
    assert_eq!(groups(&client, "ann", Some("acme")).await, ["g"]);
    assert_eq!(groups(&client, "bob", None).await, ["g"]);
    assert!(groups(&client, "bob", Some("acme")).await.is_empty());
    assert_eq!(refused(shown(&client, "ann", Some("nowhere")).await).reason, "ORGANIZATION_NOT_FOUND");
    let bound = roster.bound_client("*", "acme").await;
    for level in LEVELS {
        assert_eq!(groups(&bound, "ann", level).await, ["g"], "a bound key's own level");
        let members = ListGroupMembersRequest { code: text("g"), organization_id: owned(level), ..Default::default() };
        let members = bound.groups().list_group_members(members).await.unwrap().into_inner();
        assert_eq!((members.users.len(), members.users[0].user_id()), (1, "ann"));
    }
}

#[tokio::test]
async fn only_a_member_is_in_a_group_or_role_of_an_organization_and_only_as_long() {
    let (_roster, client) = two_levels().await;
    let user_ids = vec!["ann".to_owned(), "bob".to_owned(), "nobody".to_owned()];
    let add = AddGroupMembersRequest { code: text("g"), user_ids, organization_id: text("acme"), ..Default::default() };
    let results = client.groups().add_group_members(add).await.unwrap().into_inner().results;
    let reasons: Vec<_> = results.into_iter().map(|result| result.error.map(|error| row_error(error).reason)).collect();
    assert_eq!(reasons, [None, Some("NOT_A_MEMBER".to_owned()), Some("USER_NOT_FOUND".to_owned())]);
    let role = RoleDto { code: text("admin"), organization_id: text("acme"), ..RoleDto::default() };
    client.roles().create_role(CreateRoleRequest { role: Some(role) }).await.unwrap();
    let hold = |id: &str| AddUserRolesRequest {
        user_id: text(id),
        role_codes: vec!["admin".to_owned()],
        organization_id: text("acme"),
        ..Default::default()
    };
    let refusal = refused(client.users().add_user_roles(hold("bob")).await);
    assert_eq!(refusal.kind(), (Code::FailedPrecondition, "NOT_A_MEMBER"));
    assert_eq!(client.users().add_user_roles(hold("ann")).await.unwrap().into_inner().total_count, Some(1));
    let asks = |organization_id| HasAnyRoleRequest {
        user_id: text("ann"),
        role_codes: vec!["admin".to_owned()],
        organization_id,
        ..Default::default()
    };
    let has = async |level| client.roles().has_any_role(asks(level)).await.unwrap().into_inner().has_any_role;
    assert_eq!((has(text("acme")).await, has(None).await), (true, false));
    let leave = RemoveOrganizationMembersRequest {
        organization_id: text("acme"),
        user_ids: vec!["ann".to_owned()],
        ..Default::default()
    };
    client.organizations().remove_organization_members(leave).await.unwrap();
    assert!(!has(text("acme")).await);
    assert!(shown(&client, "ann", Some("acme")).await.unwrap().group_codes.is_empty());
}

#[tokio::test]
async fn users_are_listed_and_searched_of_an_organization() {
    let (roster, client) = two_levels().await;
    let bound = roster.bound_client("*", "acme").await;
    for id in ["carl", "dora"] {
        user(&bound, id).await;
    }
    let list = |level| ListUsersRequest { organization_id: owned(level), ..Default::default() };
    let listed = async |client: &Client, level| {
        let page = client.users().list_users(list(level)).await.unwrap().into_inner();
        let ids: Vec<_> = page.users.iter().map(|user| user.user_id().to_owned()).collect();
        assert_eq!(page.total_count, Some(i32::try_from(ids.len()).unwrap()));
        ids
    };
    let ours = listed(&client, Some("acme")).await;
    assert_eq!((ours.len(), listed(&client, None).await.len()), (3, 4));
    for level in LEVELS {
        assert_eq!(listed(&bound, level).await, ours);
        let search = SearchUsersRequest { query: text("b"), organization_id: owned(level), ..Default::default() };
        assert!(bound.users().search_users(search).await.unwrap().into_inner().users.is_empty(), "bob is no member");
    }
    // By page, in the same order.
    let mut request = ListUsersRequest { limit: Some(1), ..list(Some("acme")) };
    let mut walked = Vec::new();
    loop {
        let page = client.users().list_users(request.clone()).await.unwrap().into_inner();
        walked.extend(page.users.iter().map(|user| user.user_id().to_owned()));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(walked, ours);
}
