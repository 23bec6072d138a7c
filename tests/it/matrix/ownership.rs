//! Who owns a user (contract §5): who does not can neither change, take over nor delete them, whatever the RPC; and nobody owns
//! them any more when the membership has ended or the organization is gone.

use std::time::Duration;

use prost_types::FieldMask;
use roster::proto::{
    AddOrganizationMembersRequest, BatchDeleteUsersRequest, CreateUserRequest, DeleteOrganizationRequest, DeleteUserRequest,
    FindUserRequest, GetUserRequest, ListOrganizationMembersRequest, ListUsersRequest, RemoveOrganizationMembersRequest,
    SearchUsersRequest, UpdateUserRequest, UserDto, UserResult, find_user_request,
};
use tonic::{Code, Status};

use super::names::{Level, Noun, Object};
use super::world::World;
use crate::dto::{self, changeable, sample};
use crate::existence::row_error;
use crate::harness::{Client, Refusal, assert_invalid, refused};
use crate::organizations::text;

const DENIED: (Code, &str) = (Code::PermissionDenied, "ORGANIZATION_DENIED");
const NO_USER: (Code, &str) = (Code::NotFound, "USER_NOT_FOUND");
const NO_ORGANIZATION: (Code, &str) = (Code::NotFound, "ORGANIZATION_NOT_FOUND");

fn id(object: Object) -> String {
    Noun::User.name(object)
}

fn owned_by(organization: Level) -> UserDto {
    UserDto { tenant_id: organization.organization_id(), ..UserDto::default() }
}

fn update(object: Object, user: UserDto) -> UpdateUserRequest {
    UpdateUserRequest { user_id: Some(id(object)), user: Some(user), ..Default::default() }
}

fn masked(object: Object, user: UserDto, paths: &[&str]) -> UpdateUserRequest {
    let update_mask = Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() });
    UpdateUserRequest { update_mask, ..update(object, user) }
}

async fn updated(client: &Client, request: UpdateUserRequest) -> Result<UserDto, Status> {
    Ok(client.users().update_user(request).await?.into_inner().user.unwrap())
}

/// What became of each of a batch.
fn kinds(results: Vec<UserResult>) -> Vec<Option<(Code, String)>> {
    let kind = |result: UserResult| result.error.map(row_error).map(|Refusal { code, reason, .. }| (code, reason));
    results.into_iter().map(kind).collect()
}

fn row((code, reason): (Code, &str)) -> (Code, String) {
    (code, reason.to_owned())
}

/// Ends the memberships of the organization.
async fn end_memberships(client: &Client, organization: Level, users: &[Object]) -> Vec<Option<(Code, String)>> {
    let user_ids = users.iter().map(|user| id(*user)).collect();
    let organization_id = organization.organization_id();
    let request = RemoveOrganizationMembersRequest { organization_id, user_ids, ..Default::default() };
    kinds(client.organizations().remove_organization_members(request).await.unwrap().into_inner().results)
}

/// The user with their organizations.
async fn shown(client: &Client, object: Object) -> Result<UserDto, Status> {
    Ok(client.users().get_user(asking(object)).await?.into_inner().user.unwrap())
}

fn asking(object: Object) -> GetUserRequest {
    GetUserRequest { user_id: Some(id(object)), with_organizations: true, ..Default::default() }
}

#[tokio::test]
async fn who_does_not_own_a_user_changes_nothing_of_them() {
    let world = World::new().await;
    let (whole, client) = (world.client("*", Level::Pool).await, world.client("*", Level::A).await);
    for object in [Object::Member, Object::Guest] {
        let before = whole.get(&id(object)).await.unwrap();
        let mut tried = 0;
        for field in changeable() {
            let user = dto::with(&UserDto::default(), [(field.name(), sample(&field, 1))]);
            let mut requests = vec![masked(object, user.clone(), &[field.name()])];
            // A code alone would have to fit the stored phone.
            if field.name() != "phone_country_code" {
                requests.push(update(object, user));
            }
            if !dto::NEVER_ABSENT.contains(&field.name()) && field.name() != "phone_country_code" {
                requests.push(masked(object, UserDto::default(), &[field.name()]));
            }
            for request in requests {
                let refusal = refused(updated(&client, request).await);
                assert_eq!(refusal.kind(), DENIED, "{}: {refusal:?}", field.name());
                tried += 1;
            }
        }
        let nothing = update(object, UserDto::default());
        let data = UpdateUserRequest { custom_data_unset: vec![object.text("key")], ..nothing.clone() };
        let stale = UpdateUserRequest { etag: text("stale"), ..nothing.clone() };
        let etag = UpdateUserRequest { etag: before.etag.clone(), ..nothing.clone() };
        for request in [nothing, data, stale, etag] {
            assert_eq!(refused(updated(&client, request).await).kind(), DENIED, "ownership comes before the etag");
        }
        let delete = |etag| DeleteUserRequest { user_id: Some(id(object)), etag, ..Default::default() };
        for etag in [None, text("stale"), before.etag.clone()] {
            assert_eq!(refused(client.users().delete_user(delete(etag)).await).kind(), DENIED);
        }
        assert_eq!(whole.get(&id(object)).await.unwrap(), before);
        assert!(tried > 100, "{tried}");
    }
}

