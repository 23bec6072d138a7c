//! The one door for mutations. A mutation is a value, so that the door decides when and how often it runs: whatever all
//! mutations need stands here and behind it, once: turns, transactions, retries, group commit, and later the change feed.

use std::future::Future;
use std::sync::Arc;

use super::credentials::Credential;
use super::engine::Transaction;
use super::secrets::Secrets;
use super::{Caller, RepeatKey, Store, Tenant};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::proto::Timestamp;

/// On whose behalf something is written.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Whose API key it is; none: the command line or the service itself.
    pub caller: Option<Caller>,
    /// What the call can be repeated by, if it can.
    pub repeat: Option<RepeatKey>,
}

/// A change of the database, whole or not at all.
pub trait Mutation: Send + Sync + 'static {
    /// What the caller gets to know.
    type Answer: Send + 'static;
    /// Whether it writes so much that one of its kind at a time is enough.
    const BULK: bool = false;

    /// Makes the change. It is called again with a new transaction when the first was in the way of another one. What it reads to
    /// decide by, it locks: others may write beside it. It waits for nothing but its transaction, which others may share.
    fn apply(&self, tx: &Tx) -> impl Future<Output = Result<Self::Answer>> + Send;

    /// The user whom the answer shows: what is kept of it goes when they do.
    fn shown(answer: &Self::Answer) -> Option<&str> {
        let _ = answer;
        None
    }

    /// The passwords that it was given, by the item of a batch: what is kept of the call to be repeated has the hashes of those that
    /// came in clear.
    fn credentials(&self) -> Vec<(usize, &Credential)> {
        Vec::new()
    }

    /// The user who got the password of an item.
    fn user_of(answer: &Self::Answer, item: usize) -> Option<&str> {
        let _ = item;
        Self::shown(answer)
    }

    /// Says more about a failure, once the failed transaction is rolled back: what stands in the way, say.
    fn explain(&self, store: &Store, error: Error) -> impl Future<Output = Error> + Send {
        let _ = store;
        std::future::ready(error)
    }
}

/// A transaction under way.
pub struct Tx {
    /// Where its statements go.
    pub(super) connection: Transaction,
    /// When it began: the time of all that it changes.
    pub(super) now: Timestamp,
    /// Where its ids come from.
    pub(super) clock: Clock,
    /// On whose behalf it runs.
    pub(super) context: Context,
    /// What it encrypts with.
    pub(super) secrets: Secrets,
}

impl Tx {
    /// Whose data it may see.
    pub(super) fn tenant(&self) -> &Tenant {
        const POOL: &Tenant = &Tenant::Pool;
        self.context.caller.as_ref().map_or(POOL, |caller| &caller.tenant)
    }

    /// A part of the transaction that can be undone alone.
    pub(super) async fn savepoint(&self) -> Result<Self> {
        let connection = self.connection.begin().await?;
        let (clock, context, secrets) = (self.clock.clone(), self.context.clone(), self.secrets.clone());
        Ok(Self { connection, now: self.now, clock, context, secrets })
    }

    /// Keeps what was done since the savepoint.
    pub(super) async fn release(self) -> Result<()> {
        Ok(self.connection.release().await?)
    }

    /// Undoes what was done since the savepoint.
    pub(super) async fn undo(self) -> Result<()> {
        Ok(self.connection.undo().await?)
    }
}

impl Store {
    /// Makes a change: it is committed when this returns OK.
    ///
    /// A caller that stops waiting leaves the queue; once the change has begun it runs to its end, so that it happens whole or
    /// not at all.
    ///
    /// # Errors
    /// Those of the mutation; [`Error::ConflictRetry`] when others were in the way again and again; [`Error::Overloaded`] when too
    /// many wait; [`Error::StoreUnavailable`] with `outcome_unknown` when the commit itself failed.
    pub fn write<M: Mutation>(&self, context: Context, mutation: M) -> impl Future<Output = Result<M::Answer>> + Send {
        // Where it lies from now on: futures that had it in them would be large.
        let change = Arc::new((context, mutation));
        let (made, clock, secrets) = (change.clone(), self.clock.clone(), self.secrets.clone());
        let work = move |connection| {
            let (change, clock, secrets) = (made.clone(), clock.clone(), secrets.clone());
            async move {
                let (context, mutation) = &*change;
                let tx = Tx { connection, now: clock.now(), clock, context: context.clone(), secrets };
                let answer = mutation.apply(&tx).await;
                (tx.connection, answer)
            }
        };
        async move {
            match self.engine.write(M::BULK, work).await {
                Err(error) => Err(change.1.explain(self, error).await),
                answer => answer,
            }
        }
    }
}
