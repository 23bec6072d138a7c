//! The connections for rounds of reads: each runtime has its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sea_orm::sqlx::{self, PgPool};
use tokio::time::Instant;

use super::{HOT, Purpose, pool};
use crate::clock;
use crate::store::engine::Engine;
use crate::store::engine::reach::Reach;

/// How long rounds keep a connection: then the pool may test it, or replace it. The pool asks each one that it gets back for a sign
/// of life, which costs the server nearly as much as a look-up.
const KEPT: Duration = Duration::from_secs(1);

/// How the pools are made.
#[derive(Debug)]
pub(in crate::store::engine) struct Pools {
    options: PgConnectOptions,
    pooled: bool,
    size: u32,
    opened: Mutex<Vec<DatabaseConnection>>,
    readers: DatabaseConnection,
}

/// The connections for the rounds of one runtime.
#[derive(Debug)]
pub(in crate::store::engine) enum Pool {
    /// Of their own.
    Own(Own),
    /// Those of all readers.
    Shared(DatabaseConnection),
}

/// Connections that nobody else uses.
#[derive(Debug)]
pub(in crate::store::engine) struct Own {
    pool: DatabaseConnection,
    size: u32,
    reach: Arc<Reach>,
    /// Those between two rounds; `None`: they are closed.
    kept: Mutex<Option<Vec<Line>>>,
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
    pub(in crate::store::engine) fn opened(&self) -> Vec<DatabaseConnection> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::store::engine) fn open(&self, engine: &Engine) -> Pool {
        if self.size == 0 {
            return self.shared();
        }
        let opened = pool(&self.options, Purpose::Read, self.pooled, self.size, &engine.reach);
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(opened.clone());
        Pool::Own(Own { pool: opened, size: self.size, reach: engine.reach.clone(), kept: Mutex::new(Some(Vec::new())) })
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
            kept.push(line);
        }
    }

    /// Gives those that were kept back to the pool.
    pub(in crate::store::engine) fn rest(&self) {
        if let Self::Own(own) = self
            && let Some(kept) = own.lock().as_mut()
        {
            kept.clear();
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
        matches!(self, Self::Own(Own { size: HOT.., .. }))
    }

    fn connections(&self) -> &PgPool {
        let (Self::Own(Own { pool, .. }) | Self::Shared(pool)) = self;
        pool.get_postgres_connection_pool()
    }
}

impl Own {
    /// One that was kept and is still good.
    fn kept(&self) -> Option<Line> {
        let line = self.lock().as_mut()?.pop()?;
        let age = line.since.elapsed();
        (age < KEPT && !self.reach.mistrusts(age)).then_some(line)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Line>>> {
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
}
