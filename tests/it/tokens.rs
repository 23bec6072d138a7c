//! User tokens: handed out, held against what is known of their users, and ended; the keys that they are signed with; and calls
//! on behalf of a user.

mod end_user;
mod ended;
mod forged;
mod forgery;
mod handed_out;
mod keys;
mod over_http;
mod provider_tokens;
mod replicas;
mod reseal;
mod rotation;
mod states;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use roster::proto::{
    GetJwksRequest, JwkDto, RefreshUserTokenRequest, RefreshUserTokenResponse, RevokeUserTokensRequest, TokenInactiveReason,
    UserIdType, VerifyUserTokenRequest, VerifyUserTokenResponse,
};
use serde_json::Value;
use tonic::Status;

use crate::harness::{Client, Roster};
use crate::organizations::{text, user};

const SECOND: Duration = Duration::from_secs(1);
const MICROSECOND: Duration = Duration::from_micros(1);

/// What [`refusal`] gives.
const GOOD: Option<TokenInactiveReason> = None;
const EXPIRED: Option<TokenInactiveReason> = Some(TokenInactiveReason::Expired);
const REVOKED: Option<TokenInactiveReason> = Some(TokenInactiveReason::Revoked);
const USER_NOT_ACTIVE: Option<TokenInactiveReason> = Some(TokenInactiveReason::UserNotActive);
const INVALID: Option<TokenInactiveReason> = Some(TokenInactiveReason::Invalid);

/// A server with these settings, a client that may do all, and two users: `ann` and `bob`.
async fn started_with(settings: &[(&str, &str)]) -> (Roster, Client) {
    let roster = Roster::start_with(settings).await;
    let client = roster.client("*").await;
    for id in ["ann", "bob"] {
        user(&client, id).await;
    }
    (roster, client)
}

async fn started() -> (Roster, Client) {
    started_with(&[]).await
}

async fn refresh_by(client: &Client, kind: UserIdType, id: &str) -> Result<RefreshUserTokenResponse, Status> {
    let request = RefreshUserTokenRequest { user_id: text(id), user_id_type: kind.into() };
    Ok(client.users().refresh_user_token(request).await?.into_inner())
}

async fn refresh(client: &Client, user_id: &str) -> Result<RefreshUserTokenResponse, Status> {
    refresh_by(client, UserIdType::UserId, user_id).await
}

/// A new token of the user.
async fn token(client: &Client, user_id: &str) -> String {
    refresh(client, user_id).await.unwrap().token
}

/// Verifies the token, which is never an error, and looks that the answer agrees with itself.
async fn verify(client: &Client, token: &str) -> VerifyUserTokenResponse {
    let request = VerifyUserTokenRequest { token: text(token) };
    let answer = client.tokens().verify_user_token(request).await.unwrap().into_inner();
    let told = [answer.inactive_reason.is_none(), answer.user_id.is_some(), answer.iat.is_some(), answer.exp.is_some()];
    assert_eq!(told, [answer.active; 4], "{answer:?}");
    answer
}

/// Why the token is not good, if it is not.
async fn refusal(client: &Client, token: &str) -> Option<TokenInactiveReason> {
    let answer = verify(client, token).await;
    answer.inactive_reason.map(|_| answer.inactive_reason())
}

async fn revoke(client: &Client, user_id: &str) -> Result<(), Status> {
    let request = RevokeUserTokensRequest { user_id: text(user_id), ..Default::default() };
    client.tokens().revoke_user_tokens(request).await.map(drop)
}

async fn jwks(client: &Client) -> Vec<JwkDto> {
    client.tokens().get_jwks(GetJwksRequest {}).await.unwrap().into_inner().keys
}

/// The ids of the keys that there are.
async fn kids(client: &Client) -> Vec<String> {
    jwks(client).await.iter().map(|key| key.kid().to_owned()).collect()
}

/// What a part of a token says: the header is the first, the claims are the second.
fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The id of the key that the token is signed with.
fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().unwrap().to_owned()
}
