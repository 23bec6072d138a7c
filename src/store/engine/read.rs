//! Where reads go that are no rounds. On SQLite to a thread that may be blocked, with a connection on which every statement is done
//! when it returns; on PostgreSQL to the connections of a pool.

use std::future::Future;
use std::sync::Arc;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    Statement,
};

use super::sqlite::readers::Readers;
use super::sqlite::savepoint::Savepoint;
use super::{Opening, snapshot};
use crate::error::Result;

/// What reads.
#[derive(Clone, Debug)]
pub(super) enum Read {
    /// SQLite.
    Sqlite(Readers),
    /// PostgreSQL.
    Pool(DatabaseConnection),
}

/// What a read goes through. Dropped, its connection goes back.
pub(in crate::store) enum Reading {
    /// Any connection of the pool for each statement.
    Each(DatabaseConnection),
    /// One, whose statements all see the same state.
    Steady(DatabaseTransaction),
    /// SQLite's, whose statements see the same state too.
    Inline(Savepoint),
}

/// Where the statements of a read go.
pub(in crate::store) enum Reader<'r> {
    Pool(DatabaseExecutor<'r>),
    Inline(&'r Savepoint),
}

impl Reading {
    pub(in crate::store) fn connection(&self) -> Reader<'_> {
        match self {
            Self::Each(connection) => Reader::Pool(DatabaseExecutor::Connection(connection)),
            Self::Steady(transaction) => Reader::Pool(DatabaseExecutor::Transaction(transaction)),
            Self::Inline(savepoint) => Reader::Inline(savepoint),
        }
    }
}

#[async_trait]
impl ConnectionTrait for Reader<'_> {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Pool(pool) => pool.get_database_backend(),
            Self::Inline(savepoint) => savepoint.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Pool(pool) => pool.execute_raw(statement).await,
            Self::Inline(savepoint) => savepoint.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Pool(pool) => pool.execute_unprepared(sql).await,
            Self::Inline(savepoint) => savepoint.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Pool(pool) => pool.query_one_raw(statement).await,
            Self::Inline(savepoint) => savepoint.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Pool(pool) => pool.query_all_raw(statement).await,
            Self::Inline(savepoint) => savepoint.query_all_raw(statement).await,
        }
    }
}

/// What is asked for a sign of life.
pub(super) const QUESTION: &str = "SELECT 1 FROM users LIMIT 1";

impl Read {
    /// Does the work once; with `steady` all of it sees one state.
    pub(super) async fn attempt<T, W, F>(&self, steady: bool, opening: Option<Opening>, work: &Arc<W>) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Reading) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        match self {
            Self::Sqlite(readers) => readers.read(work.clone()).await,
            Self::Pool(pool) if steady => work(Reading::Steady(snapshot(pool, opening).await?)).await,
            Self::Pool(pool) => work(Reading::Each(pool.clone())).await,
        }
    }

    /// Asks for a sign of life.
    pub(super) async fn ask(&self) -> Result<()> {
        match self {
            Self::Sqlite(readers) => readers.ask().await,
            Self::Pool(pool) => Ok(pool.execute_unprepared(QUESTION).await.map(drop)?),
        }
    }

    /// Tells `observe` of every statement from now on.
    pub(super) fn observe(&mut self, observe: impl Fn() + Send + Sync + 'static) {
        match self {
            Self::Sqlite(readers) => readers.observe(observe),
            Self::Pool(pool) => pool.set_metric_callback(move |_| observe()),
        }
    }

    /// Closes the connections, once nobody reads any more.
    pub(super) async fn close(self) {
        match self {
            Self::Sqlite(readers) => readers.close().await,
            Self::Pool(pool) => {
                if let Err(error) = pool.close().await {
                    tracing::warn!(%error, "closing the database");
                }
            }
        }
    }
}
