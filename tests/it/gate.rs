//! Who is let through (contract §1, "authentication" and "order of checks"): the key first, and nothing of what comes after it
//! for whoever has none.

use std::time::Duration;

use http::{HeaderValue, Request};
use prost::Message;
use roster::api_key::Secret;
use roster::clock::Clock;
use roster::layers::Layers;
use roster::proto::{GetUserRequest, Timestamp};
use roster::store::api_keys::{EnsureApiKey, RevokeApiKey, RotateApiKey};
use roster::store::{Context, Store};
use tonic::Code::{self, InvalidArgument, NotFound, PermissionDenied, Unauthenticated, Unimplemented};
use tonic::body::Body;
use tower::{Layer, Service};

use crate::harness::{Roster, config};
use crate::trap;
use crate::wire::{Answer, Wire, frame, framed};

const VERSION: &str = "/roster.v1.MetaService/GetVersion";
const GET_USER: &str = "/roster.v1.UserService/GetUser";
const DAY: Duration = Duration::from_hours(24);

/// Calls what any key may call.
async fn call(wire: &Wire, key: &str) -> Answer {
    wire.call(VERSION, &[("x-api-key", key)], &()).await
}

async fn start() -> (Roster, Wire) {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    (roster, wire)
}

impl Roster {
    async fn revoke(&self, api_key_id: &str) {
        let revoke = RevokeApiKey { api_key_id: api_key_id.to_owned(), with_descendants: false };
        self.store.write(Context::default(), revoke).await.unwrap();
    }

    async fn rotate(&self, api_key_id: &str, overlap: Duration) -> String {
        let rotate = RotateApiKey { api_key_id: api_key_id.to_owned(), overlap };
        self.store.write(Context::default(), rotate).await.unwrap().secret.expose().to_owned()
    }

    fn time_after(&self, by: Duration) -> Timestamp {
        let now = self.clock.now();
        Timestamp { seconds: now.seconds + i64::try_from(by.as_secs()).unwrap(), nanos: now.nanos }
    }
}

#[tokio::test]
async fn a_key_that_nobody_has_is_refused() {
    let (roster, wire) = start().await;
    let known = roster.key("*", None).await.secret.expose().to_owned();
    call(&wire, &known).await.message::<()>();
    let stranger = Secret::generate(&Clock::default().new_id()).expose().to_owned();
    let (upper, cut, longer) = (known.to_uppercase(), known[..known.len() - 1].to_owned(), format!("{known}0"));
    let last = if known.ends_with('0') { "1" } else { "0" };
    let mistyped = cut.clone() + last;
    let foreign = "f".repeat(32);
    let bearer = format!("Bearer {known}");
    for unknown in [&stranger, &upper, &cut, &longer, &mistyped, &foreign, &bearer, "rk_", "short", &"x".repeat(8_000)] {
        call(&wire, unknown).await.assert_refused(Unauthenticated, "API_KEY_INVALID");
    }
    for elsewhere in
        [("authorization", bearer.as_str()), ("authorization", &known), ("api-key", &known), ("x-api-keys", &known)]
    {
        wire.call(VERSION, &[elsewhere], &()).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
    }
    wire.call(VERSION, &[], &()).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
    let bytes = HeaderValue::from_bytes(&[0xff; 40]).unwrap();
    let request = Request::post(format!("http://roster{VERSION}")).header("content-type", "application/grpc");
    let answer = wire.exchange(request.header("x-api-key", bytes).body(()).unwrap(), framed(&[])).await;
    answer.assert_refused(Unauthenticated, "API_KEY_INVALID");
}

