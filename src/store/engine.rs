//! What differs between database engines, one file a concern: how to connect, and how its errors read. Nothing outside this
//! folder knows which engine it is.

mod errors;
pub(super) mod inspect;
pub(super) mod keys;
pub(super) mod search;
mod sqlite;

use std::future::Future;
use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

use crate::config::Config;
use crate::error::{Error, Result};

pub use sqlite::OpenError;

/// The connections to the database.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    write: DatabaseConnection,
    read: DatabaseConnection,
    /// One permit a connection that can write: callers queue here, where a deadline can still take them out.
    turns: Arc<Semaphore>,
    /// One permit a connection that may be busy with what takes its time, so that some always stay for look-ups.
    scans: Arc<Semaphore>,
}

/// Reads that may take their time and all see the same state. The connection goes back before the permit does.
pub(super) struct Scan {
    transaction: DatabaseTransaction,
    _permit: OwnedSemaphorePermit,
}

impl Scan {
    pub(super) fn connection(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

impl Engine {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// In words for whoever started the service.
    pub(super) async fn open(config: &Config) -> Result<Self, OpenError> {
        sqlite::open(config).await
    }

    /// Which steps the database has had.
    ///
    /// # Errors
    /// In words for whoever asks.
    pub(super) async fn schema(config: &Config) -> Result<Vec<roster_migrations::Status>, OpenError> {
        sqlite::schema(config).await
    }

    /// Connections for reading what is committed.
    pub(super) fn read(&self) -> &DatabaseConnection {
        &self.read
    }

    /// Waits for a turn to write.
    ///
    /// # Errors
    /// [`Error::StoreUnavailable`] once the engine is closed.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        permit(&self.turns).await
    }

    /// Begins a transaction that may write. It takes the write lock at once: one that begins to read and then writes would
    /// fail when another has written in between.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.write.begin_with_options(options).await?)
    }

    /// Begins a transaction whose reads all see the same state.
    pub(super) async fn snapshot(&self) -> Result<DatabaseTransaction> {
        Ok(self.read.begin().await?)
    }

    /// As [`Engine::snapshot`], for lists, searches and batches: they wait here rather than take all connections. A caller who
    /// stops waiting does not end a statement that runs, so it runs to its end on a task that keeps the permit for as long.
    ///
    /// # Errors
    /// Those of the work; [`Error::StoreUnavailable`] once the engine is closed.
    pub(super) async fn scan<T, F>(&self, work: impl FnOnce(Scan) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let permit = permit(&self.scans).await?;
        let scan = Scan { transaction: self.snapshot().await?, _permit: permit };
        tokio::spawn(work(scan).in_current_span()).await.map_err(Error::internal)?
    }

    /// Tells `observe` of every statement from now on.
    pub(super) fn observe(&mut self, observe: impl Fn() + Clone + Send + Sync + 'static) {
        for connection in [&mut self.read, &mut self.write] {
            let observe = observe.clone();
            connection.set_metric_callback(move |_| observe());
        }
    }

    /// Asks the database for a sign of life.
    pub(super) async fn ping(&self) -> Result<()> {
        self.read.execute_unprepared("SELECT 1 FROM users LIMIT 1").await?;
        Ok(())
    }

    /// Lets writers finish and closes all connections.
    pub(super) async fn close(self) {
        let permits = self.turns.acquire_many(sqlite::WRITERS).await;
        // Closed before the permits go back: whoever waits for one must not begin now.
        self.turns.close();
        self.scans.close();
        drop(permits);
        // The writer goes last: its connection tidies up the write-ahead log.
        for connection in [self.read, self.write] {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "closing the database");
            }
        }
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let closed = |cause: tokio::sync::AcquireError| Error::StoreUnavailable { outcome_unknown: false, cause: cause.into() };
    semaphore.clone().acquire_owned().await.map_err(closed)
}
