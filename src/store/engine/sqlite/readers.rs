//! The connections that read what is asked in no round: all of it on one thread, which may be blocked.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::ConnectionTrait;
use tokio::runtime::Handle;
use tracing::Span;

use super::connection::{Settings, Shared, run};
use super::savepoint::{Observer, Savepoint};
use crate::error::{Error, Result};
use crate::store::engine::read::{QUESTION, Reading};

/// SQLite's connections that read: as many as are needed at the same time, which is bounded by who lets reads in.
#[derive(Clone)]
pub(in crate::store::engine) struct Readers {
    settings: Settings,
    /// How many are kept for whoever comes next.
    kept: usize,
    /// Those that nobody uses; `None`: they are closed.
    idle: Arc<Mutex<Option<Vec<Shared>>>>,
    /// Who asks for a sign of life has it.
    asking: Arc<tokio::sync::Mutex<()>>,
    observer: Option<Observer>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Readers").finish_non_exhaustive()
    }
}

impl Readers {
    pub(in crate::store::engine) fn new(settings: Settings, kept: usize) -> Self {
        Self { settings, kept, asking: Arc::default(), idle: Arc::new(Mutex::new(Some(Vec::new()))), observer: None }
    }

    /// Does the work on a thread that may be blocked; all of it sees one state.
    pub(in crate::store::engine) async fn read<T, W, F>(&self, work: Arc<W>) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Reading) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (readers, runtime, span) = (self.clone(), Handle::current(), Span::current());
        let reading = tokio::task::spawn_blocking(move || span.in_scope(|| readers.read_now(&runtime, &*work)));
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
        if run(&connection, "COMMIT").is_ok()
            && let Some(idle) = self.idle().as_mut()
            && idle.len() < self.kept
        {
            idle.push(connection);
        }
        answer
    }

    /// Asks for a sign of life, one at a time: where none comes, no more than one thread waits for it.
    pub(in crate::store::engine) async fn ask(&self) -> Result<()> {
        let turn = self.asking.clone().lock_owned().await;
        let readers = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let question =
                |reading: Reading| async move { Ok(reading.connection().execute_unprepared(QUESTION).await.map(drop)?) };
            readers.read_now(&Handle::current(), &question)
        });
        asked.await.map_err(Error::internal)?
    }

    /// Tells `observe` of every statement from now on.
    pub(in crate::store::engine) fn observe(&mut self, observe: impl Fn() + Send + Sync + 'static) {
        self.observer = Some(Arc::new(observe));
    }

    fn take(&self) -> Result<Shared> {
        let idle = self.idle().as_mut().map(Vec::pop);
        match idle {
            Some(Some(connection)) => Ok(connection),
            Some(None) => Ok(self.settings.shared()?),
            None => Err(Error::StoreUnavailable { outcome_unknown: false, cause: "it is closed".into() }),
        }
    }

    /// Closes them, those in use when they come back, and waits for whoever asks for a sign of life: nobody else does.
    pub(in crate::store::engine) async fn close(&self) {
        drop(self.idle().take());
        drop(self.asking.lock().await);
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Shared>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
