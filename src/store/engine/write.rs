//! Where changes go: on SQLite to its writer, which makes many in one transaction; on PostgreSQL each into a transaction of its
//! own, on one of several connections.

use std::future::Future;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};

use super::errors::{self, commit_failed};
use super::postgres;
use super::queue::Queue;
use super::read::Read;
use super::transaction::Transaction;
use super::writer::Writer;
use super::{Engine, Opening};
use crate::error::{Error, Result};

/// What writes.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// SQLite.
    Writer(Writer),
    /// PostgreSQL: connections, and one permit for each.
    Pool(DatabaseConnection, Queue),
}

impl Engine {
    /// Has the work done in a transaction of its own or in its share of one, and answers once that is committed; where the work
    /// fails, nothing is changed. It is done again when it was in the way of another one, so that it must be one that can be
    /// repeated as a whole. A caller who stops waiting leaves the queue; once the work has begun, it runs to its end. Of what is
    /// `bulk` one is done at a time.
    ///
    /// # Errors
    /// Those of the work; [`Error::Overloaded`] when it does not begin in time; [`Error::StoreUnavailable`] when the database
    /// fails, or once the engine is closed.
    pub(in crate::store) async fn write<T, W, F>(&self, bulk: bool, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(Transaction) -> F + Send + Sync + 'static,
        F: Future<Output = (Transaction, Result<T>)> + Send + 'static,
    {
        let bulk = if bulk { Some(Arc::new(self.bulk.enter().await?)) } else { None };
        match &self.write {
            Write::Writer(writer) => {
                let work = Arc::new(work);
                self.attempts(|| writer.write(work.clone(), bulk.clone())).await
            }
            Write::Pool(connections, turns) => {
                let turn = turns.enter().await?;
                let (engine, connections) = (self.clone(), connections.clone());
                let task = async move {
                    let _turns = (turn, bulk);
                    engine.attempts(|| transact(&connections, engine.opening, &work)).await
                };
                self.at_home(task).await
            }
        }
    }

    /// Gives up an idle connection for the next who needs one, where the server has none left for us.
    pub(super) async fn make_room(&self, error: &Error) {
        if let (Write::Pool(writers, _), Read::Pool(readers)) = (&self.write, &self.read)
            && errors::has_none_left(error)
        {
            let (readers, writers, hot) = (readers.clone(), writers.clone(), self.hot.opened());
            let room = async move {
                postgres::make_room([readers, writers], hot).await;
                Ok(())
            };
            drop(self.at_home(room).await);
        }
    }
}

impl Write {
    /// Tells `observe` of every statement from now on.
    pub(super) fn observe(&mut self, observe: impl Fn() + Send + Sync + 'static) {
        match self {
            Self::Writer(writer) => writer.observe(observe),
            Self::Pool(connections, _) => connections.set_metric_callback(move |_| observe()),
        }
    }

    /// Lets what is queued finish and nothing begin after it. What is given keeps the last connection open: it is to be dropped
    /// after all others are closed.
    pub(super) async fn close(&self) -> impl Send + use<> {
        match self {
            Self::Writer(writer) => writer.close().await,
            Self::Pool(connections, turns) => {
                turns.close_behind_all().await;
                if let Err(error) = connections.close_by_ref().await {
                    tracing::warn!(%error, "closing the database");
                }
                None
            }
        }
    }
}

/// Does the work in a transaction of its own.
async fn transact<T, W, F>(connections: &DatabaseConnection, opening: Option<Opening>, work: &W) -> Result<T>
where
    W: Fn(Transaction) -> F,
    F: Future<Output = (Transaction, Result<T>)>,
{
    let transaction = connections.begin().await?;
    if let Some(opening) = opening {
        transaction.execute_unprepared(opening.write).await?;
    }
    let (transaction, answer) = work(Transaction::Postgres(transaction)).await;
    if answer.is_ok() {
        transaction.release().await.map_err(commit_failed)?;
    } else if let Err(failed) = transaction.undo().await {
        tracing::debug!(error = %failed, "rolling back");
    }
    answer
}
