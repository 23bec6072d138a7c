//! What differs between database engines, one file a concern: how to connect, how its errors read, how it is asked for many keys.
//! Nothing outside this folder knows which engine it is.

mod errors;
pub(super) mod inspect;
pub(super) mod keys;
pub(super) mod locks;
mod open_error;
mod postgres;
mod queue;
mod reach;
mod schema;
pub(super) mod search;
mod sqlite;

use std::future::Future;
use std::sync::Arc;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument;

use crate::config::{Config, Location};
use crate::error::{Error, Result};
use queue::Queue;
use reach::Reach;

pub(super) use errors::commit_failed;
pub use open_error::OpenError;

/// The connections to the database.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    write: DatabaseConnection,
    read: DatabaseConnection,
    /// One permit a connection that can write, and one a connection that reads: callers queue here, where a deadline can still
    /// take them out, and never for a connection itself.
    writes: Queue,
    reads: Queue,
    /// One permit a connection that may be busy with what takes its time, so that some always stay for look-ups.
    scans: Queue,
    /// One permit for what writes much: it must not keep all connections waiting for each other.
    bulk: Queue,
    reach: Arc<Reach>,
}

/// Reads that all see the same state. Dropped, its connection goes back.
pub(super) struct Snapshot(DatabaseTransaction);

impl Snapshot {
    pub(super) fn connection(&self) -> &DatabaseTransaction {
        &self.0
    }
}

impl Engine {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// In words for whoever started the service.
    pub(super) async fn open(config: &Config) -> Result<Self, OpenError> {
        match config.database_url.location() {
            Location::Sqlite(file) => sqlite::open(config, file).await,
            Location::Postgres => postgres::open(config).await,
        }
    }

    /// Which steps the database has had; nothing is changed.
    ///
    /// # Errors
    /// In words for whoever asks.
    pub(super) async fn schema(config: &Config) -> Result<Vec<roster_migrations::Status>, OpenError> {
        match config.database_url.location() {
            Location::Sqlite(file) if !file.path.exists() => schema::steps(config, None).await,
            _ => {
                let connection = inspect::open(config).await?;
                let steps = schema::steps(config, Some(&connection)).await;
                drop(connection.close().await);
                steps
            }
        }
    }

    /// Reads what is committed. What fails in passing is tried again, so that the work may be done more than once.
    ///
    /// # Errors
    /// Those of the work; [`Error::Overloaded`] when no connection comes free in time.
    pub(super) async fn read<T, F>(&self, work: impl Fn(DatabaseConnection) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let _permit = self.reads.enter().await?;
        self.attempts(|| work(self.read.clone())).await
    }

    /// As [`Engine::read`], of one state throughout.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub(super) async fn snapshot<T, F>(&self, work: impl Fn(Snapshot) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let _permit = self.reads.enter().await?;
        let work = &work;
        self.attempts(|| async move { work(snapshot(&self.read).await?).await }).await
    }

    /// As [`Engine::snapshot`], for lists, searches and batches: they wait here rather than take all connections. A caller who
    /// stops waiting does not end a statement that runs, so it runs to its end on a task that keeps the permits for as long.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub(super) async fn scan<T, F>(&self, work: impl Fn(Snapshot) -> F + Send + Sync + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let permit = self.scans.enter().await?;
        let engine = self.clone();
        let task = async move {
            let _permit = permit;
            engine.snapshot(work).await
        };
        tokio::spawn(task.in_current_span()).await.map_err(Error::internal)?
    }

    /// Waits for a turn to write.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when it does not come in time; [`Error::StoreUnavailable`] once the engine is closed.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        self.writes.enter().await
    }

    /// Waits for a turn to write much; a turn to write comes on top.
    ///
    /// # Errors
    /// As [`Engine::turn`].
    pub(super) async fn bulk_turn(&self) -> Result<OwnedSemaphorePermit> {
        self.bulk.enter().await
    }

    /// Makes the attempt, and again where it fails in passing: see [`Reach::attempts`]. Where there is no connection to be had,
    /// one that is idle is given up for the next who needs one.
    pub(super) async fn attempts<T, F>(&self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let result = self.reach.attempts(attempt).await;
        if let Err(error) = &result
            && errors::cannot_connect(error)
            && self.read.get_database_backend() == DbBackend::Postgres
        {
            postgres::make_room([&self.read, &self.write]).await;
        }
        result
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once: one that begins to read and then writes
    /// would fail when another has written in between.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.write.begin_with_options(options).await?)
    }

    /// Tells `observe` of every statement from now on.
    pub(super) fn observe(&mut self, observe: impl Fn() + Clone + Send + Sync + 'static) {
        for connection in [&mut self.read, &mut self.write] {
            let observe = observe.clone();
            connection.set_metric_callback(move |_| observe());
        }
    }

    /// Asks the database for a sign of life. It goes past those who queue: that they are many is no reason to report it as gone.
    pub(super) async fn ping(&self) -> Result<()> {
        let ask = || async {
            self.read.execute_unprepared("SELECT 1 FROM users LIMIT 1").await?;
            Ok(())
        };
        self.attempts(ask).await
    }

    /// Lets writers finish and closes all connections.
    pub(super) async fn close(self) {
        self.writes.close_behind_all().await;
        for queue in [self.bulk, self.reads, self.scans] {
            queue.close();
        }
        // The writer goes last: SQLite's tidies up the write-ahead log.
        for connection in [self.read, self.write] {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "closing the database");
            }
        }
    }
}

/// Begins to read one state.
async fn snapshot(connection: &DatabaseConnection) -> Result<Snapshot, DbErr> {
    let begun = match connection.get_database_backend() {
        // By default every statement would see what was committed before it.
        DbBackend::Postgres => {
            connection.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await
        }
        _ => connection.begin().await,
    };
    begun.map(Snapshot)
}
