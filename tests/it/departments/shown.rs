//! What reads of users show of departments and posts: of one level, sorted, and for the scope that reads them.

use roster::proto::find_user_request::By;
use roster::proto::{
    AddDepartmentMembersRequest, AddGroupMembersRequest, AddRoleMembersRequest, BatchGetUsersItem, BatchGetUsersRequest,
    CreateGroupRequest, CreateRoleRequest, FindUserRequest, GetUserRequest, GroupDto, ListDepartmentMembersRequest,
    ListGroupMembersRequest, ListOrganizationMembersRequest, ListRoleMembersRequest, ListUsersRequest, RoleDto,
    SearchUsersRequest, UserDto,
};
use tonic::{Code, Status};

use super::{adding, begun, organization, users};
use crate::calls::{assert_refused, creating, masking, setting};
use crate::dto::texts;
use crate::harness::{Client, assert_invalid};
use crate::posts::set;

/// Ann as each read shows her that can, of the level.
async fn reads(
    client: &Client,
    organization_id: Option<&str>,
    department_id: &str,
    (with_department_ids, with_post): (bool, bool),
) -> Vec<(&'static str, Result<UserDto, Status>)> {
    let level = organization_id.map(ToOwned::to_owned);
    let ann = || Some("ann".to_owned());
    let one = |listed: Vec<UserDto>| listed.into_iter().find(|user| user.user_id() == "ann").unwrap();
    macro_rules! asking {
        ($request:ident { $($field:ident: $value:expr),* }) => {
            $request { $($field: $value,)* organization_id: level.clone(), with_department_ids, with_post, ..Default::default() }
        };
    }
    let item = BatchGetUsersItem { user_id: ann(), user_id_type: 0 };
    let (mut users, mut organizations) = (client.users(), client.organizations());
    let mut reads = vec![
        ("get", users.get_user(asking!(GetUserRequest { user_id: ann() })).await.map(|found| found.into_inner().user.unwrap())),
        (
            "find",
            users
                .find_user(asking!(FindUserRequest { by: Some(By::Username("ann".to_owned())) }))
                .await
                .map(|found| found.into_inner().user.unwrap()),
        ),
        (
            "batch",
            users
                .batch_get_users(asking!(BatchGetUsersRequest { users: vec![item] }))
                .await
                .map(|found| found.into_inner().results.remove(0).user.unwrap()),
        ),
        ("list", users.list_users(asking!(ListUsersRequest {})).await.map(|listed| one(listed.into_inner().users))),
        (
            "search",
            users.search_users(asking!(SearchUsersRequest { query: ann() })).await.map(|listed| one(listed.into_inner().users)),
        ),
        (
            "groups",
            client
                .groups()
                .list_group_members(asking!(ListGroupMembersRequest { code: Some("set".to_owned()) }))
                .await
                .map(|listed| one(listed.into_inner().users)),
        ),
        (
            "roles",
            client
                .roles()
                .list_role_members(asking!(ListRoleMembersRequest { code: Some("set".to_owned()) }))
                .await
                .map(|listed| one(listed.into_inner().users)),
        ),
        (
            "departments",
            organizations
                .list_department_members(asking!(ListDepartmentMembersRequest {
                    department_id: Some(department_id.to_owned())
                }))
                .await
                .map(|listed| one(listed.into_inner().users)),
        ),
    ];
    if organization_id.is_some() {
        let members = organizations.list_organization_members(asking!(ListOrganizationMembersRequest {})).await;
        reads.push(("organization", members.map(|listed| one(listed.into_inner().users))));
    }
    reads
}

/// A group and a role at the level, of whom Ann is.
async fn grouped(client: &Client, organization_id: Option<&str>) {
    let (code, organization_id) = (Some("set".to_owned()), organization_id.map(ToOwned::to_owned));
    let group = GroupDto { code: code.clone(), organization_id: organization_id.clone(), ..Default::default() };
    client.groups().create_group(CreateGroupRequest { group: Some(group) }).await.unwrap();
    let role = RoleDto { code: code.clone(), organization_id: organization_id.clone(), ..Default::default() };
    client.roles().create_role(CreateRoleRequest { role: Some(role) }).await.unwrap();
    let user_ids = vec!["ann".to_owned()];
    let add = AddGroupMembersRequest {
        code: code.clone(),
        organization_id: organization_id.clone(),
        user_ids: user_ids.clone(),
        ..Default::default()
    };
    client.groups().add_group_members(add).await.unwrap();
    let add = AddRoleMembersRequest { code, organization_id, user_ids, ..Default::default() };
    client.roles().add_role_members(add).await.unwrap();
}