#[tokio::test]
async fn a_key_is_good_until_it_expires() {
    let (roster, wire) = start().await;
    let key = roster.key("", Some(roster.time_after(DAY))).await;
    roster.clock.advance(DAY.saturating_sub(Duration::from_micros(1)));
    call(&wire, key.secret.expose()).await.message::<()>();
    roster.clock.advance(Duration::from_micros(1));
    call(&wire, key.secret.expose()).await.assert_refused(Unauthenticated, "API_KEY_EXPIRED");
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_the_very_next_call() {
    let (roster, wire) = start().await;
    for _ in 0..20 {
        let key = roster.key("*", None).await;
        call(&wire, key.secret.expose()).await.message::<()>();
        roster.revoke(key.api_key.api_key_id()).await;
        call(&wire, key.secret.expose()).await.assert_refused(Unauthenticated, "API_KEY_REVOKED");
    }
}

#[tokio::test]
async fn what_another_process_does_to_a_key_counts_at_once() {
    let (roster, wire) = start().await;
    let other = Store::open(&config(&roster.database.url, &[]), roster.clock.clone()).await.unwrap();
    let key = roster.key("", None).await;
    call(&wire, key.secret.expose()).await.message::<()>();
    let revoke = RevokeApiKey { api_key_id: key.api_key.api_key_id().to_owned(), with_descendants: false };
    other.write(Context::default(), revoke.clone()).await.unwrap();
    call(&wire, key.secret.expose()).await.assert_refused(Unauthenticated, "API_KEY_REVOKED");
    let again = other.write(Context::default(), revoke).await.unwrap();
    assert_eq!(again.revoked_at, Some(roster.clock.now()), "revoking again is fine and changes nothing");
}

#[tokio::test]
async fn a_rotated_secret_lives_on_for_the_overlap() {
    let (roster, wire) = start().await;
    let key = roster.key("", None).await;
    let (id, first) = (key.api_key.api_key_id(), key.secret.expose());
    let second = roster.rotate(id, DAY).await;
    for secret in [first, &second] {
        call(&wire, secret).await.message::<()>();
    }
    roster.clock.advance(DAY);
    call(&wire, first).await.assert_refused(Unauthenticated, "API_KEY_EXPIRED");
    call(&wire, &second).await.message::<()>();

    let third = roster.rotate(id, DAY).await;
    let fourth = roster.rotate(id, DAY).await;
    assert_eq!(call(&wire, &second).await.refusal().code, Unauthenticated, "rotating again ends the older one at once");
    for secret in [&third, &fourth] {
        call(&wire, secret).await.message::<()>();
    }
    let fifth = roster.rotate(id, Duration::ZERO).await;
    assert_eq!(call(&wire, &fourth).await.refusal().code, Unauthenticated, "no overlap");
    roster.revoke(id).await;
    call(&wire, &fifth).await.assert_refused(Unauthenticated, "API_KEY_REVOKED");
}

#[tokio::test]
async fn rotating_does_not_outlive_the_key() {
    let (roster, wire) = start().await;
    let key = roster.key("", Some(roster.time_after(DAY))).await;
    let second = roster.rotate(key.api_key.api_key_id(), 2 * DAY).await;
    roster.clock.advance(DAY);
    for secret in [key.secret.expose(), &second] {
        call(&wire, secret).await.assert_refused(Unauthenticated, "API_KEY_EXPIRED");
    }
}

#[tokio::test]
async fn a_key_of_somebody_elses_making_needs_32_characters() {
    let (roster, wire) = start().await;
    for foreign in ["Aa1!".repeat(8), "~".repeat(33), "rk-".repeat(11), "RK_".repeat(11)] {
        let ensure = EnsureApiKey { secret: Secret::presented(&foreign).unwrap() };
        roster.store.write(Context::default(), ensure).await.unwrap();
        call(&wire, &foreign).await.message::<()>();
    }
}

#[tokio::test]
async fn using_a_key_is_noted_and_being_refused_is_not() {
    let (roster, wire) = start().await;
    let (used, unused) = (roster.key("", None).await, roster.key("", None).await);
    roster.revoke(unused.api_key.api_key_id()).await;
    for key in [&used, &unused] {
        roster.clock.advance(DAY);
        call(&wire, key.secret.expose()).await;
    }
    roster.store.flush_last_used().await;
    let last_used = roster.store.api_keys().await.unwrap().into_iter().map(|key| (key.api_key_id, key.last_used_at));
    let at = Timestamp { seconds: roster.clock.now().seconds - 86_400, nanos: 0 };
    let expected = [(used.api_key.api_key_id().to_owned(), Some(at)), (unused.api_key.api_key_id().to_owned(), None)];
    assert_eq!(last_used.collect::<std::collections::BTreeMap<_, _>>(), expected.into());
}

#[tokio::test]
async fn whoever_has_no_key_learns_nothing_else() {
    let (roster, wire) = start().await;
    let exists = roster.key("users:exists", None).await.secret.expose().to_owned();
    let write = roster.key("users:write", None).await.secret.expose().to_owned();
    let invalid = framed(&[]);
    let undecodable = framed(&[0xff]);
    let named = |id: &str| framed(&GetUserRequest { user_id: Some(id.to_owned()), ..Default::default() }.encode_to_vec());
    let too_large = frame(0, 5 << 20, &[]);
    for (body, with_scope) in [
        (invalid, (InvalidArgument, "INVALID_FIELD")),
        (undecodable, (InvalidArgument, "INVALID_MESSAGE")),
        (named("x"), (NotFound, "USER_NOT_FOUND")),
        // Answered before it is read to its end.
        (named(&"x".repeat(3 << 20)), (InvalidArgument, "INVALID_FIELD")),
        (too_large, (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")),
    ] {
        let send = async |key: &str| wire.send(GET_USER, &[("x-api-key", key)], body.clone()).await.refusal();
        assert_eq!(wire.send(GET_USER, &[], body.clone()).await.refusal().kind(), (Unauthenticated, "API_KEY_MISSING"));
        assert_eq!(send(&"?".repeat(40)).await.kind(), (Unauthenticated, "API_KEY_INVALID"));
        assert_eq!(send(&exists).await.kind(), (PermissionDenied, "SCOPE_DENIED"));
        assert_eq!(send(&write).await.kind(), with_scope);
    }
}

#[tokio::test]
async fn whether_a_method_exists_is_told_to_keys_only() {
    let (roster, wire) = start().await;
    let none = roster.key("", None).await.secret.expose().to_owned();
    for path in [
        "/roster.v1.UserService/Unknown",
        "/roster.v1.UserService/getUser",
        "/roster.v1.UserService/",
        "/roster.v1.UserService",
        "/roster.v1.UserService/GetUser/",
        "/roster.v1.UserService/GetUser/more",
        "//roster.v1.UserService/GetUser",
        "/roster.v1.UserService//GetUser",
        "/roster.v1.UserService/%47etUser",
        "/grpc.health.v1.Health/../roster.v1.UserService/GetUser",
        "/roster.v1.userservice/GetUser",
        "/roster.v2.UserService/GetUser",
        "/roster.v1.ApiKeyService/CreateApiKeys",
        "/grpc.health.v1.health/Check",
        "/grpc.reflection.v1.ServerReflectionX/ServerReflectionInfo",
        "/favicon.ico",
        "/",
    ] {
        if !path.starts_with("/grpc.health.v1.Health/") {
            wire.call(path, &[], &()).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
            wire.call(path, &[("x-api-key", "?")], &()).await.assert_refused(Unauthenticated, "API_KEY_INVALID");
        }
        wire.call(path, &[("x-api-key", &none)], &()).await.assert_refused(Unimplemented, "UNKNOWN_METHOD");
    }
}

#[tokio::test]
async fn a_call_takes_little_room_while_it_is_answered() {
    let roster = Roster::start().await;
    let mut layered = Layers::new(roster.store.clone(), false).layer(trap::routes());
    let call = layered.call(Request::new(Body::empty()));
    // Every call has one, and moves it: held one by another by value, the futures were more than ten times that.
    assert!(size_of_val(&*call) <= 4_096, "{} bytes", size_of_val(&*call));
}
