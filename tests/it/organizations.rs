//! `OrganizationService`: organizations, who is a member, and what goes with one.

mod deletion;
mod levels;
mod races;

use roster::proto::{
    AddOrganizationMembersRequest, CreateGroupRequest, CreateOrganizationRequest, CreateUserRequest, DeleteOrganizationRequest,
    GetOrganizationRequest, GetUserRequest, GroupDto, ListOrganizationsRequest, OrganizationDto, UserDto,
};
use tonic::{Code, Status};

use crate::harness::{Client, Roster, refused};

#[expect(clippy::unnecessary_wraps, reason = "as messages have it")]
pub(crate) fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Makes an organization of this id past the server, which makes ids of its own, and its members.
pub(crate) async fn organization(roster: &Roster, id: &str, members: &[impl AsRef<str>]) {
    let columns = "organization_id, code, etag, created_at, updated_at";
    roster.database.execute(&format!("INSERT INTO organizations ({columns}) VALUES ('{id}', '{id}', 'e', 1, 1)")).await;
    let user_ids: Vec<_> = members.iter().map(|id| id.as_ref().to_owned()).collect();
    if !user_ids.is_empty() {
        let client = roster.client("*").await;
        let add = AddOrganizationMembersRequest { organization_id: text(id), user_ids, ..Default::default() };
        let results = client.organizations().add_organization_members(add).await.unwrap().into_inner().results;
        assert!(results.iter().all(|result| result.error.is_none()), "{results:?}");
    }
}

/// Waits until nothing is left of deleted organizations.
pub(crate) async fn cleared(roster: &Roster) {
    let left = "SELECT COUNT(*) FROM organizations WHERE deleted_at IS NOT NULL";
    for _ in 0..500 {
        roster.store.clear_organizations().await.unwrap();
        let left: i64 = roster.database.query(left).await[0].try_get_by_index(0).unwrap();
        if left == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("a deleted organization is not cleared");
}

/// Makes a user of this id.
pub(crate) async fn user(client: &Client, id: &str) -> UserDto {
    let user = UserDto { user_id: text(id), username: text(id), ..UserDto::default() };
    client
        .users()
        .create_user(CreateUserRequest { user: Some(user), ..Default::default() })
        .await
        .unwrap()
        .into_inner()
        .user
        .unwrap()
}

async fn get(client: &Client, id: &str) -> Result<OrganizationDto, Status> {
    let request = GetOrganizationRequest { organization_id: text(id) };
    Ok(client.organizations().get_organization(request).await?.into_inner().organization.unwrap())
}

async fn delete(client: &Client, id: &str) -> Result<(), Status> {
    let request = DeleteOrganizationRequest { organization_id: text(id), ..Default::default() };
    client.organizations().delete_organization(request).await.map(drop)
}

#[tokio::test]
async fn one_is_created_found_and_deleted() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    let acme = OrganizationDto { code: text("acme"), name: text("Acme"), ..Default::default() };
    let create = CreateOrganizationRequest { organization: Some(acme) };
    let created = client.organizations().create_organization(create.clone()).await.unwrap().into_inner().organization.unwrap();
    assert_eq!((created.code(), created.name()), ("acme", "Acme"));
    assert_eq!(get(&client, created.organization_id()).await.unwrap(), created);
    let taken = refused(client.organizations().create_organization(create.clone()).await);
    assert_eq!(taken.kind(), (Code::AlreadyExists, "CODE_EXISTS"));
    delete(&client, created.organization_id()).await.unwrap();
    assert_eq!(refused(get(&client, created.organization_id()).await).kind(), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
    assert_eq!(refused(delete(&client, created.organization_id()).await).kind(), (Code::NotFound, "ORGANIZATION_NOT_FOUND"));
    client.organizations().create_organization(create).await.unwrap();
    let list = client.organizations().list_organizations(ListOrganizationsRequest::default()).await.unwrap().into_inner();
    assert_eq!((list.organizations.len(), list.total_count), (1, Some(1)));
}

#[tokio::test]
async fn a_bound_key_sees_its_own_members_and_nobody_else() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    for id in ["ann", "bob"] {
        user(&client, id).await;
    }
    organization(&roster, "a", &["ann"]).await;
    organization(&roster, "b", &["bob"]).await;
    let group = GroupDto { code: text("g"), organization_id: text("b"), ..Default::default() };
    client.groups().create_group(CreateGroupRequest { group: Some(group) }).await.unwrap();
    let bound = roster.bound_client("*", "a").await;
    let seen = async |id: &str| {
        let request = GetUserRequest { user_id: text(id), with_organizations: true, ..Default::default() };
        bound.users().get_user(request).await.map(|answer| answer.into_inner().user.unwrap().organization_ids)
    };
    assert_eq!(seen("ann").await.unwrap(), ["a"]);
    assert_eq!(refused(seen("bob").await).kind(), (Code::NotFound, "USER_NOT_FOUND"));
    assert_eq!(get(&bound, "a").await.unwrap().code(), "a");
    assert_eq!(refused(get(&bound, "b").await), refused(get(&bound, "nowhere").await));
    let owned = user(&bound, "carl").await;
    assert_eq!(owned.tenant_id(), "a");
    assert_eq!(seen("carl").await.unwrap(), ["a"]);
}
