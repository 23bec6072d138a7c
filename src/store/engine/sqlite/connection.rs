//! A connection to the file: how it is opened, and how several share it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use sea_orm::DbErr;

use super::failure::failed;

/// A connection, for the statements of a change or a read. Only one thread uses it, so that nobody waits for the lock.
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
    /// Connects to a database that is there, for several to share.
    pub(in crate::store::engine) fn shared(&self) -> Result<Shared, DbErr> {
        self.connect().map(Mutex::new).map(Arc::new).map_err(failed)
    }

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

/// What panicked leaves it as it is between two statements.
pub(in crate::store::engine) fn lock(connection: &Shared) -> MutexGuard<'_, rusqlite::Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a statement without parameters, which is kept prepared.
pub(in crate::store::engine) fn run(connection: &Shared, sql: &str) -> Result<(), DbErr> {
    lock(connection).prepare_cached(sql).and_then(|mut statement| statement.raw_execute()).map(drop).map_err(failed)
}
