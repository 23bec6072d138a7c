//! A change that is asked of the writer: its work, and who waits for it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sea_orm::DbErr;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::{Instrument, Span};

use super::place::Place;
use super::{Observer, Shared, Transaction};
use crate::error::{Error, Result};
use crate::store::engine::errors::commit_failed;
use crate::store::engine::sqlite::savepoint::Savepoint;

/// How the transaction of a change ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum End<'a> {
    /// It is committed, if only the savepoints of those that succeeded.
    Committed,
    /// It could not be begun.
    NotBegun(&'a DbErr),
    /// SQLite rolled all of it back, because of one statement.
    RolledBack,
    /// The COMMIT failed.
    CommitFailed(&'a DbErr),
}

/// A change, whatever it answers.
pub(super) trait Job: Send {
    /// Whether it writes much.
    fn is_bulk(&self) -> bool;

    /// Is the next to begin, unless its caller has left.
    fn come_next(&self) -> bool;

    /// Begins, unless its caller has left.
    fn begin(&self) -> bool;

    /// Makes the change within the savepoint that is open, and tells whether it is to be kept. It does not panic.
    fn run(&mut self, connection: &Shared) -> bool;

    /// Answers.
    fn end(self: Box<Self>, end: End<'_>);
}

/// The work of a caller.
pub(super) struct Asked<T, W> {
    work: Arc<W>,
    bulk: Option<Arc<OwnedSemaphorePermit>>,
    place: Place,
    observer: Option<Observer>,
    runtime: Handle,
    span: Span,
    answer: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, W> Asked<T, W> {
    pub(super) fn new(
        work: Arc<W>,
        bulk: Option<Arc<OwnedSemaphorePermit>>,
        place: Place,
        observer: Option<Observer>,
        reply: oneshot::Sender<Result<T>>,
    ) -> Self {
        Self { work, bulk, place, observer, runtime: Handle::current(), span: Span::current(), answer: None, reply }
    }
}

impl<T, W, F> Job for Asked<T, W>
where
    T: Send + 'static,
    W: Fn(Transaction) -> F + Send + Sync + 'static,
    F: Future<Output = (Transaction, Result<T>)> + Send + 'static,
{
    fn is_bulk(&self) -> bool {
        self.bulk.is_some()
    }

    fn come_next(&self) -> bool {
        self.place.come_next()
    }

    fn begin(&self) -> bool {
        self.place.begin()
    }

    fn run(&mut self, connection: &Shared) -> bool {
        let transaction = Transaction::Sqlite(Savepoint::outermost(connection.clone(), self.observer.clone()));
        // Statements are done when they return, so that this hardly ever waits.
        let work = || self.runtime.block_on((self.work)(transaction).instrument(self.span.clone())).1;
        let answer = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::internal("a change panicked")));
        self.answer.insert(answer).is_ok()
    }

    fn end(self: Box<Self>, end: End<'_>) {
        let Self { work, bulk, answer, reply, .. } = *self;
        // What they hold is free before the caller goes on.
        drop((work, bulk));
        // Nobody waits for the answer any more where this fails.
        drop(reply.send(ended(answer, end)));
    }
}

/// What the caller is told. Where the transaction failed, a refusal too is void: it may be due to what was not committed.
fn ended<T>(answer: Option<Result<T>>, end: End<'_>) -> Result<T> {
    let unavailable = |cause| Error::StoreUnavailable { outcome_unknown: false, cause };
    match (end, answer) {
        (End::Committed, Some(answer)) => answer,
        (End::RolledBack | End::CommitFailed(_), Some(Err(error @ Error::StoreUnavailable { .. }))) => Err(error),
        (End::CommitFailed(cause), Some(Ok(_))) => Err(commit_failed(cause.clone())),
        (End::CommitFailed(cause), _) => Err(unavailable(cause.clone().into())),
        (End::NotBegun(cause), _) => Err(cause.clone().into()),
        (End::RolledBack, _) => Err(unavailable("a change of the same group failed the database".into())),
        (End::Committed, None) => Err(Error::internal("a change was never begun")),
    }
}
