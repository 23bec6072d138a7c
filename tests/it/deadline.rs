//! The caller's deadline, `grpc-timeout` (contract §1, "deadlines"): always `DEADLINE_EXCEEDED`, never tonic's CANCELLED, and a
//! write happens whole or not at all.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use roster::proto::find_user_request::By;
use roster::proto::{CreateUserRequest, FindUserRequest, GetVersionResponse};
use sea_orm::ConnectionTrait;
use tonic::Code::{Aborted, DeadlineExceeded, InvalidArgument};

use crate::harness::database::on_postgres;
use crate::harness::{Roster, named};
use crate::trap;
use crate::wire::{Answer, Wire, framed};

const VERSION: &str = "/roster.v1.MetaService/GetVersion";
const CREATE: &str = "/roster.v1.UserService/CreateUser";

#[track_caller]
fn assert_late(answer: &Answer) {
    answer.assert_refused(DeadlineExceeded, "DEADLINE");
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_told_as_such_every_time() {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    for timeout in ["1n", "0n", "0u", "0m", "0S", "0H", "00000000S", "1u"] {
        let headers = [("x-api-key", key.as_str()), ("grpc-timeout", timeout)];
        for answer in join_all((0..50).map(|_| wire.call(VERSION, &headers, &()))).await {
            assert_late(&answer);
        }
    }
    wire.call(VERSION, &[("x-api-key", &key)], &()).await.message::<GetVersionResponse>();
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_told_as_such_every_time() {
    let roster = Roster::start_serving(trap::routes()).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    let wires = join_all((0..4).map(|_| Wire::connect(roster.address))).await;
    for timeout in ["1m", "3m", "10000u", "20m", "50000000n"] {
        let headers = [("x-api-key", key.as_str()), ("grpc-timeout", timeout)];
        let calls = (0..200).map(|call| wires[call % wires.len()].call(trap::HANG, &headers, &()));
        for answer in join_all(calls).await {
            assert_late(&answer);
        }
    }
}

#[tokio::test]
async fn a_deadline_is_kept_and_leaves_the_others_alone() {
    let roster = Roster::start_serving(trap::routes()).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    let wire = Wire::connect(roster.address).await;
    let begun = now();
    let headers = [("x-api-key", key.as_str()), ("grpc-timeout", "300m")];
    let other = [("x-api-key", key.as_str()), ("grpc-timeout", "99999999H")];
    let unhurried = [("x-api-key", key.as_str())];
    let (late, slow, slower) = tokio::join!(
        wire.call(trap::HANG, &headers, &()),
        wire.call(trap::SLOW, &other, &()),
        wire.call(trap::SLOW, &unhurried, &())
    );
    assert_late(&late);
    assert!(begun.elapsed() >= trap::SLOW_FOR && begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    for answer in [slow, slower] {
        assert_eq!(answer.status.code(), tonic::Code::Ok, "{:?}", answer.status);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a test took is no business of the service's clock")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_write_that_is_late_happens_whole_or_not_at_all() {
    let roster = Roster::start().await;
    let client = roster.client("users:write").await;
    let wire = Wire::connect(roster.address).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    let other = roster.database.stop_writers().await;
    let headers = [("x-api-key", key.as_str()), ("grpc-timeout", "200m")];
    let requests: Vec<_> =
        (0..3).map(|user| CreateUserRequest { user: Some(named(&format!("late-{user}"))), ..Default::default() }).collect();
    for answer in join_all(requests.iter().map(|request| wire.call(CREATE, &headers, request))).await {
        assert_late(&answer);
    }
    other.execute_unprepared("ROLLBACK").await.unwrap();
    // On PostgreSQL whichever had begun may go on; the others have left the queue. What was written is a whole user, and the
    // writer is free again.
    let mut written = Vec::new();
    for request in requests {
        let user = request.user.unwrap();
        let found = FindUserRequest { by: Some(By::Username(user.username.clone().unwrap())), ..Default::default() };
        match client.create(user).await {
            Ok(_) => {}
            Err(taken) => {
                assert_eq!(taken.reason, "USERNAME_EXISTS");
                let user = client.users().find_user(found).await.unwrap().into_inner().user.unwrap();
                assert!(user.etag.is_some() && user.created_at.is_some(), "{user:?}");
                written.push(user.username);
            }
        }
    }
    assert!(on_postgres() || written.is_empty(), "none had begun: {written:?}");
}

#[tokio::test]
async fn a_writer_elsewhere_stops_no_read_and_is_told_of_after_a_while() {
    let roster = Roster::start().await;
    let client = roster.client("users:write").await;
    let created = client.create(named("ann")).await.unwrap();
    let other = roster.database.stop_writers().await;
    let writing = {
        let client = client.clone();
        tokio::spawn(async move { client.create(named("bob")).await })
    };
    for _ in 0..20 {
        assert_eq!(client.get(created.user_id.as_deref().unwrap()).await.unwrap(), created);
    }
    let refusal = writing.await.unwrap().unwrap_err();
    assert_eq!(refusal.kind(), (Aborted, "CONFLICT_RETRY"), "{refusal:?}");
    assert!(refusal.retry_after.is_some(), "{refusal:?}");
    other.execute_unprepared("ROLLBACK").await.unwrap();
    client.create(named("bob")).await.unwrap();
}

#[tokio::test]
async fn a_deadline_that_cannot_be_read_hurts_nobody_else() {
    let roster = Roster::start().await;
    let wire = Wire::connect(roster.address).await;
    let key = roster.key("*", None).await.secret.expose().to_owned();
    for timeout in ["", "S", "1", "1s", "-1S", "1.5S", "123456789S", "99999999999999999999n", "soon"] {
        let headers = [("x-api-key", key.as_str()), ("grpc-timeout", timeout)];
        let answer = wire.send(VERSION, &headers, framed(&[])).await;
        // The contract says nothing of these; they are either taken no notice of or the caller's fault.
        if answer.status.code() != tonic::Code::Ok {
            assert_eq!(answer.refusal().code, InvalidArgument, "{timeout}: {:?}", answer.status);
        }
    }
}
