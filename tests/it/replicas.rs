//! Several servers on one PostgreSQL database, told apart by nothing: what one has answered holds at once on all others, and
//! what only one caller can have is had by one, whichever server was asked. Processes of their own stand in `cli/replicas.rs`.

mod ends;
mod fields;
mod fresh;
mod keys;
mod repeats;
mod starts;
mod tokens;
mod unique;

use std::future::Future;

pub(crate) use starts::assert_each_step_once;

use tonic::{Code, Status};

use crate::harness::{Client, Refusal, Roster};

/// How many servers there are.
const REPLICAS: usize = 3;
/// How often a call is repeated whose caller is told to.
const REPEATS: usize = 200;

/// How often something is done: so many times, or as many times that as `ROSTER_TEST_REPLICA_TIMES` says.
pub(crate) fn rounds(usual: usize) -> usize {
    usual * std::env::var("ROSTER_TEST_REPLICA_TIMES").map_or(1, |times| times.parse::<usize>().unwrap())
}

/// Servers on one database, and for each a client with the same key for everything.
struct Replicas {
    servers: Vec<Roster>,
    clients: [Client; REPLICAS],
}

impl Replicas {
    async fn start() -> Self {
        Self::beside(Roster::start().await).await
    }

    /// Those of a database whose transactions are serializable by default.
    async fn start_serializable() -> Self {
        let replicas = Self::beside(Roster::start_serializable().await).await;
        let level = replicas.servers[0].database.query("SHOW transaction_isolation").await;
        assert_eq!(level[0].try_get_by_index::<String>(0).unwrap(), "serializable");
        replicas
    }

    async fn beside(first: Roster) -> Self {
        let servers = vec![first.beside().await, first.beside().await, first];
        let secret = servers[0].key("*", None).await.secret.expose().to_owned();
        let clients = connected(&servers, &secret).await;
        Self { servers, clients }
    }

    /// For each of the servers a client with this key.
    async fn clients_with(&self, secret: &str) -> [Client; REPLICAS] {
        connected(&self.servers, secret).await
    }

    /// What is asked of the database in SQL, as a number.
    async fn number(&self, sql: &str) -> i64 {
        self.servers[0].database.query(sql).await[0].try_get_by_index(0).unwrap()
    }
}

async fn connected(servers: &[Roster], secret: &str) -> [Client; REPLICAS] {
    let client = |index: usize| servers[index].client_with_key(Some(secret));
    [client(0).await, client(1).await, client(2).await]
}

/// Makes the call, and again while its caller is told to repeat it.
async fn repeated<T, F>(call: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    for _ in 0..REPEATS {
        match call().await {
            Err(status) if is_conflict(&status) => {}
            answer => return answer,
        }
    }
    panic!("others are in the way for ever");
}

/// Whether the caller is told to repeat the call.
fn is_conflict(status: &Status) -> bool {
    Refusal::from(status.clone()).kind() == (Code::Aborted, "CONFLICT_RETRY")
}
