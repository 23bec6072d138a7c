//! What only one can have: of those who want it at the same moment, on whichever servers, one gets it and all others are told so.

use std::collections::HashMap;

use roster::proto::{CreateUserRequest, UserIdType};
use tonic::{Code, Status};

use super::{REPLICAS, Replicas, repeated, rounds};
use crate::calls::creating;
use crate::collections::{Groups, Kind, coded};
use crate::dto::texts;
use crate::harness::Refusal;
use crate::races::{at_once, spelling};

/// Callers of one thing.
const CALLERS: usize = 60;

/// How many of the answers are good; all others say this.
fn good<T>(answers: Vec<Result<T, Status>>, reason: &str) -> usize {
    let count = answers.len();
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).map(Refusal::from).collect();
    for refusal in &refused {
        assert_eq!(refusal.kind(), (Code::AlreadyExists, reason), "{refusal:?}");
        assert_eq!(refusal.metadata["conflicts"], reason);
    }
    count - refused.len()
}

/// Creates of one email in its spellings, spread over the servers.
async fn create_all(replicas: &Replicas, round: usize, repeats: bool) -> Vec<Result<(), Status>> {
    let create = |index: usize| {
        let client = replicas.clients[index % REPLICAS].clone();
        let request: CreateUserRequest = creating(texts(&[("email", &spelling(index + round * 11))]));
        async move {
            let call = || async { client.users().create_user(request.clone()).await.map(drop) };
            if repeats { repeated(call).await } else { call().await }
        }
    };
    at_once(CALLERS, create).await
}

async fn one_email_is_had_by_one(replicas: Replicas, usual: usize, repeats: bool) {
    for round in 0..rounds(usual) {
        assert_eq!(good(create_all(&replicas, round, repeats).await, "EMAIL_EXISTS"), 1, "{round}");
        let mut found = HashMap::new();
        for (index, client) in replicas.clients.iter().enumerate() {
            let user = client.get_by(UserIdType::Email, &spelling(index + round)).await.unwrap();
            found.insert(user.user_id.clone().unwrap(), user);
        }
        assert_eq!(found.len(), 1, "all see the same user");
        assert_eq!(replicas.number("SELECT COUNT(*) FROM users").await, 1);
        replicas.clients[round % REPLICAS].delete(found.keys().next().unwrap()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn of_60_creates_of_one_email_over_three_servers_one_succeeds() {
    one_email_is_had_by_one(Replicas::start().await, 5, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn of_60_creates_of_one_email_one_succeeds_where_all_is_serializable() {
    one_email_is_had_by_one(Replicas::start_serializable().await, 2, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn without_the_database_s_constraint_more_than_one_would() {
    let replicas = Replicas::start().await;
    replicas.servers[0].damage();
    replicas.servers[0].database.execute("DROP INDEX users_email_key").await;
    assert!(good(create_all(&replicas, 0, false).await, "EMAIL_EXISTS") > 1, "what decides is not the constraint");
}

async fn one_code_is_had_by_one(replicas: Replicas, usual: usize, repeats: bool) {
    for round in 0..rounds(usual) {
        let create = |index: usize| {
            let client = replicas.clients[index % REPLICAS].clone();
            async move {
                let call = || async { Groups::create(&client, Some(coded("eng"))).await };
                if repeats { repeated(call).await } else { call().await }
            }
        };
        assert_eq!(good(at_once(CALLERS, create).await, "CODE_EXISTS"), 1, "{round}");
        assert_eq!(replicas.number("SELECT COUNT(*) FROM groups").await, 1);
        Groups::delete(&replicas.clients[round % REPLICAS], Some("eng"), None).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn of_60_creates_of_one_group_over_three_servers_one_succeeds() {
    one_code_is_had_by_one(Replicas::start().await, 5, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn of_60_creates_of_one_group_one_succeeds_where_all_is_serializable() {
    one_code_is_had_by_one(Replicas::start_serializable().await, 2, true).await;
}
