//! When something breaks inside: a panic, a database that is gone or damaged. The caller gets a code to act on and constant
//! words; everybody else is served.

use std::time::Duration;

use futures_util::future::join_all;

use tonic::Code::{Internal, Ok, Unauthenticated, Unavailable};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{Roster, named, refused};
use crate::trap;
use crate::wire::{Wire, assert_tells_nothing};

/// The status of a service, once it is `expected` or some seconds are over.
async fn health(roster: &Roster, service: &str, expected: ServingStatus) -> ServingStatus {
    let channel = roster.client_with_key(None).await.channel;
    let mut client = HealthClient::new(channel);
    let mut status = ServingStatus::Unknown;
    for _ in 0..100 {
        let request = HealthCheckRequest { service: service.to_owned() };
        status = client.check(request).await.unwrap().into_inner().status();
        if status == expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    status
}

#[tokio::test]
async fn a_panic_ends_its_own_call_and_nothing_else() {
    let roster = Roster::start_serving(trap::routes()).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    let wire = Wire::connect(roster.address).await;
    let headers = [("x-api-key", key.as_str())];
    let slow = wire.call(trap::SLOW, &headers, &());
    let panics = async {
        let mut messages = std::collections::BTreeSet::new();
        for path in [trap::PANIC_AT_ONCE, trap::PANIC_LATER, trap::PANIC_WITHOUT_TEXT] {
            for answer in join_all((0..10).map(|_| wire.call(path, &headers, &()))).await {
                messages.insert(answer.assert_refused(Internal, "INTERNAL").message);
            }
        }
        assert_eq!(messages.len(), 1, "constant: {messages:?}");
    };
    let (slow, ()) = tokio::join!(slow, panics);
    assert_eq!(slow.status.code(), Ok, "what ran beside them on the connection");
    for wire in [&wire, &Wire::connect(roster.address).await] {
        assert_eq!(wire.call(trap::GOOD, &headers, &()).await.status.code(), Ok);
    }
    roster.stop().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_gone_is_unavailable_and_health_says_so() {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    let user = client.create(named("ann")).await.unwrap();
    assert_eq!(health(&roster, "", ServingStatus::Serving).await, ServingStatus::Serving);
    roster.store.clone().close().await;
    let refusals = [
        refused(client.users().get_user(roster::proto::GetUserRequest { user_id: user.user_id, ..Default::default() }).await),
        client.create(named("bob")).await.unwrap_err(),
        refused(client.meta().get_version(roster::proto::GetVersionRequest {}).await),
    ];
    for refusal in refusals {
        assert_eq!(refusal.kind(), (Unavailable, "STORE_UNAVAILABLE"), "{refusal:?}");
        assert!(refusal.retry_after.is_some_and(|after| !after.is_zero()), "{refusal:?}");
        assert_eq!(refusal.metadata.get("outcome"), None, "nothing was under way");
        assert_tells_nothing(&refusal);
    }
    for service in ["", "roster.v1.UserService", "roster.v1.MetaService"] {
        assert_eq!(health(&roster, service, ServingStatus::NotServing).await, ServingStatus::NotServing, "{service}");
    }
    assert_eq!(health(&roster, "liveness", ServingStatus::Serving).await, ServingStatus::Serving);
    let wire = Wire::connect(roster.address).await;
    let version = "/roster.v1.MetaService/GetVersion";
    wire.call(version, &[], &()).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
    // Its checksum is wrong, so the database need not be asked.
    wire.call(version, &[("x-api-key", "rk_x_y")], &()).await.assert_refused(Unauthenticated, "API_KEY_INVALID");
    roster.stop().await.unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_our_fault_and_nothing_of_it_is_shown() {
    let roster = Roster::start().await;
    // A table that was renamed there and back is spelled with quotes.
    roster.damage();
    let client = roster.client("*").await;
    roster.database.execute("ALTER TABLE users RENAME TO lost").await;
    for refusal in [client.get("x").await.unwrap_err(), client.create(named("bob")).await.unwrap_err()] {
        assert_eq!(refusal.kind(), (Internal, "INTERNAL"), "{refusal:?}");
        assert_eq!(refusal.message, "internal error");
        assert_tells_nothing(&refusal);
    }
    assert_eq!(health(&roster, "", ServingStatus::NotServing).await, ServingStatus::NotServing);
    roster.database.execute("ALTER TABLE lost RENAME TO users").await;
    client.create(named("bob")).await.unwrap();
    assert_eq!(health(&roster, "", ServingStatus::Serving).await, ServingStatus::Serving, "it recovers");
}
