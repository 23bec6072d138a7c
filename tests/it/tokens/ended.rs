//! Tokens that are ended before their time: by a call, at a moment that is set, by a new password. What ended one stays.

use std::time::Duration;

use roster::proto::{
    RevokeUserTokensRequest, SetPasswordRequest, Timestamp, UpdateUserRequest, UserDto, VerifyPasswordRequest,
};
use roster::user_token;
use tonic::Code;

use super::{GOOD, MICROSECOND, REVOKED, SECOND, jwks, kid, refusal, revoke, started, token};
use crate::calls::{BOB_IDS, assert_not_found, assert_refused, bob, masking, setting};
use crate::dto::texts;
use crate::harness::{Client, refused};
use crate::organizations::{organization, text, user};

const PASSWORD: &str = "correct horse 1";

#[tokio::test]
async fn a_revocation_ends_what_was_handed_out_before_it_and_nothing_after_it_at_one_moment() {
    let (_roster, client) = started().await;
    let (mut ended, bystander) = (Vec::new(), token(&client, "bob").await);
    let before = client.get("ann").await.unwrap();
    for _ in 0..5 {
        ended.extend([token(&client, "ann").await, token(&client, "ann").await]);
        revoke(&client, "ann").await.unwrap();
        for token in &ended {
            assert_eq!(refusal(&client, token).await, REVOKED);
        }
        assert_eq!(refusal(&client, &token(&client, "ann").await).await, GOOD);
    }
    assert_eq!(client.get("ann").await.unwrap(), before, "neither the etag nor anything else");
    assert_eq!(refusal(&client, &bystander).await, GOOD);
}

#[tokio::test]
async fn a_check_that_does_not_ask_the_database_takes_a_revoked_token() {
    let (roster, client) = started().await;
    let token = token(&client, "ann").await;
    revoke(&client, "ann").await.unwrap();
    assert_eq!(refusal(&client, &token).await, REVOKED);
    let key = &jwks(&client).await[0];
    let now = roster.clock.now();
    let verified = user_token::verify(&token, &kid(&token), key.x(), "roster", "roster", now);
    assert_eq!(verified.unwrap().claims.sub, "ann", "the signature alone cannot tell");
}

#[tokio::test]
async fn a_revocation_can_be_repeated_and_needs_a_user_who_is_there_and_owned() {
    let (roster, client) = started().await;
    client.delete("bob").await.unwrap();
    for _ in 0..3 {
        revoke(&client, "ann").await.unwrap();
    }
    client.create(bob()).await.unwrap();
    for (kind, id) in BOB_IDS {
        let token = token(&client, "bob-1").await;
        let request = RevokeUserTokensRequest { user_id: text(id), user_id_type: (*kind).into() };
        client.tokens().revoke_user_tokens(request).await.unwrap();
        assert_eq!(refusal(&client, &token).await, REVOKED, "{kind:?}");
    }
    assert_not_found(revoke(&client, "nobody").await);
    organization(&roster, "acme", &["ann"]).await;
    let bound = roster.bound_client("*", "acme").await;
    user(&bound, "carl").await;
    let [anns, carls] = [token(&client, "ann").await, token(&bound, "carl").await];
    assert_refused(revoke(&bound, "ann").await, Code::PermissionDenied, "ORGANIZATION_DENIED");
    assert_eq!(refused(revoke(&bound, "bob-1").await), refused(revoke(&bound, "nobody").await));
    revoke(&bound, "carl").await.unwrap();
    assert_eq!((refusal(&client, &anns).await, refusal(&client, &carls).await), (GOOD, REVOKED));
}

fn expiring(at: Timestamp) -> UpdateUserRequest {
    setting("ann", UserDto { token_expired_at: Some(at), ..Default::default() })
}

fn clearing() -> UpdateUserRequest {
    masking("ann", UserDto::default(), &["token_expired_at"])
}

