//! SQLite's writer: a thread with a connection of its own. It makes the changes that are queued together, each in its savepoint,
//! in one transaction, and answers them after the one COMMIT. No statement crosses a thread, and many share an fsync.

mod connection;
mod courtesy;
mod group;
mod job;
mod place;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use sea_orm::DbErr;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::queue::PATIENCE;
use super::sqlite::connection::{Settings, Shared};
use super::sqlite::savepoint::Observer;
use super::transaction::Transaction;
use crate::error::{Error, Result};
use connection::Connection;
use group::Thread;
use job::{Asked, Job};
use place::Place;

/// How many changes stand in the writer's queue; more callers wait before it.
const QUEUE: usize = 256;

/// What the thread is asked for.
enum Order {
    Make(Box<dyn Job>),
    /// To end, and to hand its connection over.
    Close(oneshot::Sender<Shared>),
}

/// The writer, as its callers see it.
#[derive(Clone)]
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
    observer: Option<Observer>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Connects, and starts the thread. It ends when it is closed, or when nobody is left to ask it.
    ///
    /// # Errors
    /// What SQLite said.
    pub(super) fn start(settings: Settings) -> Result<Self, DbErr> {
        Self::on(Connection::open(settings)?)
    }

    fn on(connection: Connection) -> Result<Self, DbErr> {
        let (orders, received) = mpsc::channel(QUEUE);
        let thread = Thread::new(received, connection);
        let started = std::thread::Builder::new().name("writer".to_owned()).spawn(|| thread.run());
        started.map_err(|error| DbErr::Custom(error.to_string()))?;
        Ok(Self { orders, observer: None })
    }

    /// Tells `observe` of every statement of those who ask through this from now on.
    pub(super) fn observe(&mut self, observe: impl Fn() + Send + Sync + 'static) {
        self.observer = Some(Arc::new(observe));
    }

    /// Has the work done in a transaction, and answers once it is committed. A caller that stops waiting before it has begun
    /// leaves the queue; once begun it runs to its end. What is `bulk` shares its transaction with nobody.
    ///
    /// # Errors
    /// Those of the work; [`Error::Overloaded`] when it does not begin in time; [`Error::StoreUnavailable`] when the transaction
    /// fails, or once the writer is closed.
    pub(super) async fn write<T, W, F>(&self, work: Arc<W>, bulk: Option<Arc<OwnedSemaphorePermit>>) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Transaction) -> F + Send + Sync + 'static,
        F: Future<Output = (Transaction, Result<T>)> + Send + 'static,
    {
        let place = Place::default();
        // Dropped with this future, it leaves the queue.
        let waiting = place.waiting();
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Asked::new(work, bulk, place.clone(), self.observer.clone(), reply));
        let mut answered = pin!(async {
            self.orders.send(Order::Make(job)).await.map_err(|_| closed())?;
            answer.await.unwrap_or_else(|_| Err(closed()))
        });
        match tokio::time::timeout(PATIENCE, &mut answered).await {
            Ok(answer) => answer,
            Err(_) if waiting.lose_patience() => Err(Error::Overloaded),
            Err(_) => answered.await,
        }
    }

    /// Lets it make what is queued and nothing after that, and gives its connection: dropped after all others, it tidies up the
    /// write-ahead log.
    pub(super) async fn close(&self) -> Option<Shared> {
        let (reply, closed) = oneshot::channel();
        self.orders.send(Order::Close(reply)).await.ok()?;
        closed.await.ok()
    }
}

fn closed() -> Error {
    Error::StoreUnavailable { outcome_unknown: false, cause: "the writer is closed".into() }
}
