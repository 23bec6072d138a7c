//! `GetIdentityTokens`: what a provider gave is had back by the user themselves alone.

use roster::proto::{GetIdentityTokensRequest, GetIdentityTokensResponse, IdentityDto, IdentityProvider};
use tonic::Code::{InvalidArgument, NotFound, PermissionDenied};

use super::end_user::{Service, assert_bad_token, bearer};
use super::{revoke, started};
use crate::harness::{Client, Roster};
use crate::identities::{identity, link};
use crate::organizations::{organization, text, user};
use crate::wire::Answer;

const GET: &str = "/roster.v1.IdentityService/GetIdentityTokens";
const SCOPE: &str = "identities:tokens";

impl Service {
    async fn provider_tokens(&self, authorization: &[&str], identity_id: Option<&str>) -> Answer {
        let request = GetIdentityTokensRequest { identity_id: identity_id.map(ToOwned::to_owned) };
        self.call(GET, authorization, &request).await
    }
}

/// Links an identity with these tokens to the user, and gives its id.
async fn linked(client: &Client, user_id: &str, access: Option<&str>, refresh: Option<&str>) -> String {
    let account = format!("{user_id}-{}", access.unwrap_or("none"));
    let identity = IdentityDto {
        access_token: access.map(ToOwned::to_owned),
        refresh_token: refresh.map(ToOwned::to_owned),
        ..identity("idp", IdentityProvider::Lark, &account)
    };
    link(client, user_id, identity).await.unwrap().identity_id.unwrap()
}

async fn serving() -> (Roster, Client, Service) {
    let (roster, client) = started().await;
    let service = Service::new(&roster, SCOPE, None).await;
    (roster, client, service)
}

#[tokio::test]
async fn a_user_has_their_tokens_back_as_they_were_written() {
    let (_roster, client, service) = serving().await;
    let ann = bearer(&client, "ann").await;
    let long = "x".repeat(16_000);
    let pairs = [
        (Some("access"), Some("refresh")),
        (Some("only access"), None),
        (None, Some("only refresh")),
        (Some("é界 \u{1f600} {\"a\": 1} =="), Some(long.as_str())),
    ];
    for (access, refresh) in pairs {
        let id = linked(&client, "ann", access, refresh).await;
        let answer: GetIdentityTokensResponse = service.provider_tokens(&[&ann], Some(&id)).await.message();
        assert!((answer.access_token.as_deref(), answer.refresh_token.as_deref()) == (access, refresh), "{access:.50?}");
    }
    let bare = link(&client, "ann", identity("other", IdentityProvider::Lark, "a")).await.unwrap();
    let answer: GetIdentityTokensResponse = service.provider_tokens(&[&ann], bare.identity_id.as_deref()).await.message();
    assert!(answer == GetIdentityTokensResponse::default(), "none were written");
}

#[tokio::test]
async fn nobody_else_has_them() {
    let (_roster, client, service) = serving().await;
    let id = linked(&client, "ann", Some("access"), None).await;
    let [ann, bob] = [bearer(&client, "ann").await, bearer(&client, "bob").await];
    let cut = &ann[..ann.len() - 1];
    for authorization in [vec![], vec![""], vec!["Bearer x"], vec![cut], vec![&ann, &ann], vec!["Basic x"], vec![&bob]] {
        assert_bad_token(&service.provider_tokens(&authorization, Some(&id)).await);
    }
    // The token is looked at before the request is.
    for identity_id in [None, Some(""), Some("nothing")] {
        assert_bad_token(&service.provider_tokens(&[], identity_id).await);
        assert_bad_token(&service.provider_tokens(&["Bearer x"], identity_id).await);
    }
    for identity_id in [None, Some("")] {
        service.provider_tokens(&[&ann], identity_id).await.assert_refused(InvalidArgument, "INVALID_FIELD");
    }
    for identity_id in ["nothing", "a\0b"] {
        service.provider_tokens(&[&ann], Some(identity_id)).await.assert_refused(NotFound, "IDENTITY_NOT_FOUND");
    }
    revoke(&client, "ann").await.unwrap();
    assert_bad_token(&service.provider_tokens(&[&ann], Some(&id)).await);
    let ann = bearer(&client, "ann").await;
    service.provider_tokens(&[&ann], Some(&id)).await.message::<GetIdentityTokensResponse>();
}

#[tokio::test]
async fn the_scope_comes_first() {
    let (roster, client, _service) = serving().await;
    let id = linked(&client, "ann", Some("access"), None).await;
    let ann = bearer(&client, "ann").await;
    let reading = Service::new(&roster, "identities:read,identities:write", None).await;
    for authorization in [vec![], vec!["Bearer x"], vec![ann.as_str()]] {
        reading.provider_tokens(&authorization, Some(&id)).await.assert_refused(PermissionDenied, "SCOPE_DENIED");
    }
}

#[tokio::test]
async fn a_bound_key_asks_for_those_whom_its_organization_owns() {
    let (roster, client, pool) = serving().await;
    organization(&roster, "acme", &["ann"]).await;
    let bound = roster.bound_client("*", "acme").await;
    user(&bound, "carl").await;
    let service = Service::new(&roster, SCOPE, Some("acme")).await;
    let mut ids = Vec::new();
    for id in ["ann", "bob", "carl"] {
        ids.push(linked(&client, id, Some("access"), None).await);
    }
    let [ann, bob, carl] = [bearer(&client, "ann").await, bearer(&client, "bob").await, bearer(&client, "carl").await];
    let tokens: GetIdentityTokensResponse = service.provider_tokens(&[&carl], Some(&ids[2])).await.message();
    assert!(tokens.access_token == text("access"));

    let denied = service.provider_tokens(&[&ann], Some(&ids[0])).await;
    denied.assert_refused(PermissionDenied, "ORGANIZATION_DENIED");
    // Whose it is comes before who owns them.
    assert_bad_token(&service.provider_tokens(&[&carl], Some(&ids[0])).await);

    let strange = service.provider_tokens(&[&carl], Some(&ids[1])).await;
    let absent = service.provider_tokens(&[&carl], Some("nothing")).await;
    assert_eq!(strange.assert_refused(NotFound, "IDENTITY_NOT_FOUND"), absent.refusal());
    assert_eq!(strange.status.details(), absent.status.details(), "to the byte");
    assert_bad_token(&service.provider_tokens(&[&bob], Some(&ids[1])).await);
    pool.provider_tokens(&[&bob], Some(&ids[1])).await.message::<GetIdentityTokensResponse>();
}
