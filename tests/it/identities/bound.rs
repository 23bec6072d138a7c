//! Keys that are bound to an organization read the identities of its members, and change those of the users that it owns.

use tonic::Code;

use super::{get, lark, link, list, started, unlink};
use crate::calls::{assert_not_found, assert_refused};
use crate::harness::refused;
use crate::organizations::{organization, user};
use roster::proto::{IdentityDto, UserIdType};

#[tokio::test]
async fn a_bound_key_reads_its_members_and_changes_those_whom_it_owns() {
    let (roster, client) = started().await;
    organization(&roster, "acme", &["ann"]).await;
    let bound = roster.bound_client("*", "acme").await;
    user(&bound, "carl").await;
    let of_ann = link(&client, "ann", lark("ann")).await.unwrap();
    let of_bob = link(&client, "bob", lark("bob")).await.unwrap();

    // Its own.
    let of_carl = link(&bound, "carl", lark("carl")).await.unwrap();
    assert_eq!(list(&bound, "carl").await.unwrap(), std::slice::from_ref(&of_carl));
    unlink(&bound, &of_carl).await.unwrap();

    // A member whom it does not own.
    assert_eq!(list(&bound, "ann").await.unwrap(), std::slice::from_ref(&of_ann));
    assert_eq!(get(&bound, UserIdType::Identity, "idp:ann").await.unwrap().identities, std::slice::from_ref(&of_ann));
    for account in ["ann", "new"] {
        assert_refused(link(&bound, "ann", lark(account)).await, Code::PermissionDenied, "ORGANIZATION_DENIED");
    }
    assert_refused(unlink(&bound, &of_ann).await, Code::PermissionDenied, "ORGANIZATION_DENIED");

    // Everybody else.
    assert_not_found(list(&bound, "bob").await);
    assert_not_found(get(&bound, UserIdType::Identity, "idp:bob").await);
    assert_not_found(link(&bound, "bob", lark("new")).await);
    let nothing = IdentityDto { identity_id: Some("nothing".to_owned()), ..IdentityDto::default() };
    let (strange, absent) = (refused(unlink(&bound, &of_bob).await), refused(unlink(&bound, &nothing).await));
    assert_eq!((strange.kind(), &strange), ((Code::NotFound, "IDENTITY_NOT_FOUND"), &absent));

    // An account is one user's in the whole pool; no more is told.
    let refusal = assert_refused(link(&bound, "carl", lark("bob")).await, Code::AlreadyExists, "IDENTITY_EXISTS");
    assert!(!format!("{refusal:?}").contains("bob"), "{refusal:?}");
    assert_eq!(list(&client, "ann").await.unwrap(), [of_ann]);
}

#[tokio::test]
async fn a_bound_key_creates_users_with_identities() {
    let (roster, client) = started().await;
    organization(&roster, "acme", &[] as &[&str]).await;
    let bound = roster.bound_client("*", "acme").await;
    let created = bound.create(roster::proto::UserDto { identities: vec![lark("a")], ..Default::default() }).await.unwrap();
    assert_eq!((created.tenant_id(), created.identities.len()), ("acme", 0), "a create answers without relations");
    assert_eq!(get(&client, UserIdType::SyncRelation, "lark:a").await.unwrap().user_id, created.user_id);
}
