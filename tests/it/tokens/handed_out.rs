//! `RefreshUserToken`: to whom a token is handed out, and what it says.

use std::collections::BTreeSet;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use roster::proto::{IdentityProvider, RefreshUserTokenRequest, UserDto, UserIdType, UserStatus};
use serde_json::{Value, json};
use tonic::{Code, Request};

use super::{GOOD, INVALID, jwks, part, refresh, refresh_by, refusal, started, started_with, token, verify};
use crate::calls::{BOB_IDS, assert_not_found, assert_refused, bob, setting};
use crate::harness::{Client, NO_SECRET_KEY, Roster, assert_invalid, refused};
use crate::identities::{identity, link};
use crate::organizations::{organization, text, user};

/// When the clocks of tests stand.
const NOW: i64 = 1_800_000_000;

#[tokio::test]
async fn a_token_is_handed_out_by_an_id_of_any_type() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    client.create(bob()).await.unwrap();
    link(&client, "bob-1", identity("idp", IdentityProvider::Lark, "a")).await.unwrap();
    let linked = [(UserIdType::Identity, "idp:a"), (UserIdType::SyncRelation, "lark:a")];
    for (kind, id) in BOB_IDS.iter().chain(&linked) {
        let refreshed = refresh_by(&client, *kind, id).await.unwrap();
        let answer = verify(&client, &refreshed.token).await;
        assert_eq!((answer.active, answer.user_id()), (true, "bob-1"), "{kind:?}");
        assert_eq!((answer.iat(), answer.exp()), (refreshed.iat, refreshed.exp));
    }
}

/// The claims of the token, as a library has them that knows nothing but the set of keys.
async fn decoded(client: &Client, token: &str, audience: &str, issuer: &str) -> Value {
    let keys = jwks(client).await;
    let named = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = keys.iter().find(|key| key.kid() == named).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer]);
    // Its clock is not ours.
    validation.validate_exp = false;
    decode::<Value>(token, &DecodingKey::from_ed_components(key.x()).unwrap(), &validation).unwrap().claims
}

#[tokio::test]
async fn a_token_says_what_the_settings_say_and_whose_it_is() {
    let settings = [("token_issuer", "https://id.example/"), ("token_audience", "shop"), ("token_ttl", "90s")];
    let (roster, client) = started_with(&settings).await;
    roster.clock.advance(std::time::Duration::from_micros(999_999));
    let refreshed = refresh(&client, "ann").await.unwrap();
    assert_eq!((refreshed.iat, refreshed.exp), (NOW, NOW + 90));
    let claims = decoded(&client, &refreshed.token, "shop", "https://id.example/").await;
    let jti = claims["jti"].as_str().unwrap();
    let expected = json!({"iss": "https://id.example/", "aud": "shop", "sub": "ann", "iat": NOW, "exp": NOW + 90, "jti": jti});
    assert_eq!(claims, expected, "neither an owner nor an organization");
    let kid = jwks(&client).await[0].kid().to_owned();
    assert_eq!(part(&refreshed.token, 0), json!({"typ": "JWT", "alg": "EdDSA", "kid": kid}));

    let (plain, usual) = started().await;
    let refreshed = refresh(&usual, "ann").await.unwrap();
    assert_eq!((refreshed.iat, refreshed.exp), (NOW, NOW + 3_600));
    assert_eq!(decoded(&usual, &refreshed.token, "roster", "roster").await["sub"], "ann");
    assert_eq!(refusal(&client, &refreshed.token).await, INVALID, "of another database");
    drop(plain);
}

#[tokio::test]
async fn a_token_tells_the_owner_of_its_user_and_the_organization_of_the_key() {
    let (roster, client) = started().await;
    organization(&roster, "acme", &["ann"]).await;
    let bound = roster.bound_client("*", "acme").await;
    user(&bound, "carl").await;
    for (client, id, owner, org) in [
        (&client, "ann", Value::Null, Value::Null),
        (&client, "carl", json!("acme"), Value::Null),
        (&bound, "carl", json!("acme"), json!("acme")),
    ] {
        let claims = part(&token(client, id).await, 1);
        assert_eq!((&claims["tenant_id"], &claims["org"]), (&owner, &org), "{id}");
    }
}

