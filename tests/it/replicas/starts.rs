//! Starts at the same moment: every server serves, and each step of the schema is taken once.

use roster::clock::Clock;
use roster::proto::Timestamp;
use roster::store::Store;
use roster_migrations::{Migrator, MigratorTrait, State};
use sea_orm::DatabaseConnection;

use super::{REPLICAS, rounds};
use crate::harness::config;
use crate::harness::database::Database;
use crate::races::at_once;

/// A database that has had so many steps.
async fn with_steps(steps: u32) -> Database {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::new(directory.path());
    if steps > 0 {
        let connection = database.connect().await;
        Migrator::up(&connection, Some(steps)).await.unwrap();
        connection.close().await.unwrap();
    }
    database
}

/// Opens the database from several servers at once; all of them serve.
async fn open_at_once(database: &Database) {
    let stores = at_once(REPLICAS, |_| {
        let url = database.url.clone();
        async move {
            let clock = Clock::stopped_at(Timestamp { seconds: 1_800_000_000, nanos: 0 });
            let store = Store::open(&config(&url, &[]), clock).await.unwrap();
            store.ping().await.unwrap();
            store
        }
    });
    for store in stores.await {
        store.ping().await.unwrap();
        store.close().await;
    }
}

/// Asserts that every step was taken and is recorded once.
pub(crate) async fn assert_each_step_once(database: &Database) {
    let connection = database.connect().await;
    let steps = roster_migrations::status(Some(&connection)).await.unwrap();
    assert!(steps.iter().all(|step| step.state == State::Applied), "{steps:?}");
    connection.close().await.unwrap();
    let mut names: Vec<_> = steps.into_iter().map(|step| step.name).collect();
    names.sort();
    for records in ["SELECT version FROM seaql_migrations ORDER BY 1", "SELECT step FROM schema_steps ORDER BY 1"] {
        let rows = database.query(records).await;
        let mut recorded: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        recorded.sort();
        assert_eq!(recorded, names, "{records}");
    }
    let locks = database.query("SELECT COUNT(*) FROM locks").await;
    assert_eq!(locks[0].try_get_by_index::<i64>(0).unwrap(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn three_that_start_on_an_empty_schema_all_serve_and_take_each_step_once() {
    for _ in 0..rounds(10) {
        let database = with_steps(0).await;
        open_at_once(&database).await;
        assert_each_step_once(&database).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn three_that_start_on_an_earlier_schema_all_serve_and_take_each_step_once() {
    let steps = u32::try_from(roster_migrations::status::<sea_orm::DatabaseConnection>(None).await.unwrap().len()).unwrap();
    for round in 0..rounds(10) {
        let had = 1 + u32::try_from(round).unwrap() % (steps - 1);
        let database = with_steps(had).await;
        open_at_once(&database).await;
        assert_each_step_once(&database).await;
    }
}

/// The steps are taken from connections that no lock keeps apart: how many of these fail.
async fn failures_without_the_lock(database: &Database) -> usize {
    let mut connections: Vec<DatabaseConnection> = Vec::new();
    for _ in 0..REPLICAS {
        connections.push(database.connect().await);
    }
    let up = |index: usize| {
        let connection = connections[index].clone();
        async move { roster_migrations::up(&connection).await }
    };
    at_once(REPLICAS, up).await.iter().filter(|ended| ended.is_err()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "on PostgreSQL alone"]
async fn without_the_lock_they_would_be_in_each_other_s_way() {
    for _ in 0..20 {
        if failures_without_the_lock(&with_steps(0).await).await > 0 {
            return;
        }
    }
    panic!("what keeps them apart is not the lock");
}
