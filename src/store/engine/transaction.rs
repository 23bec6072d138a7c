//! A transaction that may write, on either engine: where the statements of a change go.

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement, TransactionTrait};

use super::sqlite::savepoint::Savepoint;

/// A transaction, or a part of one.
pub(in crate::store) enum Transaction {
    /// One of its own.
    Postgres(DatabaseTransaction),
    /// A share of the writer's.
    Sqlite(Savepoint),
}

impl Transaction {
    /// A part of it that can be undone alone.
    pub(in crate::store) async fn begin(&self) -> Result<Self, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.begin().await.map(Self::Postgres),
            Self::Sqlite(savepoint) => savepoint.begin().map(Self::Sqlite),
        }
    }

    /// Keeps what was done in this part.
    pub(in crate::store) async fn release(self) -> Result<(), DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.commit().await,
            Self::Sqlite(savepoint) => savepoint.release(),
        }
    }

    /// Undoes what was done in this part.
    pub(in crate::store) async fn undo(self) -> Result<(), DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.rollback().await,
            Self::Sqlite(savepoint) => savepoint.undo(),
        }
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Postgres(_) => DbBackend::Postgres,
            Self::Sqlite(_) => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.execute_raw(statement).await,
            Self::Sqlite(savepoint) => savepoint.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.execute_unprepared(sql).await,
            Self::Sqlite(savepoint) => savepoint.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.query_one_raw(statement).await,
            Self::Sqlite(savepoint) => savepoint.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::Postgres(transaction) => transaction.query_all_raw(statement).await,
            Self::Sqlite(savepoint) => savepoint.query_all_raw(statement).await,
        }
    }
}