#[tokio::test]
async fn two_tokens_of_one_moment_differ_and_both_are_good() {
    let (_roster, client) = started().await;
    let tokens = [token(&client, "ann").await, token(&client, "ann").await, token(&client, "ann").await];
    let ids: BTreeSet<_> = tokens.iter().map(|token| part(token, 1)["jti"].to_string()).collect();
    assert_eq!(ids.len(), 3);
    for token in &tokens {
        assert_eq!(refusal(&client, token).await, GOOD);
    }
}

#[tokio::test]
async fn who_cannot_log_in_gets_none() {
    let (_roster, client) = started().await;
    for status in [UserStatus::Suspended, UserStatus::Deactivated, UserStatus::Resigned, UserStatus::Archived] {
        let update = setting("ann", UserDto { status: Some(status.into()), ..Default::default() });
        client.update(update).await.unwrap();
        assert_refused(refresh(&client, "ann").await, Code::FailedPrecondition, "USER_NOT_ACTIVE");
    }
    let blocked = |status: UserStatus, blocked| {
        setting("ann", UserDto { status: Some(status.into()), blocked: Some(blocked), ..Default::default() })
    };
    client.update(blocked(UserStatus::Activated, true)).await.unwrap();
    assert_refused(refresh(&client, "ann").await, Code::FailedPrecondition, "USER_NOT_ACTIVE");
    client.update(blocked(UserStatus::Activated, false)).await.unwrap();
    refresh(&client, "ann").await.unwrap();
}

#[tokio::test]
async fn who_is_not_there_gets_none() {
    let (_roster, client) = started().await;
    for id in ["nobody", "a\0b", "' OR 1=1 --"] {
        assert_not_found(refresh(&client, id).await);
    }
    for user_id in [None, text(""), text(&"x".repeat(257))] {
        let request = RefreshUserTokenRequest { user_id, ..Default::default() };
        assert_invalid(client.users().refresh_user_token(request).await, &["user_id"]);
    }
}

#[tokio::test]
async fn a_bound_key_hands_out_tokens_of_those_whom_it_owns_alone() {
    let (roster, client) = started().await;
    organization(&roster, "acme", &["ann"]).await;
    let bound = roster.bound_client("*", "acme").await;
    user(&bound, "carl").await;
    refresh(&bound, "carl").await.unwrap();
    assert_refused(refresh(&bound, "ann").await, Code::PermissionDenied, "ORGANIZATION_DENIED");
    assert_eq!(refused(refresh(&bound, "bob").await), refused(refresh(&bound, "nobody").await));
    assert_not_found(refresh(&bound, "bob").await);
    // Whether somebody is active is not told of those whom it does not own.
    let suspended = UserDto { status: Some(UserStatus::Suspended.into()), ..Default::default() };
    client.update(setting("ann", suspended)).await.unwrap();
    assert_refused(refresh(&bound, "ann").await, Code::PermissionDenied, "ORGANIZATION_DENIED");
}

#[tokio::test]
async fn a_call_that_hands_out_a_token_takes_no_idempotency_key() {
    let (_roster, client) = started().await;
    let mut request = Request::new(RefreshUserTokenRequest { user_id: text("ann"), ..Default::default() });
    request.metadata_mut().insert("idempotency-key", "a".parse().unwrap());
    let answer = client.users().refresh_user_token(request).await;
    assert_refused(answer, Code::InvalidArgument, "IDEMPOTENCY_UNSUPPORTED");
}

#[tokio::test]
async fn without_a_master_key_no_token_is_signed_and_there_is_no_key_to_tell() {
    let (roster, client) = started_with(&[NO_SECRET_KEY]).await;
    assert_refused(refresh(&client, "ann").await, Code::FailedPrecondition, "SECRET_KEY_MISSING");
    assert!(jwks(&client).await.is_empty());
    let (_other, stranger) = started().await;
    assert_eq!(refusal(&client, &token(&stranger, "ann").await).await, INVALID);
    assert_not_found(refresh(&client, "nobody").await);

    let keyed = roster.beside().await;
    let signed = token(&keyed.client("*").await, "ann").await;
    assert_eq!(refusal(&client, &signed).await, GOOD, "a public key is enough to verify");
    assert_eq!(jwks(&client).await.len(), 1);
}
