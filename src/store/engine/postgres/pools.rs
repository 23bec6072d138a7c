//! The connections for rounds of reads: each runtime has its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sea_orm::sqlx::{self, Connection, PgPool};
use tokio::time::Instant;

use super::{HOT, Purpose, TEST_TIMEOUT, pool};
use crate::clock;
use crate::store::engine::Engine;
use crate::store::engine::reach::Reach;

/// How long rounds keep a connection: then the pool may replace it. The pool asks each one that it gets back for a sign of life,
/// which costs the server nearly as much as a look-up.
const KEPT: Duration = Duration::from_secs(10);

/// How the pools are made.
#[derive(Debug)]
pub(in crate::store::engine) struct Pools {
    options: PgConnectOptions,
    pooled: bool,
    size: u32,
    opened: Mutex<Vec<Arc<Own>>>,
    readers: DatabaseConnection,
}

/// The connections for the rounds of one runtime.
#[derive(Debug)]
pub(in crate::store::engine) enum Pool {
    /// Of their own.
    Own(Arc<Own>),
    /// Those of all readers.
    Shared(DatabaseConnection),
}

/// Connections that nobody else uses.
#[derive(Debug)]
pub(in crate::store::engine) struct Own {
    pool: DatabaseConnection,
    size: u32,
    reach: Arc<Reach>,
    /// Those between two rounds, the one that has waited longest in front; `None`: they are closed.
    kept: Mutex<Option<VecDeque<Line>>>,
}

/// A connection at hand.
#[derive(Debug)]
pub(in crate::store::engine) struct Line {
    connection: PoolConnection<Postgres>,
    since: Instant,
}

impl Pools {
    /// `size`: how many connections each runtime has; with none they share those of all `readers`.
    pub(super) fn new(options: PgConnectOptions, pooled: bool, size: u32, readers: DatabaseConnection) -> Self {
        Self { options, pooled, size, opened: Mutex::default(), readers }
    }

    /// Those that were made.
    pub(in crate::store::engine) fn opened(&self) -> Vec<Arc<Own>> {
        self.lock().clone()
    }

    pub(in crate::store::engine) fn open(&self, engine: &Engine) -> Pool {
        if self.size == 0 {
            return self.shared();
        }
        let pool = pool(&self.options, Purpose::Read, self.pooled, self.size, &engine.reach);
        let (reach, kept) = (engine.reach.clone(), Mutex::new(Some(VecDeque::new())));
        let own = Arc::new(Own { pool, size: self.size, reach, kept });
        self.lock().push(own.clone());
        Pool::Own(own)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Own>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of all readers.
    pub(in crate::store::engine) fn shared(&self) -> Pool {
        Pool::Shared(self.readers.clone())
    }
}

impl Pool {
    /// A connection: one that was kept, or one of the pool's.
    ///
    /// # Errors
    /// Those of the pool.
    pub(in crate::store::engine) async fn take(&self) -> Result<Line, sqlx::Error> {
        if let Self::Own(own) = self
            && let Some(line) = own.kept()
        {
            return Ok(line);
        }
        let connection = self.connections().acquire().await?;
        Ok(Line { connection, since: clock::monotonic() })
    }

    /// Keeps a connection that has done its work for the next round; any other is to be dropped.
    pub(in crate::store::engine) fn keep(&self, line: Line) {
        if let Self::Own(own) = self
            && let Some(kept) = own.lock().as_mut()
        {
            kept.push_back(line);
        }
    }

    /// Gives those that were kept back to the pool.
    pub(in crate::store::engine) fn rest(&self) {
        if let Self::Own(own) = self
            && let Some(kept) = own.lock().as_mut()
        {
            kept.drain(..).for_each(Line::give_back);
        }
    }

    /// Closes its own; those of all readers are the engine's.
    pub(in crate::store::engine) async fn close(&self) {
        if let Self::Own(own) = self {
            drop(own.lock().take());
            drop(own.pool.clone().close().await);
        }
    }

    /// Whether two statements can be under way.
    pub(in crate::store::engine) fn is_double(&self) -> bool {
        matches!(self, Self::Own(own) if own.size >= HOT)
    }

    fn connections(&self) -> &PgPool {
        let pool = match self {
            Self::Own(own) => &own.pool,
            Self::Shared(pool) => pool,
        };
        pool.get_postgres_connection_pool()
    }
}

/// A connection that nobody uses; else one of the runtime that keeps most.
pub(super) fn spare(all: &[Arc<Own>]) -> Option<PoolConnection<Postgres>> {
    let idle = all.iter().find_map(|own| own.pool.get_postgres_connection_pool().try_acquire());
    let kept = || all.iter().max_by_key(|own| own.spare())?.lock().as_mut()?.pop_front();
    idle.or_else(|| kept().map(|line| line.connection))
}

impl Own {
    /// One that was kept and is still good.
    fn kept(&self) -> Option<Line> {
        let mut kept = self.lock();
        while let Some(line) = kept.as_mut()?.pop_front() {
            let age = line.since.elapsed();
            if self.reach.mistrusts(age) {
                line.cut();
            } else if age >= KEPT {
                line.give_back();
            } else {
                return Some(line);
            }
        }
        None
    }

    /// How many are kept.
    fn spare(&self) -> usize {
        self.lock().as_ref().map_or(0, VecDeque::len)
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<Line>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    pub(in crate::store::engine) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Closes it, whatever it is at.
    pub(in crate::store::engine) fn cut(self) {
        drop(self.connection.detach());
    }

    /// Gives it back. The pool would wait without end for the sign of life of a server that stands still, and would not open
    /// another connection meanwhile: it will ask once more, of one that has just answered.
    fn give_back(mut self) {
        tokio::spawn(async move {
            if !matches!(tokio::time::timeout(TEST_TIMEOUT, self.connection.ping()).await, Ok(Ok(()))) {
                self.cut();
            }
        });
    }
}
