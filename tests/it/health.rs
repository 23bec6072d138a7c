//! Health (contract §6) and how a server ends: health first, then no more calls, then what is under way, then nothing.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus::{self, NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::harness::Roster;
use crate::trap;
use crate::wire::Wire;

const SERVICES: [&str; 6] = [
    "",
    "roster.v1.ApiKeyService",
    "roster.v1.GroupService",
    "roster.v1.MetaService",
    "roster.v1.RoleService",
    "roster.v1.UserService",
];
const CHECK: &str = "/grpc.health.v1.Health/Check";

async fn check(wire: &Wire, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    wire.call(CHECK, &[], &request).await.message::<HealthCheckResponse>().status()
}

/// A server that has found its database.
async fn serving() -> (Roster, Wire) {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    for _ in 0..100 {
        if check(&wire, "").await == Serving {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (roster, wire)
}

async fn watch(roster: &Roster, service: &str) -> tonic::Streaming<HealthCheckResponse> {
    let mut client = HealthClient::new(roster.client_with_key(None).await.channel);
    client.watch(HealthCheckRequest { service: service.to_owned() }).await.unwrap().into_inner()
}

#[expect(clippy::disallowed_methods, reason = "how long a stop took is no business of the service's clock")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_server_is_serving_as_a_whole_and_by_service() {
    let (_roster, wire) = serving().await;
    for service in SERVICES.into_iter().chain(["liveness"]) {
        assert_eq!(check(&wire, service).await, Serving, "{service}");
    }
    for unknown in ["roster.v1.Nobody", "UserService", "Liveness", "roster.v1"] {
        let request = HealthCheckRequest { service: unknown.to_owned() };
        assert_eq!(wire.call(CHECK, &[], &request).await.status.code(), Code::NotFound, "{unknown}");
    }
}

#[tokio::test]
async fn a_server_that_takes_calls_is_serving_from_the_first_on() {
    for _ in 0..10 {
        let roster = Roster::start().await;
        let wire = Wire::connect(roster.address).await;
        assert_eq!(check(&wire, "").await, Serving, "the database is there and migrated before anybody is let in");
    }
}

#[tokio::test]
async fn whoever_watches_sees_the_end_and_is_let_go() {
    let (roster, _) = serving().await;
    let mut watches = Vec::new();
    for service in SERVICES {
        let mut watch = watch(&roster, service).await;
        assert_eq!(watch.message().await.unwrap().unwrap().status(), Serving, "{service}");
        watches.push(watch);
    }
    let mut liveness = watch(&roster, "liveness").await;
    let begun = now();
    let stopped = tokio::spawn(roster.stop());
    for mut watch in watches {
        assert_eq!(watch.message().await.unwrap().unwrap().status(), NotServing);
        let end = watch.message().await.expect("the stream ends in order");
        assert_eq!(end, None);
    }
    while let Some(answer) = liveness.message().await.expect("the stream ends in order") {
        assert_eq!(answer.status(), Serving, "as long as the process runs");
    }
    stopped.await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_a_stop() {
    let (roster, wire) = serving().await;
    let idle = roster.client_with_key(None).await;
    let address = roster.address;
    let begun = now();
    roster.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    drop((wire, idle));
}

#[tokio::test]
async fn a_connection_that_never_speaks_holds_up_a_stop_for_less_than_10_seconds() {
    let (roster, _wire) = serving().await;
    let silent = TcpStream::connect(roster.address).await.unwrap();
    let begun = now();
    roster.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    drop(silent);
}

#[tokio::test]
async fn calls_under_way_are_finished_and_new_ones_are_not_taken() {
    let roster = Roster::start_serving(trap::routes()).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    let (wire, address) = (Wire::connect(roster.address).await, roster.address);
    let slow = {
        let (wire, key) = (wire.clone(), key.clone());
        tokio::spawn(async move { wire.call(trap::SLOW, &[("x-api-key", &key)], &()).await })
    };
    tokio::time::sleep(trap::SLOW_FOR / 3).await;
    let stopped = tokio::spawn(roster.stop());
    tokio::time::sleep(trap::SLOW_FOR / 3).await;
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert!(!stopped.is_finished(), "it waits for the call");
    assert_eq!(slow.await.unwrap().status.code(), Code::Ok);
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_never_ends_is_cut_off_in_less_than_10_seconds() {
    let roster = Roster::start_serving(trap::routes()).await;
    let client = roster.client("*").await;
    let hanging = tokio::spawn(async move { client.users().check_user(roster::proto::CheckUserRequest::default()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = now();
    roster.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    hanging.abort();
}
