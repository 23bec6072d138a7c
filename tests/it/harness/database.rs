//! A database of a test's own, on the engine that this run is of: SQLite, unless `ROSTER_TEST_ENGINE` is `postgres`; then a
//! schema on the server that `ROSTER_TEST_POSTGRES_URL` names.

use std::future::Future;
use std::path::Path;
use std::sync::LazyLock;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};

/// The PostgreSQL server of this run, if it is of PostgreSQL.
static SERVER: LazyLock<Option<String>> = LazyLock::new(|| {
    (std::env::var("ROSTER_TEST_ENGINE").as_deref() == Ok("postgres"))
        .then(|| std::env::var("ROSTER_TEST_POSTGRES_URL").unwrap())
});

/// Whether this run is of PostgreSQL.
pub(crate) fn on_postgres() -> bool {
    SERVER.is_some()
}

/// A database that is there for one test.
pub(crate) struct Database {
    /// As the configuration takes it.
    pub(crate) url: String,
    /// What is to be removed in the end, where files are not all.
    schema: Option<String>,
}

impl Database {
    /// An empty one; its files, if it has any, are in the directory.
    pub(crate) fn new(directory: &Path) -> Self {
        match &*SERVER {
            None => Self { url: format!("sqlite://{}?mode=rwc", directory.join("roster.db").display()), schema: None },
            Some(server) => Self::on(server),
        }
    }

    /// An empty one on this PostgreSQL server.
    pub(crate) fn on(server: &str) -> Self {
        let schema = format!("test_{}", hex(roster::clock::random::<8>()));
        maintain(server, &format!("CREATE SCHEMA {schema}"));
        let separator = if server.contains('?') { '&' } else { '?' };
        Self { url: format!("{server}{separator}options[search_path]={schema}"), schema: Some(schema) }
    }

    /// The one that this URL names, which goes with its server.
    pub(crate) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), schema: None }
    }

    /// The same database with another setting of PostgreSQL's for each connection.
    pub(crate) fn url_with(&self, setting: &str, value: &str) -> String {
        format!("{}&options[{setting}]={value}", self.url)
    }

    /// A connection of the test's own, behind the service's back.
    pub(crate) async fn connect(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    /// Takes a lock that every writer needs; who has the connection gives it back with ROLLBACK.
    pub(crate) async fn stop_writers(&self) -> DatabaseConnection {
        let connection = self.connect().await;
        let lock = if on_postgres() { "BEGIN; LOCK TABLE users IN EXCLUSIVE MODE" } else { "BEGIN IMMEDIATE" };
        connection.execute_unprepared(lock).await.unwrap();
        connection
    }

    /// Does this to it, behind the service's back.
    pub(crate) async fn execute(&self, sql: &str) {
        let connection = self.connect().await;
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// What it holds.
    pub(crate) async fn query(&self, sql: &str) -> Vec<QueryResult> {
        let connection = self.connect().await;
        let rows = connection.query_all_raw(statement(sql)).await.unwrap();
        connection.close().await.unwrap();
        rows
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let (Some(schema), Some(server)) = (&self.schema, &*SERVER) {
            maintain(server, &format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

/// A statement for the engine of this run.
pub(crate) fn statement(sql: &str) -> Statement {
    Statement::from_string(if on_postgres() { DbBackend::Postgres } else { DbBackend::Sqlite }, sql)
}

/// Waits for what a test's own runtime may not wait for.
pub(crate) fn apart<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work)
        });
        waiting.join().unwrap()
    })
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.unwrap()
}

fn maintain(server: &str, sql: &str) {
    apart(async {
        let connection = connect(server).await;
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    });
}

fn hex(bytes: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(bytes))
}
