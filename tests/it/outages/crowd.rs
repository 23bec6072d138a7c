//! More callers than connections, and fewer connections than were asked for: nobody waits for ever, and all is well again after.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use roster::proto::{GetUserRequest, GetUserResponse, ListUsersRequest, SearchUsersRequest};
use sea_orm::ConnectionTrait;
use tonic::Code::{self, ResourceExhausted};

use super::{SOON, assert_passing, now, roster_on};
use crate::cli::load::{KEY, Write, make_group};
use crate::harness::Roster;
use crate::harness::cluster::Cluster;
use crate::wire::{Answer, Wire, framed, posting};

/// How long callers wait.
const TIMEOUT: Duration = Duration::from_secs(10);

async fn call(wire: &Wire, path: &str, message: &impl prost::Message) -> Answer {
    let headers = [("x-api-key", KEY), ("grpc-timeout", "10S")];
    wire.call(path, &headers, message).await
}

/// What a caller does, by their number: a write, a look at themselves, a list or a search.
async fn act(wire: &Wire, prefix: &str, number: usize) -> Answer {
    let id = format!("{prefix}-{number}");
    match number % 5 {
        0 | 1 => {
            let write = Write::Create(id.clone());
            let headers = [("x-api-key", KEY), ("idempotency-key", id.as_str()), ("grpc-timeout", "10S")];
            wire.attempt(posting(write.path(), &headers), framed(&write.request())).await.unwrap()
        }
        2 => {
            call(
                wire,
                "/roster.v1.UserService/GetUser",
                &GetUserRequest { user_id: Some("first".to_owned()), ..Default::default() },
            )
            .await
        }
        3 => call(wire, "/roster.v1.UserService/ListUsers", &ListUsersRequest { limit: Some(100), ..Default::default() }).await,
        _ => {
            let search = SearchUsersRequest { query: Some("first".to_owned()), ..Default::default() };
            call(wire, "/roster.v1.UserService/SearchUsers", &search).await
        }
    }
}

/// What so many callers at once are answered, after how long.
async fn crowd(address: SocketAddr, prefix: &str, callers: usize) -> Vec<(Answer, Duration)> {
    let wires = join_all((0..10).map(|_| Wire::connect(address))).await;
    let one = |number: usize| {
        let (wire, begun) = (&wires[number % wires.len()], now());
        async move { (act(wire, prefix, number).await, begun.elapsed()) }
    };
    join_all((0..callers).map(one)).await
}

fn count(answers: &[(Answer, Duration)], code: Code) -> usize {
    answers.iter().filter(|(answer, _)| answer.status.code() == code).count()
}

/// How long it may take until calls are quick again, beside all that runs on the machine of a test.
const AGAIN: Duration = Duration::from_secs(10);