#[tokio::test]
async fn a_batch_deletes_whom_the_caller_owns_and_says_of_each_other_why_not() {
    let world = World::new().await;
    let (whole, client) = (world.client("*", Level::Pool).await, world.client("*", Level::A).await);
    let asked = [Object::Guest, Object::Own, Object::Other, Object::Member, Object::Absent, Object::Pool, Object::Own];
    let request = BatchDeleteUsersRequest { user_ids: asked.map(id).to_vec(), ..Default::default() };
    let results = client.users().batch_delete_users(request).await.unwrap().into_inner().results;
    let no_user = || Some(row(NO_USER));
    assert_eq!(kinds(results), [Some(row(DENIED)), None, no_user(), Some(row(DENIED)), no_user(), no_user(), no_user()]);
    for object in Noun::User.present() {
        assert_eq!(whole.get(&id(object)).await.is_ok(), object != Object::Own, "{object:?}");
    }
}

#[tokio::test]
async fn a_bound_key_can_neither_say_nor_take_who_owns_a_user() {
    let world = World::new().await;
    let (whole, client) = (world.client("*", Level::Pool).await, world.client("*", Level::A).await);
    for object in [Object::Own, Object::Member, Object::Guest, Object::Other, Object::Absent] {
        for organization in [Level::A, Level::B, Level::Nowhere] {
            let mask = || masked(object, owned_by(organization), &["tenant_id"]);
            assert_invalid(updated(&client, update(object, owned_by(organization))).await, &["user.tenant_id"]);
            assert_invalid(updated(&client, mask()).await, &["update_mask"]);
        }
        assert_invalid(updated(&client, masked(object, UserDto::default(), &["tenant_id"])).await, &["update_mask"]);
    }
    for organization in [Level::A, Level::B, Level::Nowhere] {
        let user = UserDto { username: text("new"), ..owned_by(organization) };
        assert_invalid(
            client.users().create_user(CreateUserRequest { user: Some(user), ..Default::default() }).await,
            &["user.tenant_id"],
        );
    }
    // Nor by making somebody of the same name, nor by beginning anew.
    for object in [Object::Member, Object::Other] {
        let again = UserDto { user_id: Some(id(object)), username: text("new"), ..UserDto::default() };
        assert_eq!(client.create(again).await.unwrap_err().kind(), (Code::AlreadyExists, "USER_ID_EXISTS"));
    }
    let sent_back = UserDto { nickname: text("changed"), ..owned_by(Level::B) };
    let own = updated(&client, masked(Object::Own, sent_back, &["nickname"])).await.unwrap();
    assert_eq!(
        (own.tenant_id.clone(), own.nickname()),
        (Level::A.organization_id(), "changed"),
        "outside the mask nothing is looked at"
    );
    for (object, owner) in [(Object::Member, Level::B), (Object::Guest, Level::Pool), (Object::Other, Level::B)] {
        assert_eq!(shown(&whole, object).await.unwrap().tenant_id, owner.organization_id(), "{object:?}");
    }
}

