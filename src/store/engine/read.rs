//! Where reads go that are no rounds. On SQLite to a thread that may be blocked, with a connection on which every statement is done
//! when it returns; on PostgreSQL to the connections of a pool.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseExecutor, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    Statement,
};
use tokio::runtime::Handle;
use tracing::Span;

use super::writer::{Savepoint, Settings, failure::failed};
use super::{Opening, snapshot};
use crate::error::{Error, Result};

/// What reads.
#[derive(Clone, Debug)]
pub(super) enum Read {
    /// SQLite.
    Files(Files),
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

impl Read {
    /// Does the work once; with `steady` all of it sees one state.
    pub(super) async fn attempt<T, W, F>(&self, steady: bool, opening: Option<Opening>, work: &Arc<W>) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Reading) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        match self {
            Self::Files(files) => files.read(work.clone()).await,
            Self::Pool(pool) if steady => work(Reading::Steady(snapshot(pool, opening).await?)).await,
            Self::Pool(pool) => work(Reading::Each(pool.clone())).await,
        }
    }

    /// Asks for a sign of life.
    pub(super) async fn ask(&self) -> Result<()> {
        const QUESTION: &str = "SELECT 1 FROM users LIMIT 1";
        match self {
            Self::Files(files) => {
                let ask = |reading: Reading| async move {
                    let asked = Statement::from_string(DbBackend::Sqlite, QUESTION);
                    reading.connection().query_one_raw(asked).await?;
                    Ok(())
                };
                files.read(Arc::new(ask)).await
            }
            Self::Pool(pool) => Ok(pool.execute_unprepared(QUESTION).await.map(drop)?),
        }
    }

    /// Tells `observe` of every statement from now on.
    pub(super) fn observe(&mut self, observe: impl Fn() + Send + Sync + 'static) {
        match self {
            Self::Files(files) => files.observer = Some(Arc::new(observe)),
            Self::Pool(pool) => pool.set_metric_callback(move |_| observe()),
        }
    }

    pub(super) async fn close(self) {
        match self {
            Self::Files(files) => files.close(),
            Self::Pool(pool) => {
                if let Err(error) = pool.close().await {
                    tracing::warn!(%error, "closing the database");
                }
            }
        }
    }
}

/// SQLite's connections that read: as many as are needed at the same time, which is bounded by who lets reads in.
#[derive(Clone)]
pub(super) struct Files {
    settings: Settings,
    /// Those that nobody uses; `None`: they are closed.
    idle: Arc<Mutex<Option<Vec<Connection>>>>,
    observer: Option<Arc<dyn Fn() + Send + Sync>>,
}

type Connection = Arc<Mutex<rusqlite::Connection>>;

impl std::fmt::Debug for Files {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Files").finish_non_exhaustive()
    }
}

impl Files {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, idle: Arc::new(Mutex::new(Some(Vec::new()))), observer: None }
    }

    async fn read<T, W, F>(&self, work: Arc<W>) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Reading) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (files, runtime, span) = (self.clone(), Handle::current(), Span::current());
        let reading = tokio::task::spawn_blocking(move || span.in_scope(|| files.read_now(&runtime, &*work)));
        reading.await.map_err(Error::internal)?
    }

    /// Reads one state; a connection that cannot begin or end is not used again.
    fn read_now<T, F>(&self, runtime: &Handle, work: &impl Fn(Reading) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let connection = self.take()?;
        run(&connection, "BEGIN")?;
        let savepoint = Savepoint::outermost(connection.clone(), self.observer.clone());
        // Statements are done when they return, so that this hardly ever waits.
        let answer = runtime.block_on(work(Reading::Inline(savepoint)));
        run(&connection, "COMMIT")?;
        if let Some(idle) = self.idle().as_mut() {
            idle.push(connection);
        }
        answer
    }

    fn take(&self) -> Result<Connection> {
        match self.idle().as_mut().map(Vec::pop) {
            Some(Some(connection)) => Ok(connection),
            Some(None) => Ok(Arc::new(Mutex::new(self.settings.connect().map_err(failed)?))),
            None => Err(Error::StoreUnavailable { outcome_unknown: false, cause: "it is closed".into() }),
        }
    }

    fn close(&self) {
        drop(self.idle().take());
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), DbErr> {
    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    connection.prepare_cached(sql).and_then(|mut statement| statement.raw_execute()).map(drop).map_err(failed)
}
