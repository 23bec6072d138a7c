//! Who is in a department, who leads it, and which is a user's main one.

use roster::proto::{
    AddDepartmentMembersRequest, ListDepartmentMembersRequest, RemoveOrganizationMembersRequest, UserDto, UserIdType,
};
use tonic::Code;

use super::{adding, begun, organization, owned, reasons, users};
use crate::calls::{BOB_IDS, bob};
use crate::harness::{Client, assert_invalid};

fn leading(id: &str, user_ids: &[&str]) -> AddDepartmentMembersRequest {
    AddDepartmentMembersRequest { is_leader: true, ..adding(id, user_ids) }
}

fn main_of(id: &str, user_ids: &[&str]) -> AddDepartmentMembersRequest {
    AddDepartmentMembersRequest { is_main: true, ..adding(id, user_ids) }
}

/// The ids of the departments of a user at a level, and which is the main one.
async fn departments_of(client: &Client, user_id: &str, organization_id: Option<&str>) -> (Vec<String>, Option<String>) {
    let request = roster::proto::GetUserRequest {
        user_id: Some(user_id.to_owned()),
        organization_id: organization_id.map(ToOwned::to_owned),
        with_department_ids: true,
        ..Default::default()
    };
    let UserDto { department_ids, main_department_id, .. } =
        client.users().get_user(request).await.unwrap().into_inner().user.unwrap();
    (department_ids, main_department_id)
}

#[tokio::test]
async fn each_id_is_answered_in_its_place_and_the_good_ones_count() {
    let (_roster, client) = begun().await;
    users(&client, None, &["ann", "cat"]).await;
    let id = client.made(None, None, "a").await;
    let ids = ["nobody", "cat", "", "ann", "cat", "a\0", "Cat"];
    let expected = ["USER_NOT_FOUND", "", "INVALID_FIELD", "", "", "USER_NOT_FOUND", "USER_NOT_FOUND"];
    let expected: Vec<_> = expected.iter().map(|reason| (!reason.is_empty()).then(|| (*reason).to_owned())).collect();
    let added = client.add(adding(&id, &ids)).await.unwrap();
    assert_eq!(added.iter().map(|result| result.user_id.as_str()).collect::<Vec<_>>(), ids);
    assert_eq!(reasons(added), expected);
    assert_eq!(client.member_ids(&id, false).await, ["ann", "cat"]);
    assert_eq!(reasons(client.take(&id, &ids).await.unwrap()), expected);
    assert!(client.member_ids(&id, false).await.is_empty());
    for count in [0, 1_001] {
        let ids = vec!["ann"; count];
        assert_invalid(client.add(adding(&id, &ids)).await, &["user_ids"]);
        assert_invalid(client.take(&id, &ids).await, &["user_ids"]);
    }
    assert_eq!(client.add(adding(&id, &["ann"; 1_000])).await.unwrap().len(), 1_000);
}

#[tokio::test]
async fn a_member_is_named_by_an_id_of_any_type() {
    let (_roster, client) = begun().await;
    client.create(bob()).await.unwrap();
    let id = client.made(None, None, "a").await;
    for (kind, bob) in BOB_IDS {
        let user_id_type = (*kind).into();
        client.put(AddDepartmentMembersRequest { user_id_type, ..adding(&id, &[bob, bob]) }).await;
        assert_eq!(client.member_ids(&id, false).await, ["bob-1"], "{kind:?}");
        client.take(&id, &["bob-1"]).await.unwrap();
    }
    let unknown = AddDepartmentMembersRequest { user_id_type: 99, ..adding(&id, &["bob-1"]) };
    assert_invalid(client.add(unknown).await, &["user_id_type"]);
    let email = AddDepartmentMembersRequest { user_id_type: UserIdType::Email.into(), ..adding(&id, &["bob"]) };
    assert_eq!(reasons(client.add(email).await.unwrap()), [Some("INVALID_FIELD".to_owned())]);
}

#[tokio::test]
async fn adding_again_sets_the_flags_to_what_is_given() {
    let (_roster, client) = begun().await;
    users(&client, None, &["ann", "bob"]).await;
    let id = client.made(None, None, "a").await;
    let before = client.department(&id).await.unwrap();
    client.put(leading(&id, &["bob", "ann"])).await;
    let led = client.department(&id).await.unwrap();
    assert_eq!(
        (led.leader_user_ids.join(" "), &led.etag, &led.updated_at),
        ("ann bob".to_owned(), &before.etag, &before.updated_at)
    );
    client.put(main_of(&id, &["ann"])).await;
    assert_eq!(client.department(&id).await.unwrap().leader_user_ids, ["bob"]);
    assert_eq!(departments_of(&client, "ann", None).await, (vec![id.clone()], Some(id.clone())));
    client.put(adding(&id, &["ann", "bob"])).await;
    assert!(client.department(&id).await.unwrap().leader_user_ids.is_empty());
    assert_eq!(departments_of(&client, "ann", None).await, (vec![id.clone()], None));
    client.put(leading(&id, &["bob"])).await;
    client.take(&id, &["bob"]).await.unwrap();
    assert!(client.department(&id).await.unwrap().leader_user_ids.is_empty());
}