#[tokio::test]
async fn whom_a_bound_key_creates_its_organization_owns() {
    let world = World::new().await;
    let (whole, client) = (world.client("*", Level::Pool).await, world.client("*", Level::A).await);
    let created = client.create(UserDto { user_id: text("new"), username: text("new"), ..UserDto::default() }).await.unwrap();
    assert_eq!(created.tenant_id, Level::A.organization_id());
    let request = GetUserRequest { user_id: text("new"), with_organizations: true, ..Default::default() };
    let user = whole.users().get_user(request.clone()).await.unwrap().into_inner().user.unwrap();
    assert_eq!(
        (&user.tenant_id, user.organization_ids),
        (&Level::A.organization_id(), vec![Level::A.organization_id().unwrap()])
    );
    let stranger = world.client("*", Level::B).await;
    assert_eq!(refused(stranger.users().get_user(request).await).kind(), NO_USER);
    // Whom the pool creates, the pool owns, until it says otherwise.
    let created = whole.create(UserDto { user_id: text("free"), username: text("free"), ..UserDto::default() }).await.unwrap();
    assert_eq!(created.tenant_id, None);
}

#[tokio::test]
async fn a_bound_key_cannot_end_the_membership_of_a_user_whom_it_owns() {
    let world = World::new().await;
    let client = world.client("*", Level::A).await;
    let asked = [Object::Own, Object::Member, Object::Other, Object::Guest, Object::Absent];
    let owned = (Code::FailedPrecondition, "OWNED_MEMBER");
    let ended = end_memberships(&client, Level::A, &asked).await;
    assert_eq!(ended, [Some(row(owned)), None, Some(row(NO_USER)), None, Some(row(NO_USER))]);
    assert_eq!(shown(&client, Object::Own).await.unwrap().tenant_id, Level::A.organization_id());
    for object in [Object::Member, Object::Guest] {
        assert_eq!(refused(shown(&client, object).await).kind(), NO_USER, "seen no more");
    }
    let add = AddOrganizationMembersRequest {
        organization_id: Level::A.organization_id(),
        user_ids: vec![id(Object::Member)],
        ..Default::default()
    };
    assert_eq!(
        refused(client.organizations().add_organization_members(add).await).kind(),
        DENIED,
        "nor can it bring them back"
    );
}

#[tokio::test]
async fn nobody_owns_a_user_whose_membership_a_key_of_the_whole_pool_ends() {
    let world = World::new().await;
    let (whole, client, owner) =
        (world.client("*", Level::Pool).await, world.client("*", Level::A).await, world.client("*", Level::B).await);
    let before = shown(&whole, Object::Member).await.unwrap();
    world.roster.clock.advance(Duration::from_secs(1));
    assert_eq!(end_memberships(&whole, Level::B, &[Object::Member]).await, [None]);
    let after = shown(&whole, Object::Member).await.unwrap();
    assert_eq!((&after.tenant_id, &after.organization_ids), (&None, &vec![Level::A.organization_id().unwrap()]));
    assert_ne!(after.etag, before.etag, "the stored row has changed");
    assert_eq!(refused(shown(&owner, Object::Member).await).kind(), NO_USER);
    let rename = || update(Object::Member, UserDto { name: text("changed"), ..UserDto::default() });
    assert_eq!(refused(updated(&owner, rename()).await).kind(), NO_USER);
    assert_eq!(refused(updated(&client, rename()).await).kind(), DENIED, "the pool owns them now");
    let there = GetUserRequest {
        organization_id: Level::B.organization_id(),
        with_groups: true,
        with_roles: true,
        with_department_ids: true,
        with_post: true,
        ..asking(Object::Member)
    };
    let user = whole.users().get_user(there).await.unwrap().into_inner().user.unwrap();
    let left = [user.group_codes, user.role_codes, user.department_ids, user.post_id_list].concat();
    assert_eq!((left, user.main_department_id), (vec![], None), "what they were in there ended with it");
    updated(&whole, rename()).await.unwrap();
    // Of who owns nobody it changes nothing else.
    let before = shown(&whole, Object::Guest).await.unwrap();
    assert_eq!(end_memberships(&whole, Level::B, &[Object::Guest]).await, [None]);
    let after = shown(&whole, Object::Guest).await.unwrap();
    assert_eq!((after.etag, after.organization_ids), (before.etag, vec![Level::A.organization_id().unwrap()]));
}

