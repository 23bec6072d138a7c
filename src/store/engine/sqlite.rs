//! SQLite: one connection that writes, several that only read, all on one file in WAL mode.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use roster_migrations::Status;
use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};
use tokio::sync::Semaphore;

use super::Engine;
use crate::config::Config;

/// Connections that write: SQLite has one writer at a time.
pub(super) const WRITERS: u32 = 1;
/// Connections that read, where the configuration does not say.
const READERS: u32 = 4;
/// Prepared statements a connection keeps, where the configuration does not say.
const STATEMENT_CACHE: usize = 256;
/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the migration's lock is asked for while another process has it.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);
/// How long a call waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Why the database could not be opened, for whoever started the service.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be opened or is no database.
    #[error("cannot open the database {path}: {cause}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        cause: DbErr,
    },
    /// The lock file beside the database cannot be had.
    #[error("cannot lock {path} for the migration: {cause}")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The schema is of a later release, which this one cannot work on.
    #[error("the database {path} needs a newer release of roster: it has had {steps}")]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The steps that this release cannot work with, and which one can.
        steps: String,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot migrate the database {path}: {cause}")]
    Migrate {
        /// The database file.
        path: PathBuf,
        /// What went wrong.
        cause: DbErr,
    },
}

/// Opens the file, makes it if it is not there, and migrates it.
pub(super) async fn open(config: &Config) -> Result<Engine, OpenError> {
    let path = config.database_url.sqlite_path().to_owned();
    let opened = |cause| OpenError::Open { path: path.clone(), cause };
    if config.database_url.may_make_file() {
        make_private(&path);
    }
    // The writer comes first: it makes the file and puts it into WAL mode, which readers cannot.
    let write = Database::connect(options(config, true)).await.map_err(opened)?;
    migrate(&write, &path).await?;
    let read = Database::connect(options(config, false)).await.map_err(opened)?;
    check_build(&read).await.map_err(opened)?;
    let scans = (readers(config) / 2).max(1) as usize;
    Ok(Engine { write, read, turns: Arc::new(Semaphore::new(WRITERS as usize)), scans: Arc::new(Semaphore::new(scans)) })
}

/// Makes the file for its owner's eyes only; what SQLite puts beside it gets the same mode. Why it cannot be made, SQLite tells.
fn make_private(path: &Path) {
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

fn readers(config: &Config) -> u32 {
    config.database_max_connections.unwrap_or(READERS)
}

fn options(config: &Config, writer: bool) -> ConnectOptions {
    let connections = if writer { WRITERS } else { readers(config) };
    let cache = config.database_statement_cache.unwrap_or(STATEMENT_CACHE);
    let make = writer && config.database_url.may_make_file();
    let mut options = ConnectOptions::new(config.database_url.as_str());
    // A file needs no test before use, and its connections never go stale: closing them would only cost their caches.
    options
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_pool_opts(|pool| {
            // A commit that failed, on a full disk say, can leave its transaction open. Whatever came after it would be a part
            // of it, and lost: such a connection is closed instead, which rolls back, and another one opened.
            let clean = |connection: &SqliteConnection| Ok(!connection.is_in_transaction());
            let pool = pool.before_acquire(move |connection, _| Box::pin(std::future::ready(clean(connection))));
            pool.idle_timeout(None).max_lifetime(None)
        })
        .map_sqlx_sqlite_opts(move |sqlite| {
            // FULL: what was acknowledged survives a power cut. Set here, since a pool's after-connect hook does not reach
            // every connection.
            let sqlite = sqlite
                .create_if_missing(make)
                .read_only(!writer)
                .foreign_keys(true)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
                .statement_cache_capacity(cache)
                .pragma("cache_size", "-16384")
                .pragma("mmap_size", "268435456")
                .pragma("temp_store", "MEMORY");
            if writer { sqlite.journal_mode(SqliteJournalMode::Wal).pragma("journal_size_limit", "67108864") } else { sqlite }
        });
    options
}

/// Runs the missing migrations. Processes that start together take turns by a file lock, which ends with its holder.
async fn migrate(write: &DatabaseConnection, path: &Path) -> Result<(), OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let locked = |cause| OpenError::Lock { path: lock_path.clone(), cause };
    let file = File::create(&lock_path).map_err(locked)?;
    // Asked for again and again: a thread that waits for it could not be called off by a signal.
    while let Err(error) = file.try_lock() {
        match error {
            TryLockError::WouldBlock => tokio::time::sleep(LOCK_INTERVAL).await,
            TryLockError::Error(cause) => return Err(locked(cause)),
        }
    }
    let migrated = run_steps(write, path).await;
    drop(file);
    migrated
}

async fn run_steps(write: &DatabaseConnection, path: &Path) -> Result<(), OpenError> {
    let failed = |cause| OpenError::Migrate { path: path.to_owned(), cause };
    let steps = roster_migrations::status(Some(write)).await.map_err(failed)?;
    let beyond: Vec<_> = steps.iter().filter(|step| !step.admits(env!("CARGO_PKG_VERSION"))).map(needed).collect();
    if !beyond.is_empty() {
        return Err(OpenError::Newer { path: path.to_owned(), steps: beyond.join(", ") });
    }
    roster_migrations::up(write).await.map_err(failed)
}

/// A step that this release cannot work with, and which one can.
fn needed(step: &Status) -> String {
    let from = step.compatible_from.as_deref().map(|from| format!(" (roster {from} or later)"));
    format!("{}{}", step.name, from.unwrap_or_default())
}

/// Connects to read a database that is there.
pub(super) async fn open_to_read(config: &Config) -> Result<DatabaseConnection, OpenError> {
    let path = config.database_url.sqlite_path().to_owned();
    Database::connect(options(config, false)).await.map_err(|cause| OpenError::Open { path, cause })
}

/// Which steps the database has had; nothing is changed, and a file that is not there is not made.
pub(in crate::store) async fn schema(config: &Config) -> Result<Vec<Status>, OpenError> {
    let path = config.database_url.sqlite_path().to_owned();
    let failed = |cause| OpenError::Open { path: path.clone(), cause };
    if !path.exists() {
        return roster_migrations::status(None).await.map_err(failed);
    }
    let read = open_to_read(config).await?;
    let steps = roster_migrations::status(Some(&read)).await.map_err(failed);
    drop(read.close().await);
    steps
}

/// Says so when SQLite was built without the flags of `.cargo/config.toml`.
async fn check_build(read: &DatabaseConnection) -> Result<(), DbErr> {
    let rows = read.query_all_raw(Statement::from_string(DbBackend::Sqlite, "PRAGMA compile_options")).await?;
    let slow = rows.iter().any(|row| row.try_get_by_index::<String>(0).is_ok_and(|name| name == "ENABLE_MEMORY_MANAGEMENT"));
    if slow {
        tracing::warn!("SQLite was built without the flags of .cargo/config.toml: reads are up to a third slower");
    }
    Ok(())
}