#[tokio::test]
async fn a_moment_in_the_past_ends_at_once_what_was_handed_out_before_it() {
    let (roster, client) = started().await;
    let old = token(&client, "ann").await;
    roster.clock.advance(MICROSECOND);
    let at = roster.clock.now();
    let new = token(&client, "ann").await;
    roster.clock.advance(SECOND);
    let updated = client.update(expiring(at)).await.unwrap();
    assert_eq!(updated.token_expired_at, Some(at));
    assert_eq!((refusal(&client, &old).await, refusal(&client, &new).await), (REVOKED, GOOD));
    // An earlier moment brings nothing back.
    client.update(expiring(at.minus(SECOND))).await.unwrap();
    assert_eq!((refusal(&client, &old).await, refusal(&client, &new).await), (REVOKED, GOOD));
    client.update(clearing()).await.unwrap();
    assert_eq!((refusal(&client, &old).await, refusal(&client, &new).await), (REVOKED, GOOD));
}

#[tokio::test]
async fn a_moment_to_come_ends_what_was_handed_out_before_it_to_the_microsecond() {
    let (roster, client) = started().await;
    let at = roster.clock.now().plus(SECOND * 10);
    client.update(expiring(at)).await.unwrap();
    let early = token(&client, "ann").await;
    roster.clock.advance(Duration::from_micros(9_999_999));
    let late = token(&client, "ann").await;
    assert_eq!((refusal(&client, &early).await, refusal(&client, &late).await), (GOOD, GOOD));
    roster.clock.advance(MICROSECOND);
    assert_eq!((refusal(&client, &early).await, refusal(&client, &late).await), (REVOKED, REVOKED));
    let after = token(&client, "ann").await;
    assert_eq!(refusal(&client, &after).await, GOOD, "from that moment on they are good again");
    for change in [clearing(), expiring(at.plus(SECOND * 60)), clearing()] {
        client.update(change).await.unwrap();
        let answers = (refusal(&client, &early).await, refusal(&client, &late).await, refusal(&client, &after).await);
        assert_eq!(answers, (REVOKED, REVOKED, GOOD), "what was refused stays refused");
    }
}

#[tokio::test]
async fn a_moment_that_is_taken_back_before_it_comes_ends_nothing() {
    let (roster, client) = started().await;
    let token = token(&client, "ann").await;
    let at = roster.clock.now().plus(SECOND);
    client.update(expiring(at)).await.unwrap();
    client.update(clearing()).await.unwrap();
    roster.clock.advance(SECOND * 2);
    assert_eq!(refusal(&client, &token).await, GOOD);
}

async fn set_password(client: &Client, keep_tokens: bool) {
    let request = SetPasswordRequest { user_id: text("ann"), password: text(PASSWORD), keep_tokens, ..Default::default() };
    client.credentials().set_password(request).await.unwrap();
}

#[tokio::test]
async fn a_new_password_ends_the_tokens_unless_they_are_kept() {
    let (_roster, client) = started().await;
    let update =
        |keep_tokens| UpdateUserRequest { user_id: text("ann"), password: text(PASSWORD), keep_tokens, ..Default::default() };
    for (keep, expected) in [(false, REVOKED), (true, GOOD)] {
        let old = token(&client, "ann").await;
        set_password(&client, keep).await;
        assert_eq!(refusal(&client, &old).await, expected, "SetPassword, kept: {keep}");
        let old = token(&client, "ann").await;
        client.update(update(keep)).await.unwrap();
        assert_eq!(refusal(&client, &old).await, expected, "UpdateUser, kept: {keep}");
        assert_eq!(refusal(&client, &token(&client, "ann").await).await, GOOD);
    }
}

#[tokio::test]
async fn a_hash_that_is_made_anew_and_another_profile_end_nothing() {
    let (roster, client) = started().await;
    set_password(&client, false).await;
    let token = token(&client, "ann").await;
    let hash = async || -> String {
        let rows = roster.database.query("SELECT password_hash FROM user_credentials").await;
        rows[0].try_get_by_index(0).unwrap()
    };
    let before = hash().await;
    let other = roster.beside_with(&[("password_argon2", "m=16,t=1,p=1")]).await;
    let costlier = other.client("*").await;
    let request = VerifyPasswordRequest { user_id: text("ann"), password: text(PASSWORD), ..Default::default() };
    assert!(costlier.credentials().verify_password(request).await.unwrap().into_inner().verified);
    assert_ne!(hash().await, before);
    assert_eq!(refusal(&client, &token).await, GOOD);
    client.update(setting("ann", texts(&[("nickname", "Ann"), ("username", "ann-2")]))).await.unwrap();
    client.update(masking("ann", UserDto::default(), &["nickname"])).await.unwrap();
    assert_eq!(refusal(&client, &token).await, GOOD);
}
