//! Users who are created with identities, one by one and by the batch.

use roster::proto::{IdentityDto, IdentityProvider, UserDto, UserIdType};
use tonic::Code;

use super::{answered, full, get, identity, lark, link, list, started};
use crate::batches::{create, outcomes};
use crate::calls::{assert_not_found, assert_refused, assert_taken, creating, masking, setting};
use crate::dto::texts;
use crate::harness::{assert_invalid, named};

/// A user of this id with these identities and nothing else.
fn known_as(user_id: &str, identities: Vec<IdentityDto>) -> UserDto {
    UserDto { identities, ..texts(&[("user_id", user_id)]) }
}

/// The identities without their ids, by account.
fn accounts(identities: &[IdentityDto]) -> Vec<IdentityDto> {
    let mut accounts: Vec<_> =
        identities.iter().map(|identity| IdentityDto { identity_id: None, ..identity.clone() }).collect();
    accounts.sort_by_key(|identity| (identity.ext_idp_id().to_owned(), identity.user_id_in_idp().to_owned()));
    accounts
}

#[tokio::test]
async fn a_user_is_created_with_identities_and_may_have_nothing_else() {
    let (_roster, client) = started().await;
    let sent = vec![full("z"), lark("a"), identity("aaa", IdentityProvider::Xiaomi, "m")];
    let created = client.create(known_as("carl", sent.clone())).await.unwrap();
    let expected: Vec<_> = sent.into_iter().map(|identity| answered(identity, None)).collect();
    assert!(created.identities.is_empty(), "a create answers without relations");
    let stored = list(&client, "carl").await.unwrap();
    assert_eq!(accounts(&stored), accounts(&expected));
    assert!(stored.is_sorted_by_key(|identity| identity.identity_id().to_owned()));
    let found = get(&client, UserIdType::Identity, "idp:z").await.unwrap();
    assert_eq!((found.user_id, found.identities), (created.user_id, stored));
    assert!(client.create(named("dora")).await.unwrap().identities.is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_an_identity_is_told_by_its_whole_path() {
    let (_roster, client) = started().await;
    let mut bad = vec![lark("a"), lark("b"), lark("a"), lark("c")];
    bad[3].provider = None;
    bad.push(IdentityDto { identity_id: Some("x".to_owned()), ..lark("d") });
    let fields = ["user.identities[2]", "user.identities[3].provider", "user.identities[4].identity_id"];
    let sorted = |mut fields: Vec<String>| {
        fields.sort();
        fields
    };
    let user = known_as("carl", bad);
    let refusal = crate::harness::refused(client.users().create_user(creating(user.clone())).await);
    assert_eq!(sorted(refusal.fields().into_iter().map(ToOwned::to_owned).collect()), fields);
    let rows = outcomes(create(&client, &[named("dora"), user.clone()], false).await.unwrap());
    assert!(rows[0].is_ok());
    let refusal = rows[1].as_ref().unwrap_err();
    assert_eq!(sorted(refusal.fields().into_iter().map(ToOwned::to_owned).collect()), fields);
    let refusal = crate::harness::refused(create(&client, &[named("emil"), user], true).await);
    let fields = fields.map(|field| format!("users[1].{field}"));
    assert_eq!(sorted(refusal.fields().into_iter().map(ToOwned::to_owned).collect()), fields);
    assert_invalid(client.users().create_user(creating(texts(&[("user_id", "carl")]))).await, &["user"]);
}

#[tokio::test]
async fn identities_are_sent_on_create_alone() {
    let (_roster, client) = started().await;
    let ann = UserDto { identities: vec![IdentityDto::default()], nickname: Some("A".to_owned()), ..UserDto::default() };
    let update = async |request| client.users().update_user(request).await;
    assert_invalid(update(setting("ann", ann.clone())).await, &["user.identities"]);
    assert_invalid(update(masking("ann", ann.clone(), &["identities"])).await, &["update_mask"]);
    update(masking("ann", ann, &["nickname"])).await.unwrap();
    assert!(list(&client, "ann").await.unwrap().is_empty());
}

#[tokio::test]
async fn who_names_identities_needs_the_scope_for_it() {
    let (roster, client) = started().await;
    link(&client, "ann", lark("a")).await.unwrap();
    let denied = |refusal: crate::harness::Refusal, scope: &str| {
        assert_eq!((refusal.kind(), refusal.metadata["scope"].as_str()), ((Code::PermissionDenied, "SCOPE_DENIED"), scope));
    };
    let writer = roster.client("users:write").await;
    let user = known_as("carl", vec![lark("b")]);
    denied(crate::harness::refused(writer.users().create_user(creating(user.clone())).await), "identities:write");
    denied(crate::harness::refused(create(&writer, &[named("dora"), user.clone()], false).await), "identities:write");
    let masked = masking("ann", UserDto::default(), &["identities"]);
    denied(crate::harness::refused(writer.users().update_user(masked).await), "identities:write");
    denied(crate::harness::refused(get(&writer, UserIdType::UserId, "ann").await), "identities:read");
    let reader = roster.client("users:read,identities:read").await;
    assert_eq!(get(&reader, UserIdType::UserId, "ann").await.unwrap().identities.len(), 1);
    let writer = roster.client("users:write,identities:write").await;
    writer.create(user).await.unwrap();
}

#[tokio::test]
async fn all_that_is_taken_is_named_and_nothing_is_left_of_the_user() {
    let (_roster, client) = started().await;
    for account in ["a", "b"] {
        link(&client, "ann", lark(account)).await.unwrap();
    }
    let email = texts(&[("user_id", "eva"), ("email", "e@example.com"), ("external_id", "x")]);
    client.create(email).await.unwrap();
    let taken = UserDto {
        identities: vec![lark("new"), lark("a"), lark("b")],
        ..texts(&[("user_id", "ann"), ("username", "bob"), ("email", "E@example.com"), ("external_id", "x")])
    };
    let all = ["USER_ID_EXISTS", "EMAIL_EXISTS", "USERNAME_EXISTS", "EXTERNAL_ID_EXISTS", "IDENTITY_EXISTS"];
    assert_taken(client.users().create_user(creating(taken.clone())).await, &all);
    let alone = known_as("carl", vec![lark("new"), lark("b")]);
    assert_taken(client.users().create_user(creating(alone.clone())).await, &["IDENTITY_EXISTS"]);
    let rows = outcomes(create(&client, &[taken, alone, known_as("carl", vec![lark("new")])], false).await.unwrap());
    assert_eq!(rows[0].as_ref().unwrap_err().metadata["conflicts"], all.join(","));
    assert_eq!(rows[1].as_ref().unwrap_err().metadata["conflicts"], "IDENTITY_EXISTS");
    assert_eq!(rows[2], Ok("carl".to_owned()));
}

#[tokio::test]
async fn of_users_of_a_batch_with_one_account_the_later_loses() {
    let (_roster, client) = started().await;
    let users = [
        known_as("one", vec![lark("a"), lark("b")]),
        known_as("two", vec![lark("c"), lark("b")]),
        known_as("three", vec![lark("c")]),
    ];
    let rows = outcomes(create(&client, &users, false).await.unwrap());
    assert_eq!(rows[1].as_ref().unwrap_err().kind(), (Code::AlreadyExists, "IDENTITY_EXISTS"));
    assert_eq!((&rows[0], &rows[2]), (&Ok("one".to_owned()), &Ok("three".to_owned())));
    assert_not_found(list(&client, "two").await);
    assert_eq!(get(&client, UserIdType::Identity, "idp:c").await.unwrap().user_id(), "three");
    let again = [known_as("four", vec![lark("d")]), known_as("five", vec![lark("a")])];
    let refusal = assert_refused(create(&client, &again, true).await, Code::AlreadyExists, "IDENTITY_EXISTS");
    assert_eq!(refusal.metadata["item"], "users[1]");
    assert_not_found(list(&client, "four").await);
}
