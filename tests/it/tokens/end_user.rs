//! The metadata `authorization`: on whose behalf a service asks whether a username is free; where it counts, when it is looked
//! at, and where nobody takes notice.

use prost::Message;
use roster::proto::{
    CheckUsernameAvailabilityRequest, CheckUsernameAvailabilityResponse, GetUserRequest, GetUserResponse, UserDto, UserStatus,
    UsernameUnavailableReason,
};
use tonic::Code::{Ok as OK, PermissionDenied, Unauthenticated};

use super::{SECOND, revoke, started, token};
use crate::calls::setting;
use crate::harness::{Client, Roster};
use crate::organizations::{organization, text};
use crate::wire::{Answer, Wire};

const CHECK: &str = "/roster.v1.UserService/CheckUsernameAvailability";

/// A connection and a key.
pub(super) struct Service {
    wire: Wire,
    key: String,
}

impl Service {
    /// One whose key has these scopes, bound to the organization if there is one.
    pub(super) async fn new(roster: &Roster, scopes: &str, organization_id: Option<&str>) -> Self {
        let key = roster.bound_key(scopes, None, organization_id).await.secret.expose().to_owned();
        Self { wire: Wire::connect(roster.address).await, key }
    }

    /// Calls with these values of `authorization`.
    pub(super) async fn call(&self, path: &str, authorization: &[&str], message: &impl Message) -> Answer {
        let mut headers = vec![("x-api-key", self.key.as_str())];
        headers.extend(authorization.iter().map(|value| ("authorization", *value)));
        self.wire.call(path, &headers, message).await
    }

    async fn check(&self, authorization: &[&str], username: Option<&str>) -> Answer {
        let request = CheckUsernameAvailabilityRequest { username: username.map(ToOwned::to_owned) };
        self.call(CHECK, authorization, &request).await
    }

    /// Why the username is not available to this user, if it is not.
    async fn taken(&self, authorization: &[&str], username: &str) -> Option<UsernameUnavailableReason> {
        let answer: CheckUsernameAvailabilityResponse = self.check(authorization, Some(username)).await.message();
        assert_eq!(answer.available, answer.reason.is_none());
        answer.reason.map(|_| answer.reason())
    }
}

/// Asserts that what came as the token of a user is none, and that nothing else is said of it.
#[track_caller]
pub(super) fn assert_bad_token(answer: &Answer) {
    let refusal = answer.assert_refused(Unauthenticated, "USER_TOKEN_INVALID");
    assert!(refusal.violations.is_empty() && !refusal.message.contains("ann"), "{refusal:?}");
}

pub(super) async fn bearer(client: &Client, user_id: &str) -> String {
    format!("Bearer {}", token(client, user_id).await)
}

#[tokio::test]
async fn a_users_own_username_is_available_to_them_and_to_nobody_else() {
    let (roster, client) = started().await;
    let service = Service::new(&roster, "users:exists", None).await;
    let token = token(&client, "ann").await;
    let others = Some(UsernameUnavailableReason::Taken);
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let ann = format!("{scheme} {token}");
        assert_eq!(service.taken(&[&ann], "ann").await, None, "{scheme}");
        assert_eq!(service.taken(&[&ann], "bob").await, others);
        assert_eq!(service.taken(&[&ann], "free").await, None);
        assert_eq!(service.taken(&[&ann], "").await, Some(UsernameUnavailableReason::Invalid));
        service.check(&[&ann], None).await.assert_refused(tonic::Code::InvalidArgument, "INVALID_FIELD");
    }
    assert_eq!(service.taken(&[], "ann").await, others, "nobody is named");
}

#[tokio::test]
async fn what_is_no_good_token_is_refused_before_anything_else_is_looked_at() {
    let (roster, client) = started().await;
    let service = Service::new(&roster, "users:exists", None).await;
    let good = bearer(&client, "ann").await;
    let bare = good.strip_prefix("Bearer ").unwrap();
    let bad = [
        vec![""],
        vec!["Bearer"],
        vec!["Bearer "],
        vec!["Bearer nonsense"],
        vec![bare],
        vec!["Basic YW5uOmFubg=="],
        vec!["Bearer\tnonsense"],
        vec![&good[..good.len() - 1]],
        vec![&good, &good],
        vec![&good, "Basic YW5uOmFubg=="],
        vec!["", &good],
    ];
    let long = "x".repeat(300);
    for authorization in &bad {
        for username in [Some("ann"), Some("free"), Some(""), Some(long.as_str()), None] {
            assert_bad_token(&service.check(authorization, username).await);
        }
    }
    // The key first, and what it may do.
    let other = Service::new(&roster, "groups:read", None).await;
    for authorization in bad.iter().chain([&vec![good.as_str()]]) {
        other.check(authorization, None).await.assert_refused(PermissionDenied, "SCOPE_DENIED");
    }
    let nobody = Service { key: "rk_nothing".to_owned(), ..other };
    nobody.check(&["Bearer nonsense"], None).await.assert_refused(Unauthenticated, "API_KEY_INVALID");
}

#[tokio::test]
async fn a_token_that_was_good_is_refused_here_too() {
    let (roster, client) = started().await;
    let service = Service::new(&roster, "users:exists", None).await;
    let revoked = bearer(&client, "ann").await;
    assert_eq!(service.taken(&[&revoked], "ann").await, None);
    revoke(&client, "ann").await.unwrap();
    assert_bad_token(&service.check(&[&revoked], Some("ann")).await);

    let (suspended, change) = (bearer(&client, "ann").await, |status: UserStatus| {
        setting("ann", UserDto { status: Some(status.into()), ..Default::default() })
    });
    client.update(change(UserStatus::Suspended)).await.unwrap();
    assert_bad_token(&service.check(&[&suspended], Some("ann")).await);
    client.update(change(UserStatus::Activated)).await.unwrap();
    assert_bad_token(&service.check(&[&suspended], Some("ann")).await);

    let over = bearer(&client, "ann").await;
    roster.clock.advance(SECOND * 3_599);
    assert_eq!(service.taken(&[&over], "ann").await, None);
    roster.clock.advance(SECOND);
    assert_bad_token(&service.check(&[&over], Some("ann")).await);
}

#[tokio::test]
async fn under_a_bound_key_the_user_is_a_member() {
    let (roster, client) = started().await;
    organization(&roster, "acme", &["ann"]).await;
    let service = Service::new(&roster, "users:exists", Some("acme")).await;
    let [ann, bob] = [bearer(&client, "ann").await, bearer(&client, "bob").await];
    assert_eq!(service.taken(&[&ann], "ann").await, None);
    assert_eq!(service.taken(&[&ann], "bob").await, Some(UsernameUnavailableReason::Taken));
    assert_bad_token(&service.check(&[&bob], Some("bob")).await);
}

#[tokio::test]
async fn elsewhere_nobody_takes_notice() {
    let (roster, client) = started().await;
    let service = Service::new(&roster, "users:read", None).await;
    let [ann, bob] = [bearer(&client, "ann").await, bearer(&client, "bob").await];
    let request = GetUserRequest { user_id: text("ann"), ..Default::default() };
    for authorization in [vec![], vec![""], vec!["Basic x"], vec!["Bearer nonsense"], vec![&ann, &bob], vec![&bob]] {
        let answer = service.call("/roster.v1.UserService/GetUser", &authorization, &request).await;
        assert_eq!(answer.status.code(), OK, "{authorization:?}");
        assert_eq!(answer.message::<GetUserResponse>().user.unwrap().user_id(), "ann");
    }
}
