//! When PostgreSQL fails: killed, standing still, restarted, full, or refusing this and that. Nothing that was acknowledged is
//! lost, callers are told what they can act on, and Roster finds back without a restart.

mod crowd;
mod deadlines;
mod injected;
mod kills;
mod pauses;
mod proxy;
mod silence;
mod starts;
mod writers;

use std::time::{Duration, Instant};

use tonic::Code::{Aborted, DeadlineExceeded, ResourceExhausted, Unavailable};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::cli::load::KEY;
use crate::harness::cluster::Cluster;
use crate::harness::{Refusal, Roster};
use crate::wire::Wire;

/// How soon callers are answered OK once the database can answer.
const SOON: Duration = Duration::from_secs(2);

/// A PostgreSQL server of the test's own.
fn cluster() -> Cluster {
    let cluster = Cluster::start().expect("the binaries of PostgreSQL");
    eprintln!("on a PostgreSQL of its own, whose locale is {}", cluster.locale);
    cluster
}

/// A server of Roster on this database, which knows the key of [`crate::cli::load`].
async fn roster_on(database_url: &str, settings: &[(&str, &str)]) -> Roster {
    let settings: Vec<_> = settings.iter().copied().chain([("bootstrap_api_key", KEY)]).collect();
    let roster = Roster::start_on(database_url, &settings).await;
    roster::server::ensure_first_key(&roster.store, &roster.config, None).await.unwrap();
    roster
}

/// What a caller may be told while the database fails, and has to be told with it.
#[track_caller]
fn assert_passing(refusal: &Refusal) {
    let unknown = refusal.metadata.get("outcome").is_some_and(|outcome| outcome == "unknown");
    match refusal.kind() {
        (Unavailable, "STORE_UNAVAILABLE") => {}
        (Aborted, "CONFLICT_RETRY") | (ResourceExhausted, "OVERLOADED") => assert!(!unknown, "{refusal:?}"),
        (DeadlineExceeded, "DEADLINE") => return,
        _ => panic!("{refusal:?}"),
    }
    assert!(refusal.retry_after.is_some_and(|after| !after.is_zero()), "{refusal:?}");
}

/// The health of a service.
async fn health(wire: &Wire, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    wire.call("/grpc.health.v1.Health/Check", &[], &request).await.message::<HealthCheckResponse>().status()
}

/// Waits until the server is in this health.
async fn wait_for_health(wire: &Wire, expected: ServingStatus) {
    let begun = now();
    while health(wire, "").await != expected {
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not become {expected:?}");
        assert_eq!(health(wire, "liveness").await, ServingStatus::Serving);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(health(wire, "liveness").await, ServingStatus::Serving);
}

#[expect(clippy::disallowed_methods, reason = "how long a recovery took is no business of the service's clock")]
fn now() -> Instant {
    Instant::now()
}