/// Waits until a single call of each kind is answered OK at once.
async fn assert_quick_again(wire: &Wire) {
    for number in 0..5 {
        let begun = now();
        loop {
            let called = now();
            let good = act(wire, "alone", number).await.status.code() == Code::Ok;
            if good && called.elapsed() < Duration::from_millis(500) {
                break;
            }
            assert!(begun.elapsed() < AGAIN, "the {number}th call is not answered quickly again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Waits until one call of each kind is answered OK, repeated as callers do.
async fn assert_done_soon(wire: &Wire, prefix: &str) {
    let begun = now();
    for number in [0, 2, 3] {
        loop {
            let answer = act(wire, prefix, number).await;
            if answer.status.code() == Code::Ok {
                break;
            }
            assert_passing(&answer.refusal());
            assert!(begun.elapsed() < SOON, "the {number}th call is still refused: {:?}", answer.status);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn first_user(wire: &Wire) {
    Write::Create("first".to_owned()).attempt(wire, "first").await.unwrap().message::<roster::proto::CreateUserResponse>();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn five_hundred_callers_of_twenty_connections_are_all_answered_in_time() {
    let settings = [("database_max_connections", "20"), ("bootstrap_api_key", KEY)];
    let roster = Roster::start_with(&settings).await;
    roster::server::ensure_first_key(&roster.store, &roster.config, None).await.unwrap();
    let wire = Wire::connect(roster.address).await;
    first_user(&wire).await;
    for round in 1..=2 {
        let answers = crowd(roster.address, &format!("round-{round}"), 500).await;
        let (good, refused) = (count(&answers, Code::Ok), count(&answers, ResourceExhausted));
        let longest = answers.iter().map(|(_, took)| *took).max().unwrap();
        eprintln!("round {round}: {good} OK, {refused} refused, the last after {longest:?}");
        for (answer, _) in answers.iter().filter(|(answer, _)| answer.status.code() != Code::Ok) {
            let refusal = answer.assert_refused(ResourceExhausted, "OVERLOADED");
            assert!(refusal.retry_after.is_some_and(|after| !after.is_zero()), "{refusal:?}");
        }
        assert!(longest < TIMEOUT && good >= 20, "{good} {longest:?}");
        assert_quick_again(&wire).await;
    }
}

/// A server that has fewer connections than are asked for.
fn few_connections() -> Cluster {
    Cluster::start_with(&["max_connections=8", "superuser_reserved_connections=0", "max_wal_senders=0"]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn a_server_with_fewer_connections_than_the_pool_is_used_as_far_as_it_goes() {
    let cluster = few_connections();
    let roster = roster_on(&cluster.url(), &[("database_max_connections", "20")]).await;
    let wire = Wire::connect(roster.address).await;
    make_group(&wire).await;
    first_user(&wire).await;
    for round in 1..=2 {
        let answers = crowd(roster.address, &format!("round-{round}"), 100).await;
        let good = count(&answers, Code::Ok);
        eprintln!("round {round}: {good} OK, {} overloaded", count(&answers, ResourceExhausted));
        for (answer, took) in &answers {
            assert!(*took < TIMEOUT, "{took:?}");
            if answer.status.code() != Code::Ok {
                assert_passing(&answer.refusal());
            }
        }
        assert!(good > 0, "it works with what it gets");
        assert_quick_again(&wire).await;
    }
    // Connections that only read leave some to those that write, and the other way round.
    for turn in 0..20 {
        assert_done_soon(&wire, &format!("turn-{turn}")).await;
    }
    roster.stop().await.unwrap();
}

/// Ends all connections, so that it depends on who comes first who gets one again.
const END_ALL: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn readers_that_came_first_leave_connections_to_writers_where_there_are_few() {
    let cluster = few_connections();
    let roster = roster_on(&cluster.url(), &[("database_max_connections", "20")]).await;
    let wire = Wire::connect(roster.address).await;
    first_user(&wire).await;
    roster.database.execute(END_ALL).await;
    // A look at a user, by each.
    join_all((0..100).map(|_| act(&wire, "reader", 2))).await;
    assert_quick_again(&wire).await;
    roster.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on PostgreSQL alone"]
async fn writers_that_wait_for_too_long_are_told_that_they_are_too_many_and_readers_are_served() {
    let roster = Roster::start_with(&[("bootstrap_api_key", KEY)]).await;
    roster::server::ensure_first_key(&roster.store, &roster.config, None).await.unwrap();
    let wire = Wire::connect(roster.address).await;
    first_user(&wire).await;
    let other = roster.database.stop_writers().await;
    let writers = join_all((0..60).map(|number| act(&wire, "writer", 5 * number)));
    let readers = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for _ in 0..20 {
            act(&wire, "reader", 2).await.message::<GetUserResponse>();
        }
    };
    let (answers, ()) = tokio::join!(writers, readers);
    let kinds: BTreeMap<_, usize> = answers.iter().fold(BTreeMap::new(), |mut kinds, answer| {
        let refusal = answer.refusal();
        assert_passing(&refusal);
        *kinds.entry(refusal.reason).or_default() += 1;
        kinds
    });
    eprintln!("{kinds:?}");
    assert!(kinds["CONFLICT_RETRY"] >= 8 && kinds["OVERLOADED"] >= 20 && kinds.len() == 2, "{kinds:?}");
    other.execute_unprepared("ROLLBACK").await.unwrap();
    assert_quick_again(&wire).await;
}