#[tokio::test]
async fn a_key_of_the_whole_pool_says_who_owns_a_user() {
    let world = World::new().await;
    let (whole, client, former) =
        (world.client("*", Level::Pool).await, world.client("*", Level::A).await, world.client("*", Level::B).await);
    let rename = || update(Object::Other, UserDto { name: text("changed"), ..UserDto::default() });
    let given = updated(&whole, update(Object::Other, owned_by(Level::A))).await.unwrap();
    assert_eq!(given.tenant_id, Level::A.organization_id());
    updated(&client, rename()).await.unwrap();
    assert_eq!(refused(updated(&former, rename()).await).kind(), DENIED, "a member still, and not theirs any more");
    assert_eq!(shown(&former, Object::Other).await.unwrap().tenant_id, None, "who owns them instead is not told");
    let left = updated(&whole, masked(Object::Other, UserDto::default(), &["tenant_id"])).await.unwrap();
    assert_eq!(left.tenant_id, None);
    for client in [&client, &former] {
        assert_eq!(refused(updated(client, rename()).await).kind(), DENIED);
    }
    let before = whole.get(&id(Object::Other)).await.unwrap();
    assert_eq!(refused(updated(&whole, update(Object::Other, owned_by(Level::Nowhere))).await).kind(), NO_ORGANIZATION);
    assert_eq!(whole.get(&id(Object::Other)).await.unwrap(), before);
    let weak = world.client("users:write", Level::Pool).await;
    assert_eq!(refused(updated(&weak, update(Object::Other, owned_by(Level::A))).await).kind().1, "SCOPE_DENIED");
}

/// The owner of a user and their organizations, as every read shows them that can.
async fn everywhere(client: &Client, object: Object) -> Vec<(Option<String>, Vec<String>)> {
    let user_id = Some(id(object));
    let get = GetUserRequest { user_id: user_id.clone(), with_organizations: true, ..Default::default() };
    let by = Some(find_user_request::By::Username(object.text("username")));
    let find = FindUserRequest { by, with_organizations: true, ..Default::default() };
    let list = ListUsersRequest { limit: Some(1_000), with_organizations: true, ..Default::default() };
    let search = SearchUsersRequest { query: Some(object.text("username")), with_organizations: true, ..Default::default() };
    let members = ListOrganizationMembersRequest {
        organization_id: Level::A.organization_id(),
        with_organizations: true,
        ..Default::default()
    };
    let one = [
        client.users().get_user(get).await.unwrap().into_inner().user,
        client.users().find_user(find).await.unwrap().into_inner().user,
    ];
    let many = [
        client.users().list_users(list).await.unwrap().into_inner().users,
        client.users().search_users(search).await.unwrap().into_inner().users,
        client.organizations().list_organization_members(members).await.unwrap().into_inner().users,
    ];
    let users = one.into_iter().flatten().chain(many.into_iter().flatten()).filter(|user| user.user_id == user_id);
    users.map(|user| (user.tenant_id, user.organization_ids)).collect()
}

#[tokio::test]
async fn nobody_owns_the_users_of_a_deleted_organization_from_the_next_read_on() {
    let world = World::new().await;
    let (whole, client) = (world.client("*", Level::Pool).await, world.client("*", Level::A).await);
    let (a, b) = (Level::A.organization_id(), Level::B.organization_id());
    let both = [&b, &a].map(|id| id.clone().unwrap()).to_vec();
    assert_eq!(everywhere(&whole, Object::Member).await, vec![(b.clone(), both); 5]);
    let delete = DeleteOrganizationRequest { organization_id: b.clone(), ..Default::default() };
    whole.organizations().delete_organization(delete).await.unwrap();
    let alone = vec![(None, vec![a.clone().unwrap()]); 5];
    assert_eq!(everywhere(&whole, Object::Member).await, alone);
    assert_eq!(everywhere(&client, Object::Member).await, alone);
    let members = ListUsersRequest { organization_id: b.clone(), ..Default::default() };
    assert_eq!(refused(whole.users().list_users(members.clone()).await).kind(), NO_ORGANIZATION);
    assert_eq!(refused(updated(&whole, update(Object::Own, owned_by(Level::B))).await).kind(), NO_ORGANIZATION);
    let rename = |object| update(object, UserDto { name: text("changed"), ..UserDto::default() });
    assert_eq!(refused(updated(&client, rename(Object::Member)).await).kind(), DENIED);
    for object in [Object::Member, Object::Other] {
        assert_eq!(updated(&whole, rename(object)).await.unwrap().tenant_id, None);
    }
    world.roster.store.clear_organizations().await.unwrap();
    assert_eq!(everywhere(&client, Object::Member).await, alone, "nor does clearing change what is seen");
    let owned = world.roster.database.query("SELECT user_id FROM users WHERE tenant_id IS NOT NULL").await;
    assert_eq!(owned.len(), 1, "A's own");
}
