//! The connection that writes: how it is opened, and its transactions.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use sea_orm::DbErr;

use super::failure::failed;

/// The connection, for the statements of a change. Only one thread uses it, so that nobody waits for the lock.
pub(in crate::store::engine) type Shared = Arc<Mutex<rusqlite::Connection>>;

/// What it is opened with.
#[derive(Clone, Debug)]
pub(in crate::store::engine) struct Settings {
    pub(in crate::store::engine) path: PathBuf,
    /// Prepared statements that it keeps.
    pub(in crate::store::engine) statements: usize,
    /// How long a statement waits for another process's write lock.
    pub(in crate::store::engine) busy_timeout: Duration,
    /// What is set on it.
    pub(in crate::store::engine) pragmas: Vec<(&'static str, &'static str)>,
    /// Whether it only reads.
    pub(in crate::store::engine) read_only: bool,
}

impl Settings {
    /// Connects to a database that is there.
    pub(in crate::store::engine) fn connect(&self) -> rusqlite::Result<rusqlite::Connection> {
        let access = if self.read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE;
        let connection = rusqlite::Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        // A statement is planned once, whatever is bound to it; else one whose page begins elsewhere would be planned anew.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(self.statements);
        for (name, value) in &self.pragmas {
            connection.pragma_update(None, name, value)?;
        }
        Ok(connection)
    }
}

/// The connection of the writer's thread.
pub(super) struct Connection {
    settings: Settings,
    open: Shared,
    /// Whether savepoints undo nothing: what they are good for shows without them.
    #[cfg(test)]
    pub(super) careless: bool,
}

impl Connection {
    /// Connects to a database that is there.
    pub(super) fn open(settings: Settings) -> Result<Self, DbErr> {
        let open = Arc::new(Mutex::new(settings.connect().map_err(failed)?));
        Ok(Self {
            settings,
            open,
            #[cfg(test)]
            careless: false,
        })
    }

    pub(super) fn shared(&self) -> Shared {
        self.open.clone()
    }

    /// Begins a transaction with the write lock: one that begins to read and then writes would fail when another process has
    /// written in between. A connection that is still in one, since neither its COMMIT nor a ROLLBACK went through, is replaced.
    pub(super) fn begin(&mut self) -> Result<(), DbErr> {
        if !self.is_rolled_back() {
            self.open = Self::open(self.settings.clone())?.open;
        }
        self.run("BEGIN IMMEDIATE")
    }

    pub(super) fn savepoint(&self) -> Result<(), DbErr> {
        self.run("SAVEPOINT change")
    }

    /// Keeps what was done since the savepoint.
    pub(super) fn release(&self) -> Result<(), DbErr> {
        self.run("RELEASE change")
    }

    /// Undoes what was done since the savepoint.
    pub(super) fn undo(&self) -> Result<(), DbErr> {
        #[cfg(test)]
        if self.careless {
            return self.release();
        }
        self.run("ROLLBACK TO change")?;
        self.release()
    }

    /// Commits. A commit that fails, on a full disk say, can leave the transaction open.
    pub(super) fn commit(&self) -> Result<(), DbErr> {
        self.run("COMMIT")
    }

    /// Rolls back, if there is anything to roll back.
    pub(super) fn roll_back(&self) {
        if !self.is_rolled_back()
            && let Err(error) = self.run("ROLLBACK")
        {
            tracing::debug!(%error, "rolling back");
        }
    }

    /// Whether no transaction is open.
    pub(super) fn is_rolled_back(&self) -> bool {
        lock(&self.open).is_autocommit()
    }

    fn run(&self, sql: &str) -> Result<(), DbErr> {
        lock(&self.open).prepare_cached(sql).and_then(|mut statement| statement.raw_execute()).map(drop).map_err(failed)
    }
}

/// A change that panicked leaves it as it is between two statements.
pub(super) fn lock(connection: &Shared) -> MutexGuard<'_, rusqlite::Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