#[tokio::test]
async fn a_user_has_one_main_department_at_a_level_the_last_that_was_made_so() {
    let (_roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann", "bob"]).await;
    let own = client.made(Some(&organization_id), None, "own").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(client.made(None, None, name).await);
    }
    client.put(main_of(&own, &["ann", "bob"])).await;
    for id in &ids {
        client.put(main_of(id, &["ann", "bob"])).await;
        for user in ["ann", "bob"] {
            assert_eq!(departments_of(&client, user, None).await.1.as_ref(), Some(id));
        }
    }
    client.put(main_of(&ids[0], &["ann"])).await;
    ids.sort();
    let (all, main) = departments_of(&client, "ann", None).await;
    assert_eq!((all, main.is_some()), (ids, true));
    assert_eq!(departments_of(&client, "bob", Some(&organization_id)).await, (vec![own.clone()], Some(own)));
}

#[tokio::test]
async fn in_an_organization_s_department_only_its_members_can_be() {
    let (roster, client) = begun().await;
    let organization_id = organization(&client, "acme").await;
    users(&client, Some(&organization_id), &["ann"]).await;
    users(&client, None, &["bob"]).await;
    let id = client.made(Some(&organization_id), None, "a").await;
    let results = client.add(adding(&id, &["bob", "ann", "nobody"])).await.unwrap();
    assert_eq!(reasons(results), [Some("NOT_A_MEMBER".to_owned()), None, Some("USER_NOT_FOUND".to_owned())]);
    // To the organization's own key nobody else is there.
    let bound = roster.bound_client("*", &organization_id).await;
    let results = bound.add(adding(&id, &["bob", "ann"])).await.unwrap();
    assert_eq!(reasons(results), [Some("USER_NOT_FOUND".to_owned()), None]);
    assert_eq!(client.member_ids(&id, false).await, ["ann"]);
    // Who leaves the organization leaves its departments, and no others.
    let of_pool = client.made(None, None, "pool").await;
    client.put(main_of(&of_pool, &["ann", "bob"])).await;
    let leave = RemoveOrganizationMembersRequest {
        organization_id: Some(organization_id.clone()),
        user_ids: owned(&["ann"]),
        ..Default::default()
    };
    client.organizations().remove_organization_members(leave).await.unwrap();
    assert!(client.member_ids(&id, false).await.is_empty());
    assert_eq!(departments_of(&client, "ann", None).await, (vec![of_pool.clone()], Some(of_pool.clone())));
    // Who is deleted is in none.
    client.delete("ann").await.unwrap();
    assert_eq!(client.member_ids(&of_pool, false).await, ["bob"]);
}

#[tokio::test]
async fn those_below_are_told_where_they_are_asked_for_each_once() {
    let (_roster, client) = begun().await;
    users(&client, None, &["ann", "bob", "cat", "dan"]).await;
    let root = client.made(None, None, "root").await;
    let [left, right] = [client.made(None, Some(&root), "left").await, client.made(None, Some(&root), "right").await];
    let leaf = client.made(None, Some(&left), "leaf").await;
    let apart = client.made(None, None, "apart").await;
    for (id, members) in
        [(&root, &["cat"][..]), (&left, &["bob", "cat"]), (&right, &["bob"]), (&leaf, &["ann", "bob"]), (&apart, &["dan"])]
    {
        client.put(adding(id, members)).await;
    }
    for (id, own, below) in [
        (&root, &["cat"][..], &["ann", "bob", "cat"][..]),
        (&left, &["bob", "cat"], &["ann", "bob", "cat"]),
        (&right, &["bob"], &["bob"]),
        (&leaf, &["ann", "bob"], &["ann", "bob"]),
        (&apart, &["dan"], &["dan"]),
    ] {
        assert_eq!(client.member_ids(id, false).await, own);
        assert_eq!(client.member_ids(id, true).await, below);
        // Page by page, as many.
        for (include_children, expected) in [(false, own), (true, below)] {
            let (mut seen, mut page_token) = (Vec::new(), String::new());
            loop {
                let request = ListDepartmentMembersRequest {
                    department_id: Some(id.clone()),
                    include_children,
                    limit: Some(1),
                    page_token,
                    ..Default::default()
                };
                let page = client.organizations().list_department_members(request).await.unwrap().into_inner();
                assert_eq!(page.total_count, i32::try_from(expected.len()).ok());
                seen.extend(page.users.into_iter().filter_map(|user| user.user_id));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            assert_eq!(seen, expected);
        }
    }
    client.delete_department(&leaf).await.unwrap();
    assert_eq!(client.member_ids(&root, true).await, ["bob", "cat"]);
}

#[tokio::test]
async fn a_list_of_members_needs_both_scopes() {
    let (roster, client) = begun().await;
    let id = client.made(None, None, "a").await;
    for (scopes, lacking) in [("organizations:read", "users:read"), ("users:read", "organizations:read")] {
        let caller = roster.client(scopes).await;
        let request = ListDepartmentMembersRequest { department_id: Some(id.clone()), ..Default::default() };
        let refusal = crate::calls::assert_refused(caller.members(request).await, Code::PermissionDenied, "SCOPE_DENIED");
        assert_eq!(refusal.metadata["scope"], lacking);
    }
}
