//! `BatchDeleteUsers`.

use roster::proto::{BatchDeleteUsersRequest, UserDto, UserIdType};
use tonic::{Code, Status};

use super::{count, create};
use crate::calls::{BOB_IDS, assert_not_found, bob};
use crate::collections::{Groups, Roles, add, begun, codes_of, made, member_ids, users};
use crate::custom_data::{bob_with, object};
use crate::dto::texts;
use crate::existence::row_error;
use crate::harness::{Client, Refusal, assert_invalid, named, refused};

/// Deletes them: for each why not, if they were not.
async fn delete(client: &Client, kind: impl Into<i32>, ids: &[&str]) -> Result<Vec<Option<Refusal>>, Status> {
    let user_ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
    let request = BatchDeleteUsersRequest { user_ids, user_id_type: kind.into() };
    let results = client.users().batch_delete_users(request).await?.into_inner().results;
    assert_eq!(results.iter().map(|result| result.user_id.as_str()).collect::<Vec<_>>(), ids);
    Ok(results.into_iter().map(|result| result.error.map(row_error)).collect())
}

/// Who was deleted, nobody, or an ill-formed id.
fn kinds(errors: &[Option<Refusal>]) -> Vec<&str> {
    let kind = |error: &Option<Refusal>| match error.as_ref().map(|error| (error.kind(), error.fields())) {
        None => "deleted",
        Some(((Code::NotFound, "USER_NOT_FOUND"), fields)) if fields.is_empty() => "nobody",
        Some(((Code::InvalidArgument, "INVALID_FIELD"), fields)) if fields == ["user_id"] => "ill-formed",
        other => panic!("{other:?}"),
    };
    errors.iter().map(kind).collect()
}

#[tokio::test]
async fn each_id_is_answered_in_its_place_and_the_rest_are_deleted() {
    let (_roster, client) = begun().await;
    users(&client, &["ann", "cat", "Dan"]).await;
    let longest = "x".repeat(256);
    let long = "x".repeat(257);
    let ids = ["nobody", "cat", "", "bob-1", "cat", &long, "dan", "bob", &longest, "a\0", "cat "];
    let expected = [
        "nobody",
        "deleted",
        "ill-formed",
        "deleted",
        "nobody",
        "ill-formed",
        "nobody",
        "nobody",
        "nobody",
        "nobody",
        "nobody",
    ];
    assert_eq!(kinds(&delete(&client, 0, &ids).await.unwrap()), expected);
    for id in ["cat", "bob-1"] {
        assert_not_found(client.get_by(UserIdType::UserId, id).await);
    }
    assert_eq!((client.get("ann").await.unwrap().username(), count(&client).await), ("ann", 2));
    // Nobody at all is fine too.
    assert_eq!(kinds(&delete(&client, 0, &["cat", ""]).await.unwrap()), ["nobody", "ill-formed"]);
}

#[tokio::test]
async fn ids_of_any_type_delete() {
    let (_roster, client) = begun().await;
    client.create(named("ann")).await.unwrap();
    for (kind, id) in BOB_IDS {
        client.create(bob()).await.unwrap();
        assert_eq!(kinds(&delete(&client, *kind, &[id, "+8618800000000@x.org", id]).await.unwrap())[0], "deleted", "{kind:?}");
        assert_not_found(client.get_by(UserIdType::UserId, "bob-1").await);
    }
    // Two spellings are one user: the second finds nobody left.
    client.create(bob()).await.unwrap();
    let spellings = ["bob@", " BOB@example.com ", "bob@example.com.", "x@example.com"];
    let expected = ["ill-formed", "deleted", "nobody", "nobody"];
    assert_eq!(kinds(&delete(&client, UserIdType::Email, &spellings).await.unwrap()), expected);
    assert_invalid(delete(&client, 99, &["bob-1"]).await, &["user_id_type"]);
    assert_eq!(count(&client).await, 1);
}

#[tokio::test]
async fn what_was_theirs_goes_and_their_identifiers_are_free_at_once() {
    let (_roster, client) = begun().await;
    let before = client.create(bob_with(object([("age", 22.into())]))).await.unwrap();
    client.create(texts(&[("user_id", "ann"), ("username", "ann")])).await.unwrap();
    made::<Groups>(&client, &["eng"]).await;
    made::<Roles>(&client, &["admin"]).await;
    add::<Groups>(&client, "eng", &["ann", "bob-1"]).await;
    add::<Roles>(&client, "admin", &["ann", "bob-1"]).await;
    assert_eq!(kinds(&delete(&client, 0, &["bob-1"]).await.unwrap()), ["deleted"]);
    assert_eq!(member_ids::<Groups>(&client, "eng").await, ["ann"]);
    assert_eq!(member_ids::<Roles>(&client, "admin").await, ["ann"]);
    let after = client.create(bob()).await.unwrap();
    assert_eq!(client.get("bob-1").await.unwrap(), after);
    assert_eq!(UserDto { etag: after.etag.clone(), custom_data: None, ..before.clone() }, after);
    assert_ne!(before.etag, after.etag);
    assert!(codes_of::<Groups>(&client, "bob-1").await.is_empty() && codes_of::<Roles>(&client, "bob-1").await.is_empty());
}

#[tokio::test]
async fn a_batch_deletes_1_to_1000_users() {
    let (_roster, client) = begun().await;
    let names: Vec<_> = (0..1_001).map(|index| format!("user-{index}")).collect();
    let all: Vec<_> = names.iter().map(|name| texts(&[("user_id", name), ("username", name)])).collect();
    create(&client, &all[..1_000], true).await.unwrap();
    create(&client, &all[1_000..], true).await.unwrap();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for ids in [&[][..], &names] {
        assert_invalid(delete(&client, 0, ids).await, &["user_ids"]);
    }
    assert_eq!(refused(delete(&client, 99, &[]).await).fields(), ["user_id_type", "user_ids"]);
    assert_eq!(count(&client).await, 1_001);
    assert!(delete(&client, 0, &names[..1_000]).await.unwrap().iter().all(Option::is_none));
    assert_eq!(count(&client).await, 1);
}
