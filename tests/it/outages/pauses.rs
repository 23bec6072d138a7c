//! A server that stands still: it takes what is sent and says nothing.

use std::time::Duration;

use futures_util::future::join_all;
use roster::proto::{CreateUserResponse, GetUserRequest, GetUserResponse};
use tonic::Code::{self, DeadlineExceeded, ResourceExhausted, Unavailable};
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use super::{SOON, assert_passing, cluster, now, roster_on, wait_for_health};
use crate::cli::load::{KEY, Write};
use crate::wire::{Answer, Wire, framed, posting};

/// How long PostgreSQL stands still.
const PAUSE: Duration = Duration::from_secs(3);

fn get() -> GetUserRequest {
    GetUserRequest { user_id: Some("ann".to_owned()), ..Default::default() }
}

pub(super) async fn read(wire: &Wire) -> Answer {
    wire.call("/roster.v1.UserService/GetUser", &[("x-api-key", KEY), ("grpc-timeout", "1S")], &get()).await
}

pub(super) async fn write(wire: &Wire, id: &str) -> Answer {
    let write = Write::Create(id.to_owned());
    let headers = [("x-api-key", KEY), ("idempotency-key", id), ("grpc-timeout", "1S")];
    wire.attempt(posting(write.path(), &headers), framed(&write.request())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn a_server_that_stands_still_holds_nobody_beyond_their_deadline() {
    let cluster = cluster();
    let roster = roster_on(&cluster.url(), &[]).await;
    let wire = Wire::connect(roster.address).await;
    write(&wire, "ann").await.message::<CreateUserResponse>();
    cluster.pause();
    let paused = now();
    // More than there are connections, of readers and of writers.
    let one = |number: usize| {
        let wire = wire.clone();
        async move {
            let begun = now();
            let id = format!("user-{number}");
            let answer = if number.is_multiple_of(2) { read(&wire).await } else { write(&wire, &id).await };
            (answer, begun.elapsed())
        }
    };
    let answers = join_all((0..60).map(one)).await;
    for (answer, took) in &answers {
        let refusal = answer.refusal();
        assert!(matches!(refusal.code, DeadlineExceeded | Unavailable | ResourceExhausted), "{refusal:?}");
        assert_passing(&refusal);
        assert!(*took < Duration::from_millis(1_900), "{took:?}");
    }
    wait_for_health(&wire, NotServing).await;
    tokio::time::sleep(PAUSE.saturating_sub(paused.elapsed())).await;
    cluster.resume();
    let resumed = now();
    while read(&wire).await.status.code() != Code::Ok || write(&wire, "bob").await.status.code() != Code::Ok {
        assert!(resumed.elapsed() < SOON, "it does not find back");
    }
    eprintln!("answers OK {:?} after PostgreSQL went on", resumed.elapsed());
    wait_for_health(&wire, Serving).await;
    // Whatever became of those that were given up: a repeat makes them, or tells that they were made.
    for number in (0..60).filter(|number| number % 2 == 1) {
        write(&wire, &format!("user-{number}")).await.message::<CreateUserResponse>();
    }
    read(&wire).await.message::<GetUserResponse>();
    roster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn a_stop_does_not_wait_for_a_server_that_stands_still() {
    let cluster = cluster();
    let roster = roster_on(&cluster.url(), &[]).await;
    let wire = Wire::connect(roster.address).await;
    write(&wire, "ann").await.message::<CreateUserResponse>();
    read(&wire).await.message::<GetUserResponse>();
    // It cannot be looked at in the end, as long as it stands still.
    roster.damage();
    cluster.pause();
    let (headers, request) = ([("x-api-key", KEY)], get());
    let waiting = wire.call("/roster.v1.UserService/GetUser", &headers, &request);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begun = now();
        let directory = roster.stop_and_keep().await;
        (directory, begun.elapsed())
    };
    let (_, (_directory, took)) = tokio::join!(tokio::time::timeout(Duration::from_secs(15), waiting), stopping);
    cluster.resume();
    assert!(took < Duration::from_secs(13), "{took:?}");
}
