//! What differs between database engines, one file a concern: how to connect, how its errors read, how it is asked for many keys.
//! Nothing outside this folder knows which engine it is.

mod errors;
pub(super) mod insert;
pub(super) mod inspect;
pub(super) mod keys;
pub(super) mod limit;
pub(super) mod locks;
mod open_error;
mod postgres;
pub(super) mod prepared;
mod queue;
mod reach;
mod read;
pub(super) mod reads;
pub(super) mod rounds;
mod schema;
pub(super) mod search;
mod sqlite;
mod transaction;
mod write;
mod writer;

use std::future::Future;
use std::sync::Arc;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, TransactionTrait,
};
use tokio::runtime::Handle;
use tracing::Instrument;

use crate::config::{Config, Location};
use crate::error::{Error, Result};
use queue::Queue;
use reach::Reach;
use read::Read;
use write::Write;

pub use open_error::OpenError;
pub(super) use read::Reading;
pub(super) use transaction::Transaction;

/// The connections to the database.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    write: Write,
    read: Read,
    /// One permit a connection that reads: callers queue here, where a deadline can still take them out, and never for a
    /// connection itself.
    reads: Queue,
    /// One permit a connection that may be busy with what takes its time, so that some always stay for look-ups.
    scans: Queue,
    /// One permit for what writes much: it must not keep all connections waiting for each other.
    bulk: Queue,
    reach: Arc<Reach>,
    /// What each transaction begins with, behind a pooler.
    opening: Option<Opening>,
    /// What the rounds of reads need.
    hot: Arc<reads::Hot>,
    /// Who is told of statements.
    observer: Observer,
    /// The runtime that the pools' connections are of, and the threads that may be blocked: whatever uses them runs there, also
    /// when it is another one that asks.
    home: Handle,
}

/// Somebody who is told of every statement.
#[derive(Clone, Default)]
struct Observer(Option<Arc<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Observer")
    }
}

/// What transactions begin with where nothing can be set on connections, since a pooler hands each transaction another one.
#[derive(Clone, Copy, Debug)]
struct Opening {
    read: &'static str,
    write: &'static str,
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
            Location::Sqlite(file) if !file.path.exists() => schema::steps::<DatabaseConnection>(config, None).await,
            _ => {
                let connection = inspect::open(config).await?;
                let failed = |cause| OpenError::Open { database: config.database_url.to_string(), cause };
                let reading = snapshot(&connection, postgres::opening(config)).await.map_err(failed)?;
                let steps = schema::steps(config, Some(&reading)).await;
                drop(reading);
                drop(connection.close().await);
                steps
            }
        }
    }

    /// Reads what is committed. What fails in passing is tried again, so that the work may be done more than once.
    ///
    /// # Errors
    /// Those of the work; [`Error::Overloaded`] when no connection comes free in time.
    pub(super) async fn read<T, F>(&self, work: impl Fn(Reading) -> F + Send + Sync + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let permit = self.reads.enter().await?;
        // A pooler hands each transaction a connection of its own; a statement outside of one may not stay on one.
        self.on_task(permit, self.opening.is_some(), work).await
    }

    /// As [`Engine::read`], of one state throughout.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub(super) async fn snapshot<T, F>(&self, work: impl Fn(Reading) -> F + Send + Sync + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let permit = self.reads.enter().await?;
        self.on_task(permit, true, work).await
    }

    /// As [`Engine::snapshot`], for lists, searches and batches: they wait here rather than take all connections.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub(super) async fn scan<T, F>(&self, work: impl Fn(Reading) -> F + Send + Sync + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let permits = (self.scans.enter().await?, self.reads.enter().await?);
        self.on_task(permits, true, work).await
    }

    /// Reads on a task of its own, to the end even when the caller stops waiting: that does not end a statement that runs, it
    /// would waste a connection that is being made, and the driver loses sight of a transaction that is dropped while it begins.
    /// The permits are kept for as long.
    async fn on_task<T, F>(
        &self,
        permits: impl Send + 'static,
        steady: bool,
        work: impl Fn(Reading) -> F + Send + Sync + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let engine = self.clone();
        let task = async move {
            let _permits = permits;
            let work = Arc::new(work);
            engine.attempts(|| engine.read.attempt(steady, engine.opening, &work)).await
        };
        self.at_home(task).await
    }

    /// Runs the work on the runtime of the connections, to the end even when the caller stops waiting.
    ///
    /// # Errors
    /// Those of the work.
    pub(super) fn at_home<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        let done = self.home.spawn(work.in_current_span());
        async move { done.await.map_err(Error::internal)? }
    }

    /// Makes the attempt, and again where it fails in passing: see [`Reach::attempts`]. Where there is no connection to be had,
    /// one that is idle is given up for the next who needs one.
    async fn attempts<T, F>(&self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let attempt = || async {
            let result = attempt().await;
            if let Err(error) = &result {
                self.make_room(error).await;
            }
            result
        };
        let ask = || {
            let engine = self.clone();
            self.at_home(async move { engine.ask().await })
        };
        self.reach.attempts(ask, attempt).await
    }

    /// Tells `observe` of every statement from now on.
    pub(super) fn observe(&mut self, observe: impl Fn() + Clone + Send + Sync + 'static) {
        let observed = observe.clone();
        self.write.observe(observe.clone());
        self.read.observe(observe);
        self.observer = Observer(Some(Arc::new(observed)));
    }

    /// Tells of a statement that a round makes.
    fn count_statement(&self) {
        if let Some(observe) = &self.observer.0 {
            observe();
        }
    }

    /// The rounds of reads of a runtime; at home they have no connections of their own.
    pub(super) fn reads(&self, at_home: bool) -> reads::Reads {
        reads::Reads::new(self, at_home)
    }

    /// Asks the database for a sign of life. It goes past those who queue: that they are many is no reason to report it as gone.
    pub(super) async fn ping(&self) -> Result<()> {
        self.attempts(|| self.ask()).await
    }

    async fn ask(&self) -> Result<()> {
        self.read.ask().await
    }

    /// Lets writers finish and closes all connections.
    pub(super) async fn close(self) {
        self.hot.close();
        let last = self.write.close().await;
        for queue in [self.bulk, self.scans] {
            queue.close();
        }
        self.reads.close_behind_all().await;
        self.read.close().await;
        // The writer goes last: SQLite's tidies up the write-ahead log, which takes its time.
        drop(tokio::task::spawn_blocking(|| drop(last)).await);
    }
}

/// How many runtimes serve: one a core.
pub(super) fn runtimes() -> u32 {
    std::thread::available_parallelism().ok().and_then(|cores| cores.get().try_into().ok()).unwrap_or(1)
}

/// Begins to read one state.
async fn snapshot(connection: &DatabaseConnection, opening: Option<Opening>) -> Result<DatabaseTransaction, DbErr> {
    match (connection.get_database_backend(), opening) {
        (_, Some(opening)) => {
            let transaction = connection.begin().await?;
            transaction.execute_unprepared(opening.read).await?;
            Ok(transaction)
        }
        // By default every statement would see what was committed before it.
        (DbBackend::Postgres, None) => {
            connection.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await
        }
        _ => connection.begin().await,
    }
}
