//! What is a role's alone: whether a user holds any of some, and several given or taken at once. What roles have in common with
//! groups stands in `collections/`.

use roster::proto::{
    AddUserRolesRequest, HasAnyRoleRequest, ListUserRolesRequest, RemoveUserRolesRequest, RoleDto, UserDto, UserIdType,
    UserStatus,
};
use tonic::{Code, Status};

use crate::calls::{BOB_IDS, assert_not_found, assert_refused, setting};
use crate::collections::{Ask, Holding, Kind, Roles, add, begun, codes_of, made, run, users};
use crate::harness::{Client, assert_invalid};

type Held = (Option<i32>, Vec<RoleDto>);

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn adding(user_id: &str, codes: &[&str]) -> AddUserRolesRequest {
    AddUserRolesRequest { user_id: Some(user_id.to_owned()), user_id_type: 0, role_codes: owned(codes), ..Default::default() }
}

/// Gives Bob the roles or takes them: what he holds then.
async fn change(client: &Client, holding: Holding, codes: &[&str]) -> Result<Held, Status> {
    let request = adding("bob-1", codes);
    if holding == Holding::Add {
        let answer = client.users().add_user_roles(request).await?.into_inner();
        return Ok((answer.total_count, answer.roles));
    }
    let AddUserRolesRequest { user_id, user_id_type, role_codes, .. } = request;
    let request = RemoveUserRolesRequest { user_id, user_id_type, role_codes, ..Default::default() };
    let answer = client.users().remove_user_roles(request).await?.into_inner();
    Ok((answer.total_count, answer.roles))
}

fn asking(user_id: &str, codes: &[&str]) -> HasAnyRoleRequest {
    HasAnyRoleRequest { user_id: Some(user_id.to_owned()), user_id_type: 0, role_codes: owned(codes), ..Default::default() }
}

async fn has_any(client: &Client, request: HasAnyRoleRequest) -> Result<bool, Status> {
    Ok(client.roles().has_any_role(request).await?.into_inner().has_any_role)
}

#[tokio::test]
async fn several_roles_are_given_and_taken_and_the_answer_is_what_is_held_then() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<Roles>(&client, &["d", "b", "C", "a", "e"]).await;
    add::<Roles>(&client, "e", &["ann"]).await;
    for (holding, codes, expected) in [
        (Holding::Remove, &["a", "b"][..], &[][..]),
        (Holding::Add, &["d", "a"], &["a", "d"]),
        (Holding::Add, &["b", "a", "C", "b"], &["C", "a", "b", "d"]),
        (Holding::Remove, &["e"], &["C", "a", "b", "d"]),
        (Holding::Remove, &["d", "e", "a", "d"], &["C", "b"]),
        (Holding::Remove, &["b", "C"], &[]),
    ] {
        let (total_count, roles) = change(&client, holding, codes).await.unwrap();
        assert_eq!(roles.iter().map(RoleDto::code).collect::<Vec<_>>(), expected, "{holding:?} {codes:?}");
        assert_eq!(total_count, expected.len().try_into().ok());
        let list = ListUserRolesRequest { user_id: Some("bob-1".to_owned()), ..Default::default() };
        let listed = client.users().list_user_roles(list).await.unwrap().into_inner();
        assert_eq!((listed.total_count, listed.roles), (total_count, roles));
    }
    assert_eq!(codes_of::<Roles>(&client, "ann").await, ["e"]);
}

#[tokio::test]
async fn all_roles_are_given_or_taken_or_none() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<Roles>(&client, &["a", "b", "c"]).await;
    add::<Roles>(&client, "a", &["bob-1"]).await;
    for holding in [Holding::Add, Holding::Remove] {
        for codes in [&["a", "b", "nope"][..], &["nope", "a", "b"], &["A", "b"], &["b", "a\0"], &["b", "%"]] {
            assert_refused(change(&client, holding, codes).await, Code::NotFound, "ROLE_NOT_FOUND");
            assert_eq!(codes_of::<Roles>(&client, "bob-1").await, ["a"], "{holding:?} {codes:?}");
        }
    }
    assert_not_found(client.users().add_user_roles(adding("nobody", &["a"])).await);
}

#[tokio::test]
async fn a_call_gives_or_takes_1_to_1000_roles() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<Roles>(&client, &["a", "b"]).await;
    for (holding, left) in [(Holding::Add, 1), (Holding::Remove, 0)] {
        assert_invalid(change(&client, holding, &[]).await, &["role_codes"]);
        assert_invalid(change(&client, holding, &["a"; 1_001]).await, &["role_codes"]);
        assert_invalid(change(&client, holding, &["a", "", "b", &"x".repeat(257)]).await, &["role_codes[1]", "role_codes[3]"]);
        let (total_count, roles) = change(&client, holding, &["a"; 1_000]).await.unwrap();
        assert_eq!((total_count, roles.len()), (Some(left), usize::try_from(left).unwrap()));
    }
    let nothing = client.users().add_user_roles(AddUserRolesRequest::default()).await;
    assert_invalid(nothing, &["user_id", "role_codes"]);
}

