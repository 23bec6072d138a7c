//! The same call on two servers at the same moment, under one idempotency key: it is made once, whoever makes it.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use roster::proto::{BatchCreateUsersItem, BatchCreateUsersRequest, DeleteUserRequest};
use sea_orm::{ConnectionTrait, TransactionTrait};
use tonic::Code::{Aborted, AlreadyExists, Ok as OK};

use super::{REPLICAS, Replicas, rounds};
use crate::calls::{bob, creating, setting};
use crate::dto::texts;
use crate::harness::named;
use crate::races::at_once;
use crate::wire::{Answer, Wire, framed};

/// Far longer than a caller may have to wait, who waits for two seconds.
const TOO_LONG: Duration = Duration::from_secs(15);

/// A connection to each of the servers, and an API key.
struct Callers {
    replicas: Replicas,
    wires: Vec<Wire>,
    api_key: String,
}

impl Callers {
    async fn new(replicas: Replicas) -> Self {
        let api_key = replicas.servers[0].key("*", None).await.secret.expose().to_owned();
        let mut wires = Vec::new();
        for server in &replicas.servers {
            wires.push(Wire::connect(server.address).await);
        }
        Self { replicas, wires, api_key }
    }

    /// The call on the server of this number.
    fn call(&self, server: usize, rpc: &str, key: Option<&str>, body: &Bytes) -> impl Future<Output = Answer> + Send + use<> {
        let (wire, path, body) = (self.wires[server].clone(), format!("/roster.v1.{rpc}"), body.clone());
        let mut headers = vec![("x-api-key", self.api_key.clone())];
        headers.extend(key.map(|key| ("idempotency-key", key.to_owned())));
        async move {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            wire.send(&path, &headers, body).await
        }
    }

    /// The call on all servers at once.
    async fn on_all(&self, rpc: &str, key: Option<&str>, request: &impl Message) -> Vec<Answer> {
        let body = framed(&request.encode_to_vec());
        at_once(REPLICAS, |server| self.call(server, rpc, key, &body)).await
    }
}

fn was_replayed(answer: &Answer) -> bool {
    answer.headers.get("x-roster-replayed").is_some_and(|value| value == "true")
}

/// Asserts that one of them was made and the others replayed, but for those whose callers were told to repeat the call; gives how
/// many were replayed.
#[track_caller]
fn assert_made_once(answers: &[Answer]) -> usize {
    let (good, late): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status.code() == OK);
    for answer in late {
        answer.assert_refused(Aborted, "CONFLICT_RETRY");
    }
    assert_eq!(good.iter().filter(|answer| !was_replayed(answer)).count(), 1, "{answers:?}");
    assert!(good.iter().all(|answer| answer.body == good[0].body));
    good.len() - 1
}

async fn each_is_made_once(replicas: Replicas, usual: usize) {
    let callers = Callers::new(replicas).await;
    let mut replayed = 0;
    for round in 0..rounds(usual) {
        let key = |call: &str| format!("{call}-{round}");
        let create = callers.on_all("UserService/CreateUser", Some(&key("create")), &creating(bob())).await;
        replayed += assert_made_once(&create);
        assert_eq!(callers.replicas.number("SELECT COUNT(*) FROM users").await, 1);
        let nickname = format!("Bob {round}");
        let update = setting("bob-1", texts(&[("nickname", &nickname)]));
        replayed += assert_made_once(&callers.on_all("UserService/UpdateUser", Some(&key("update")), &update).await);
        let delete = DeleteUserRequest { user_id: Some("bob-1".to_owned()), ..Default::default() };
        replayed += assert_made_once(&callers.on_all("UserService/DeleteUser", Some(&key("delete")), &delete).await);
        assert_eq!(callers.replicas.number("SELECT COUNT(*) FROM users").await, 0);
    }
    assert!(replayed > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_call_on_three_servers_under_one_key_is_made_once_and_replayed() {
    each_is_made_once(Replicas::start().await, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn a_call_on_three_servers_under_one_key_is_made_once_where_all_is_serializable() {
    each_is_made_once(Replicas::start_serializable().await, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn without_the_key_all_but_one_are_told_that_they_failed() {
    let callers = Callers::new(Replicas::start().await).await;
    let answers = callers.on_all("UserService/CreateUser", None, &creating(named("bob"))).await;
    let (good, failed): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status.code() == OK);
    assert_eq!((good.len(), failed.len()), (1, 2));
    for answer in failed {
        answer.assert_refused(AlreadyExists, "USERNAME_EXISTS");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn whoever_repeats_a_call_that_is_under_way_on_another_server_is_told_to_come_again() {
    let callers = Callers::new(Replicas::start().await).await;
    let own = callers.replicas.servers[0].database.connect().await;
    let held = own.begin().await.unwrap();
    // A batch waits for this row, and for far longer than those who wait for the batch.
    held.execute_unprepared("SELECT name FROM locks WHERE name = 'batch_create_users' FOR UPDATE").await.unwrap();
    let request = BatchCreateUsersRequest {
        users: vec![BatchCreateUsersItem { user: Some(named("bob")), ..Default::default() }],
        atomic: true,
    };
    let body = framed(&request.encode_to_vec());
    let call = |server: usize| callers.call(server, "UserService/BatchCreateUsers", Some("a"), &body);
    let first = tokio::spawn(call(0));
    wait_until_it_waits(&callers.replicas).await;
    let second = tokio::time::timeout(TOO_LONG, call(1)).await.unwrap();
    second.assert_refused(Aborted, "CONFLICT_RETRY");
    assert!(!first.is_finished(), "the first is still under way");
    held.rollback().await.unwrap();
    let first = first.await.unwrap();
    assert!(first.status.code() == OK && !was_replayed(&first), "{first:?}");
    let again = call(1).await;
    assert!(was_replayed(&again) && again.body == first.body);
    assert_eq!(callers.replicas.number("SELECT COUNT(*) FROM users").await, 1);
}

/// Waits until a transaction waits for the lock of the batches.
async fn wait_until_it_waits(replicas: &Replicas) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%locks%' \
                   AND pid IN (SELECT pid FROM pg_locks WHERE relation = 'locks'::regclass)";
    for _ in 0..500 {
        if replicas.number(waiting).await > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody waits");
}