#[tokio::test]
async fn every_read_shows_those_of_one_level_where_they_are_asked_for() {
    let (_roster, client) = begun().await;
    let (one, other) = (organization(&client, "one").await, organization(&client, "other").await);
    users(&client, Some(&one), &["ann", "bob"]).await;
    super::join(&client, &other, &["ann"]).await;
    for level in [None, Some(one.as_str()), Some(other.as_str())] {
        grouped(&client, level).await;
        let (mut departments, mut posts) = (Vec::new(), Vec::new());
        for name in ["a", "b", "c"] {
            departments.push(client.made(level, None, name).await);
            posts.push(client.made_post(level, name).await);
        }
        for (index, id) in departments.iter().enumerate() {
            client.put(AddDepartmentMembersRequest { is_main: index == 1, ..adding(id, &["ann"]) }).await;
        }
        let main = departments[1].clone();
        set(&client, "ann", level, &posts).await.unwrap();
        departments.sort();
        posts.sort();
        for (asked_departments, asked_posts) in [(false, false), (true, false), (false, true), (true, true)] {
            let reads = reads(&client, level, &main, (asked_departments, asked_posts)).await;
            assert_eq!(reads.len(), if level.is_some() { 9 } else { 8 });
            for (read, ann) in reads {
                let ann = ann.unwrap();
                let shown = (ann.department_ids, ann.main_department_id);
                let expected = if asked_departments { (departments.clone(), Some(main.clone())) } else { Default::default() };
                assert_eq!(shown, expected, "{read} {level:?}");
                assert_eq!(ann.post_id_list, if asked_posts { posts.clone() } else { vec![] }, "{read} {level:?}");
            }
        }
    }
}

#[tokio::test]
async fn they_need_the_scope_that_reads_organizations() {
    let (roster, client) = begun().await;
    users(&client, None, &["ann"]).await;
    let id = client.made(None, None, "a").await;
    client.put(adding(&id, &["ann"])).await;
    grouped(&client, None).await;
    let caller = roster.client("users:read,groups:read,roles:read").await;
    for asked in [(true, false), (false, true)] {
        for (read, answer) in reads(&caller, None, &id, asked).await {
            let refusal = assert_refused(answer, Code::PermissionDenied, "SCOPE_DENIED");
            assert_eq!(refusal.metadata["scope"], "organizations:read", "{read}");
        }
    }
}

#[tokio::test]
async fn members_are_shown_at_the_level_of_their_department() {
    let (_roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann"]).await;
    let of_pool = client.made(None, None, "pool").await;
    let id = client.made(Some(&organization_id), None, "own").await;
    client.put(adding(&of_pool, &["ann"])).await;
    client.put(adding(&id, &["ann"])).await;
    let request =
        ListDepartmentMembersRequest { department_id: Some(id.clone()), with_department_ids: true, ..Default::default() };
    assert_eq!(client.members(request).await.unwrap()[0].department_ids, [id]);
}

#[tokio::test]
async fn users_are_changed_without_them() {
    let (_roster, client) = begun().await;
    users(&client, None, &["ann"]).await;
    let id = client.made(None, None, "a").await;
    client.put(AddDepartmentMembersRequest { is_main: true, ..adding(&id, &["ann"]) }).await;
    let named = [
        ("department_ids", UserDto { department_ids: vec![id.clone()], ..texts(&[("nickname", "A")]) }),
        ("main_department_id", UserDto { main_department_id: Some(id.clone()), ..texts(&[("nickname", "A")]) }),
        ("post_id_list", UserDto { post_id_list: vec![id.clone()], ..texts(&[("nickname", "A")]) }),
    ];
    for (field, user) in named {
        let path = format!("user.{field}");
        assert_invalid(client.update(setting("ann", user.clone())).await, &[&path]);
        assert_invalid(
            client.users().create_user(creating(UserDto { username: Some("new".to_owned()), ..user.clone() })).await,
            &[&path],
        );
        assert_invalid(client.update(masking("ann", user.clone(), &[field])).await, &["update_mask"]);
        // What was read is sent back under a mask.
        let updated = client.update(masking("ann", user, &["nickname"])).await.unwrap();
        assert_eq!((updated.nickname(), updated.department_ids.len(), updated.main_department_id()), ("A", 0, ""));
    }
    assert_eq!(client.member_ids(&id, false).await, ["ann"]);
}