#[tokio::test]
async fn of_more_roles_than_fit_into_a_message_all_are_counted() {
    let (roster, client) = begun().await;
    users(&client, &[]).await;
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)";
    let padded = "(SELECT replace(format('%5s', i), ' ', '0') AS number FROM n) AS padded";
    let rows = format!("SELECT 'id-' || number, 'c' || number, '{}', 'e', 0, 0 FROM {padded}", "x".repeat(2_048));
    run(&roster, &format!("INSERT INTO roles (role_id, code, description, etag, created_at, updated_at) {numbers} {rows}"))
        .await;
    run(&roster, "INSERT INTO role_members (role_id, user_id) SELECT role_id, 'bob-1' FROM roles WHERE code <> 'c02500'").await;
    let (total_count, roles) = change(&client, Holding::Add, &["c02500"]).await.unwrap();
    assert_eq!(total_count, Some(2_500));
    assert!((1_500..2_500).contains(&roles.len()), "{}", roles.len());
    assert_eq!((roles[0].code(), roles[1].code(), roles[0].description().len()), ("c00001", "c00002", 2_048));
    // The others are had by pages.
    let whole = Ask { limit: Some(1_000), ..Ask::default() };
    let page = Roles::of_user(&client, Some("bob-1"), 0, whole).await.unwrap();
    assert_eq!((page.items.len(), page.total_count), (1_000, Some(2_500)));
}

#[tokio::test]
async fn any_role_that_is_held_is_enough() {
    let (_roster, client) = begun().await;
    users(&client, &["ann"]).await;
    made::<Roles>(&client, &["admin", "cook", "maid"]).await;
    add::<Roles>(&client, "admin", &["bob-1"]).await;
    add::<Roles>(&client, "cook", &["bob-1", "ann"]).await;
    let long = "x".repeat(256);
    for (codes, bob, ann) in [
        (&["admin"][..], true, false),
        (&["maid"], false, false),
        (&["maid", "cook"], true, true),
        (&["admin", "admin", "cook"], true, true),
        // What no role is called counts as not held.
        (&["nope"], false, false),
        (&["nope", "Admin", "admin ", "a%", "_dmin", "\0", "界", &long], false, false),
        (&["nope", "admin"], true, false),
    ] {
        assert_eq!(has_any(&client, asking("bob-1", codes)).await.unwrap(), bob, "{codes:?}");
        assert_eq!(has_any(&client, asking("ann", codes)).await.unwrap(), ann, "{codes:?}");
    }
}

#[tokio::test]
async fn a_role_that_is_taken_deleted_or_renamed_does_not_count_from_then_on() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<Roles>(&client, &["a", "b", "c"]).await;
    change(&client, Holding::Add, &["a", "b", "c"]).await.unwrap();
    change(&client, Holding::Remove, &["a"]).await.unwrap();
    assert!(!has_any(&client, asking("bob-1", &["a"])).await.unwrap());
    Roles::delete(&client, Some("b"), None).await.unwrap();
    assert!(!has_any(&client, asking("bob-1", &["b"])).await.unwrap());
    made::<Roles>(&client, &["b"]).await;
    assert!(!has_any(&client, asking("bob-1", &["b"])).await.unwrap());
    Roles::update(&client, crate::collections::setting("c", crate::collections::coded("d"))).await.unwrap();
    assert!(!has_any(&client, asking("bob-1", &["c"])).await.unwrap());
    assert!(has_any(&client, asking("bob-1", &["d"])).await.unwrap());
}

#[tokio::test]
async fn whoever_may_not_log_in_holds_their_roles_still() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<Roles>(&client, &["admin", "cook"]).await;
    add::<Roles>(&client, "admin", &["bob-1"]).await;
    for status in [UserStatus::Suspended, UserStatus::Deactivated, UserStatus::Resigned, UserStatus::Archived] {
        let change = UserDto { status: Some(status.into()), blocked: Some(true), ..UserDto::default() };
        client.update(setting("bob-1", change)).await.unwrap();
        assert!(has_any(&client, asking("bob-1", &["admin"])).await.unwrap(), "{status:?}");
        change_and_back(&client).await;
    }
}

/// Memberships do not ask for the status either.
async fn change_and_back(client: &Client) {
    for (holding, held) in [(Holding::Add, 2), (Holding::Remove, 1)] {
        assert_eq!(change(client, holding, &["cook"]).await.unwrap().0, Some(held));
    }
}

#[tokio::test]
async fn the_user_who_is_asked_about_is_named_by_an_id_of_any_type() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    made::<Roles>(&client, &["admin"]).await;
    add::<Roles>(&client, "admin", &["bob-1"]).await;
    for (kind, id) in BOB_IDS {
        let request = HasAnyRoleRequest { user_id_type: (*kind).into(), ..asking(id, &["admin"]) };
        assert!(has_any(&client, request).await.unwrap(), "{kind:?} {id}");
    }
    for (kind, id) in [(UserIdType::UserId, "nobody"), (UserIdType::Username, "Bob"), (UserIdType::Email, "b@example.com")] {
        for code in ["admin", "nope"] {
            let request = HasAnyRoleRequest { user_id_type: kind.into(), ..asking(id, &[code]) };
            assert_not_found(has_any(&client, request).await);
        }
    }
}

#[tokio::test]
async fn a_question_names_a_user_and_1_to_100_roles() {
    let (_roster, client) = begun().await;
    users(&client, &[]).await;
    for codes in [&[][..], &["a"; 101], &["a"; 1_001]] {
        assert_invalid(has_any(&client, asking("bob-1", codes)).await, &["role_codes"]);
    }
    assert!(!has_any(&client, asking("bob-1", &["a"; 100])).await.unwrap());
    assert_invalid(has_any(&client, asking("bob-1", &["", "a", &"x".repeat(257)])).await, &["role_codes[0]", "role_codes[2]"]);
    let all = HasAnyRoleRequest { user_id: None, user_id_type: 99, role_codes: vec![], ..Default::default() };
    assert_invalid(has_any(&client, all).await, &["user_id_type", "user_id", "role_codes"]);
    assert_invalid(has_any(&client, asking("", &["a"])).await, &["user_id"]);
}
