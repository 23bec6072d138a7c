//! Keys that are bound to an organization check the passwords of its members, and set those of the users that it owns.

use roster::proto::UserIdType;
use tonic::Code;

use super::{Caller, RIGHT, WRONG, giving, told, updating, user, verifying};
use crate::calls::{assert_not_found, assert_refused};
use crate::organizations::{self, organization};
use crate::wire::framed;
use prost::Message;

#[tokio::test]
async fn a_bound_key_checks_members_and_sets_for_those_whom_its_organization_owns() {
    let Caller { roster, client, wire, .. } = Caller::new(&[]).await;
    for id in ["ann", "bob"] {
        client.create(user(id)).await.unwrap();
        client.set_password(giving(id, RIGHT)).await.unwrap();
    }
    organization(&roster, "acme", &["ann"]).await;
    let key = roster.bound_key("*", None, Some("acme")).await;
    let bound = roster.client_with_key(Some(key.secret.expose())).await;
    organizations::user(&bound, "carl").await;

    // Its own.
    bound.set_password(giving("carl", "1")).await.unwrap();
    assert!(bound.is_password("carl", "1").await);
    bound.update(updating("carl", "2")).await.unwrap();
    assert!(bound.is_password("carl", "2").await && client.is_password("carl", "2").await);

    // A member whom it does not own.
    assert!(bound.is_password("ann", RIGHT).await && !bound.is_password("ann", WRONG).await);
    let denied = (Code::PermissionDenied, "ORGANIZATION_DENIED");
    assert_refused(bound.set_password(giving("ann", WRONG)).await, denied.0, denied.1);
    assert_refused(bound.update(updating("ann", WRONG)).await, denied.0, denied.1);

    // Everybody else: as if they were not there.
    assert_not_found(bound.set_password(giving("bob", WRONG)).await);
    assert_not_found(bound.update(updating("bob", WRONG)).await);
    let headers = [("x-api-key", key.secret.expose())];
    let verify = async |id: &str, password: &str| {
        let request = verifying(UserIdType::UserId, id, password).encode_to_vec();
        told(&wire.send("/roster.v1.CredentialService/VerifyPassword", &headers, framed(&request)).await)
    };
    let nobody = verify("nobody", RIGHT).await;
    assert_eq!(verify("bob", RIGHT).await, nobody);
    assert_eq!(verify("ann", WRONG).await, nobody);
    assert_ne!(verify("ann", RIGHT).await, nobody, "the bytes can tell");
    for id in ["ann", "bob"] {
        assert!(client.is_password(id, RIGHT).await, "nothing has changed");
    }
}
