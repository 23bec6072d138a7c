//! Health as the contract has it (§6): SERVING while the database answers and nobody has asked us to stop; `liveness` always.

use std::time::Duration;

use tonic_health::ServingStatus::{self, NotServing, Serving};
use tonic_health::pb::health_server::{Health as HealthService, HealthServer};
use tonic_health::server::HealthReporter;

use crate::proto;
use crate::store::Store;

/// How often the database is asked for a sign of life, and how long it may take.
const INTERVAL: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(1);
/// The name under which a process that runs is SERVING, whatever its database does.
const LIVENESS: &str = "liveness";

/// What is reported, by service name; the empty one is the whole server.
fn services() -> impl Iterator<Item = &'static str> {
    proto::SERVICES.iter().copied().chain([""])
}

/// Reports health.
#[derive(Clone, Debug)]
pub(super) struct Health {
    reporter: HealthReporter,
    reported: ServingStatus,
}

impl Health {
    /// A report of `NOT_SERVING`, and the service that answers with it.
    pub(super) async fn new() -> (Self, HealthServer<impl HealthService>) {
        let (reporter, service) = tonic_health::server::health_reporter();
        let mut health = Self { reporter, reported: NotServing };
        health.reporter.set_service_status(LIVENESS, Serving).await;
        health.report(NotServing).await;
        (health, service)
    }

    /// Reports what the database says now: to be called before the first call is taken, which may ask for it.
    pub(super) async fn check(&mut self, store: &Store) {
        let status = match tokio::time::timeout(PATIENCE, store.ping()).await {
            Ok(Ok(())) => Serving,
            Ok(Err(_)) | Err(_) => NotServing,
        };
        if status != self.reported {
            tracing::info!(serving = (status == Serving), "health");
            self.report(status).await;
        }
    }

    /// Asks the database every second, for as long as it is polled.
    pub(super) async fn watch(mut self, store: Store) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.check(&store).await;
        }
    }

    /// Says that the server is about to end.
    pub(super) async fn drain(&mut self) {
        self.report(NotServing).await;
    }

    /// Ends the streams of those who watch.
    pub(super) async fn close(mut self) {
        for service in services().chain([LIVENESS]) {
            self.reporter.clear_service_status(service).await;
        }
    }

    async fn report(&mut self, status: ServingStatus) {
        self.reported = status;
        for service in services() {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
