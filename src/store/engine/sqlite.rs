//! SQLite: one connection that writes, several that only read, all on one file in WAL mode.

pub(super) mod connection;
pub(super) mod failure;
pub(super) mod readers;
mod rows;
pub(in crate::store) mod savepoint;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};
use tokio::runtime::Handle;

use super::queue::Queue;
use super::read::Read;
use super::reads::{Hot, Place};
use super::write::Write;
use super::writer::Writer;
use super::{Engine, Observer, OpenError, schema};
use crate::config::{Config, SqliteFile};
use crate::store::lookup::queries;
use connection::Settings;
use readers::Readers;

/// Connections that read, where the configuration does not say.
const READERS: u32 = 4;
/// Prepared statements a connection keeps, where the configuration does not say.
const STATEMENT_CACHE: usize = 256;
/// How long a statement waits for another process's write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What of the file is read without being copied: all of it, or as much as SQLite was built to map.
const MAPPED: (&str, &str) = ("mmap_size", "68719476736");
/// What is set on every connection. FULL: what was acknowledged survives a power cut.
const COMMON: &[(&str, &str)] =
    &[("foreign_keys", "ON"), ("synchronous", "FULL"), ("cache_size", "-16384"), MAPPED, ("temp_store", "MEMORY")];
/// What is set on those that write, beside.
const WRITING: &[(&str, &str)] = &[("journal_mode", "WAL"), ("journal_size_limit", "67108864")];
/// What is set on those that rounds read by: they read the file, as far as they can, without copying it.
const HOT: &[(&str, &str)] = &[MAPPED, ("cache_size", "-2048"), ("temp_store", "MEMORY")];
/// The statements of rounds are few, and are kept whatever the configuration says.
const HOT_STATEMENTS: usize = 64;
/// How long a round waits for a lock, which readers seldom meet: nothing else goes on meanwhile.
const HOT_BUSY_TIMEOUT: Duration = Duration::from_millis(50);
/// How often the migration's lock is asked for while another process has it.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);
/// How long a call waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Opens the file, makes it if it is not there, and migrates it.
pub(super) async fn open(config: &Config, file: &SqliteFile) -> Result<Engine, OpenError> {
    let opened = |cause| OpenError::Open { database: config.database_url.to_string(), cause };
    if file.may_make {
        make_private(&file.path);
    }
    // What migrates comes first: it makes the file and puts it into WAL mode, which readers cannot.
    let first = Database::connect(options(config, Some(file))).await.map_err(opened)?;
    migrate(config, &file.path, &first).await?;
    check_build(&first).await.map_err(opened)?;
    let hot = Arc::new(Hot::new(queries(&first), Place::Sqlite(hot(config, file))));
    let write = Write::Writer(Writer::start(writer(config, file)).map_err(opened)?);
    let read = Read::Sqlite(Readers::new(reader(config, file), readers(config) as usize));
    first.close().await.map_err(opened)?;
    let readers = readers(config);
    let (reads, scans) = (Queue::new(readers), Queue::new((readers / 2).max(1)));
    let (bulk, reach, observer, home) = (Queue::for_bulk(), Arc::default(), Observer::default(), Handle::current());
    Ok(Engine { write, read, reads, scans, bulk, reach, opening: None, hot, observer, home })
}

/// Of the connection that makes changes.
fn writer(config: &Config, file: &SqliteFile) -> Settings {
    let pragmas = [COMMON, WRITING].concat();
    let (path, statements) = (file.path.clone(), statement_cache(config));
    Settings { path, statements, busy_timeout: BUSY_TIMEOUT, pragmas, read_only: false }
}

/// Of those that read.
fn reader(config: &Config, file: &SqliteFile) -> Settings {
    Settings { pragmas: COMMON.to_vec(), read_only: true, ..writer(config, file) }
}

/// Of those that rounds read by.
fn hot(config: &Config, file: &SqliteFile) -> Settings {
    let (pragmas, statements) = (HOT.to_vec(), statement_cache(config).max(HOT_STATEMENTS));
    Settings { pragmas, statements, busy_timeout: HOT_BUSY_TIMEOUT, ..reader(config, file) }
}

fn statement_cache(config: &Config) -> usize {
    config.database_statement_cache.unwrap_or(STATEMENT_CACHE)
}

/// Makes the file for its owner's eyes only; what SQLite puts beside it gets the same mode. Why it cannot be made, SQLite tells.
fn make_private(path: &Path) {
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path));
}

fn readers(config: &Config) -> u32 {
    config.database_max_connections.unwrap_or(READERS)
}

/// Of connections that write to the file, or of those that only read.
fn options(config: &Config, write: Option<&SqliteFile>) -> ConnectOptions {
    let writer = write.is_some();
    let connections = if writer { 1 } else { readers(config) };
    let cache = statement_cache(config);
    let make = write.is_some_and(|file| file.may_make);
    let mut options = ConnectOptions::new(config.database_url.as_str());
    // A file needs no test before use, and its connections never go stale: closing them would only cost their caches.
    options
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_pool_opts(|pool| {
            // One whose transaction could not be ended is closed instead, and another one opened.
            let clean = |connection: &SqliteConnection| Ok(!connection.is_in_transaction());
            let pool = pool.before_acquire(move |connection, _| Box::pin(std::future::ready(clean(connection))));
            pool.idle_timeout(None).max_lifetime(None)
        })
        .map_sqlx_sqlite_opts(move |sqlite| {
            // Set here, since a pool's after-connect hook does not reach every connection.
            let sqlite = sqlite.create_if_missing(make).read_only(!writer).busy_timeout(BUSY_TIMEOUT);
            let pragmas = COMMON.iter().chain(if writer { WRITING } else { &[] });
            pragmas.fold(sqlite.statement_cache_capacity(cache), |sqlite, (name, value)| sqlite.pragma(*name, *value))
        });
    options
}

/// Runs the missing migrations. Processes that start together take turns by a file lock, which ends with its holder.
async fn migrate(config: &Config, path: &Path, write: &DatabaseConnection) -> Result<(), OpenError> {
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
    let migrated = schema::bring_up(config, write).await;
    drop(file);
    migrated
}

/// Connects to read a database that is there.
pub(super) async fn open_to_read(config: &Config) -> Result<DatabaseConnection, OpenError> {
    let failed = |cause| OpenError::Open { database: config.database_url.to_string(), cause };
    Database::connect(options(config, None)).await.map_err(failed)
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
