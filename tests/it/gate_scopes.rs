//! What a key may do (contract §5): the scope of each call, what includes what, and what needs no key at all.

use roster::proto::{GetUserRequest, GetUserResponse, GetVersionResponse, UserIdType};
use roster::scope::Scope;
use tonic::Code::{Ok, PermissionDenied, Unauthenticated, Unimplemented};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::harness::{Roster, named};
use crate::wire::{Answer, Wire};

/// A call for each scope that is asked for so far, each of them good but for what it names.
const CALLS: [(&str, &str); 3] = [
    ("users:exists", "/roster.v1.UserService/CheckUser"),
    ("users:read", "/roster.v1.UserService/GetUser"),
    ("users:write", "/roster.v1.UserService/UpdateUser"),
];
const VERSION: &str = "/roster.v1.MetaService/GetVersion";
const HEALTH: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether the key for these scopes is let through to each of [`CALLS`]; where it is not, which scope it lacks is told.
async fn opened(roster: &Roster, wire: &Wire, scopes: &str) -> [bool; 3] {
    let key = roster.key(scopes, None).await.secret.expose().to_owned();
    let key = [("x-api-key", key.as_str())];
    wire.call(VERSION, &key, &()).await.message::<GetVersionResponse>();
    let mut opened = [true; 3];
    for (open, (scope, path)) in opened.iter_mut().zip(CALLS) {
        // Nothing is named, so that whoever is let through is refused for that.
        let refusal = wire.call(path, &key, &()).await.refusal();
        *open = refusal.kind() != (PermissionDenied, "SCOPE_DENIED");
        if !*open {
            assert_eq!((refusal.metadata["scope"].as_str(), refusal.fields().len()), (scope, 0), "{refusal:?}");
        }
    }
    opened
}

#[tokio::test]
async fn write_includes_read_and_read_includes_exists() {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    for (scopes, expected) in [
        ("", [false, false, false]),
        ("users:exists", [true, false, false]),
        ("users:read", [true, true, false]),
        ("users:write", [true, true, true]),
        ("users:exists,users:read", [true, true, false]),
        ("keys:manage,users:exists", [true, false, false]),
        ("*", [true, true, true]),
        ("*,users:exists", [true, true, true]),
    ] {
        assert_eq!(opened(&roster, &wire, scopes).await, expected, "{scopes}");
    }
}

#[tokio::test]
async fn no_other_scope_opens_users() {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    let others = Scope::all().map(Scope::name).filter(|name| !CALLS.iter().any(|(scope, _)| scope == name));
    let others: Vec<_> = others.collect();
    assert_eq!(others.len(), 14, "every scope of the contract can be granted");
    assert_eq!(opened(&roster, &wire, &others.join(",")).await, [false; 3]);
    for scope in others {
        assert_eq!(opened(&roster, &wire, scope).await, [false; 3], "{scope}");
    }
}

/// A call to reflection that asks for the list of services.
async fn reflect(wire: &Wire, path: &str, headers: &[(&str, &str)]) -> Answer {
    wire.send(path, headers, crate::wire::framed(&[0x3a, 0x00])).await
}

#[tokio::test]
async fn health_and_reflection_need_no_key_and_take_no_notice_of_a_bad_one() {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    for headers in [&[][..], &[("x-api-key", "no key")], &[("authorization", "Bearer nobody")]] {
        let request = HealthCheckRequest { service: "liveness".to_owned() };
        let health: HealthCheckResponse = wire.call(HEALTH, headers, &request).await.message();
        assert_eq!(health.status(), ServingStatus::Serving);
        for path in REFLECTION {
            assert_eq!(reflect(&wire, path, headers).await.status.code(), Ok, "{path}");
        }
    }
}

#[tokio::test]
async fn reflection_can_be_off() {
    let roster = Roster::start_with(&[("reflection", "off")]).await;
    let wire = Wire::connect(roster.address).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    for path in REFLECTION {
        reflect(&wire, path, &[]).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
        reflect(&wire, path, &[("x-api-key", &key)]).await.assert_refused(Unimplemented, "UNKNOWN_METHOD");
    }
    let request = HealthCheckRequest { service: "liveness".to_owned() };
    wire.call(HEALTH, &[], &request).await.message::<HealthCheckResponse>();
    wire.call(VERSION, &[("x-api-key", &key)], &()).await.message::<GetVersionResponse>();
}

#[tokio::test]
async fn a_user_token_is_taken_no_notice_of() {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    let key = roster.key("", None).await.secret.expose().to_owned();
    let headers = [("x-api-key", key.as_str()), ("authorization", "Bearer nonsense"), ("idempotency-key", "x")];
    wire.call(VERSION, &headers, &()).await.message::<GetVersionResponse>();
}

/// Gives all keys that the test has made these scopes, past all rules.
async fn rewrite(roster: &Roster, scopes: &str) {
    roster.database.execute(&format!("UPDATE api_keys SET scopes = '{scopes}' WHERE name = 'test'")).await;
}

#[tokio::test]
async fn a_call_is_answered_by_what_its_key_may_do_then_and_not_by_what_it_could_before() {
    let roster = Roster::start().await;
    let root = roster.client("*").await;
    root.create(named("bob")).await.unwrap();
    let key = roster.key("users:read groups:read", None).await.secret.expose().to_owned();
    let wire = Wire::connect(roster.address).await;
    let (key, path) = ([("x-api-key", key.as_str())], "/roster.v1.UserService/GetUser");
    let request =
        GetUserRequest { user_id: Some("bob".to_owned()), user_id_type: UserIdType::Username.into(), ..Default::default() };
    let with_groups = GetUserRequest { with_groups: true, ..request.clone() };
    for _ in 0..3 {
        // Each is answered first as the caller of the last time, and then again where that was another one.
        rewrite(&roster, "users:read groups:read").await;
        let found = wire.call(path, &key, &with_groups).await.message::<GetUserResponse>();
        assert_eq!(found.user.unwrap().username(), "bob");
        rewrite(&roster, "users:read").await;
        let refusal = wire.call(path, &key, &with_groups).await.refusal();
        assert_eq!(refusal.metadata["scope"], "groups:read");
        wire.call(path, &key, &request).await.message::<GetUserResponse>();
        rewrite(&roster, "groups:read").await;
        let refusal = wire.call(path, &key, &request).await.refusal();
        assert_eq!(refusal.metadata["scope"], "users:read");
        rewrite(&roster, "users:read").await;
        wire.call(path, &key, &request).await.message::<GetUserResponse>();
    }
}
