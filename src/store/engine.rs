//! What differs between database engines, one file a concern: how to connect, and how its errors read. Nothing outside this
//! folder knows which engine it is.

mod errors;
mod sqlite;

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
}

impl Engine {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// In words for whoever started the service.
    pub(super) async fn open(config: &Config) -> Result<Self, OpenError> {
        sqlite::open(config).await
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
        let closed = |cause: tokio::sync::AcquireError| Error::StoreUnavailable { outcome_unknown: false, cause: cause.into() };
        self.turns.clone().acquire_owned().await.map_err(closed)
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

    /// Asks the database for a sign of life.
    pub(super) async fn ping(&self) -> Result<()> {
        self.read.execute_unprepared("SELECT 1 FROM users LIMIT 1").await?;
        Ok(())
    }

    /// Lets writers finish and closes all connections.
    pub(super) async fn close(self) {
        let permits = self.turns.acquire_many(sqlite::WRITERS).await;
        drop(permits);
        self.turns.close();
        // The writer goes last: its connection tidies up the write-ahead log.
        for connection in [self.read, self.write] {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "closing the database");
            }
        }
    }
}
