//! PostgreSQL, and what speaks its protocol: a pool of connections that write and one of connections that read.

mod pooler;
mod pools;
mod schema_lock;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection, Executor};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, RuntimeErr, SqlxPostgresConnector, Statement};
use tokio::runtime::Handle;

use super::queue::Queue;
use super::reach::Reach;
use super::read::Read;
use super::reads::{Hot, Place};
use super::write::Write;
use super::{Engine, Observer, OpenError, Opening, runtimes, schema};
use crate::clock;
use crate::config::Config;
use crate::store::lookup::queries;

pub(super) use pools::{Own, Pool, Pools};

/// Connections of both pools together, where the configuration does not say.
const CONNECTIONS: u32 = 20;
/// Of ten connections, so many write.
const WRITERS_OF_TEN: u32 = 4;
/// Connections for the rounds of reads of each runtime: one for keys and one for users.
const HOT: u32 = 2;
/// Connections that are always left for other reads, where rounds have their own.
const LEFT: u32 = 3;
/// Prepared statements a connection keeps, where the configuration does not say.
const STATEMENT_CACHE: usize = 256;
/// How long making a connection may take: nobody waits for one that is in use, see [`Queue`].
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// The same where nobody waits for an answer.
const PATIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that has been idle for longer is tested before its next use, for so long: firewalls forget silent ones.
const TEST_AFTER: Duration = Duration::from_secs(30);
const TEST_TIMEOUT: Duration = Duration::from_millis(250);
/// An idle connection is closed after, and any is replaced after: so that load finds its way to new servers.
const IDLE_TIMEOUT: Duration = Duration::from_mins(10);
const LIFETIME: Duration = Duration::from_mins(30);
/// How long a migration that somebody is in the way of lets others go on before it tries again.
const MIGRATION_PAUSE: Duration = Duration::from_secs(1);
/// How long a start waits for a server that does not take connections yet, and how often it asks.
const START_PATIENCE: Duration = Duration::from_secs(10);
const START_INTERVAL: Duration = Duration::from_millis(200);

/// What connections are for, and with it how long their statements may take.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Read,
    Write,
    /// Long work that nobody waits for.
    Maintain,
}

impl Purpose {
    /// What is set on each connection. Said with SET, since poolers refuse parameters of the start that they do not know.
    ///
    /// Writes have no `statement_timeout`: it would also end a COMMIT that waits for a standby, and the change would stay on the
    /// primary alone although it was acknowledged. Whoever waits for a row longer than `lock_timeout` is told to repeat the call.
    /// A transaction whose process stands still must not keep its locks. Under REPEATABLE READ a write would not see what was
    /// committed while it waited for a row; READ COMMITTED does, and SERIALIZABLE fails it.
    const fn session(self) -> &'static str {
        match self {
            Self::Read => {
                "SET statement_timeout = '30s'; SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '10s'"
            }
            Self::Write => {
                "SET statement_timeout = 0; SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '10s'; \
                 SELECT set_config('default_transaction_isolation', 'read committed', false) \
                 WHERE current_setting('default_transaction_isolation') = 'repeatable read'"
            }
            Self::Maintain => "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0",
        }
    }
}

/// What each transaction begins with where no statements are kept prepared: then a pooler may stand between, and what is set on a
/// connection would be another client's. The driver names what it prepares, and never forgets it; so whatever was named on
/// the server's connection, by whichever client, goes first: nobody else is in a transaction there.
pub(super) fn opening(config: &Config) -> Option<Opening> {
    (config.database_statement_cache == Some(0)).then_some(Opening {
        read: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; DEALLOCATE ALL; SET LOCAL statement_timeout = '30s'; \
               SET LOCAL idle_in_transaction_session_timeout = '10s'",
        write: "DEALLOCATE ALL; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2s'; \
                SET LOCAL idle_in_transaction_session_timeout = '10s'",
    })
}

/// Connects, and migrates the database.
pub(super) async fn open(config: &Config) -> Result<Engine, OpenError> {
    let connections = config.database_max_connections.unwrap_or(CONNECTIONS);
    if connections < 2 {
        return Err(OpenError::TooFewConnections(connections));
    }
    let Shares { writers, readers, hot } = Shares::of(connections, runtimes());
    let options = options(config)?;
    wait_for_server(config, &options).await?;
    let reach = Arc::new(Reach::default());
    let opening = opening(config);
    let pool = |purpose, size| pool(&options, purpose, opening.is_some(), size, &reach);
    let maintain = pool(Purpose::Maintain, 1);
    let prepared = prepare(config, &maintain).await;
    drop(maintain.close().await);
    prepared?;
    let read = pool(Purpose::Read, readers);
    let pools = Pools::new(options.clone(), opening.is_some(), hot, read.clone());
    let hot = Arc::new(Hot::new(queries(&read), Place::Postgres(Box::new(pools))));
    Ok(Engine {
        write: Write::Pool(pool(Purpose::Write, writers), Queue::new(writers)),
        read: Read::Pool(read),
        reads: Queue::new(readers),
        scans: Queue::new((readers / 2).max(1)),
        bulk: Queue::for_bulk(),
        reach,
        opening,
        hot,
        observer: Observer::default(),
        home: Handle::current(),
    })
}

/// How many connections are for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    writers: u32,
    readers: u32,
    /// Of each runtime, for its rounds of reads; none where they are too few: then rounds share those of all readers.
    hot: u32,
}

impl Shares {
    fn of(connections: u32, runtimes: u32) -> Self {
        let writers = (connections * WRITERS_OF_TEN / 10).max(1);
        let rest = connections - writers;
        // One will do where there are not two for each; none where nothing would be left for other reads.
        let hot = if rest / 2 >= HOT * runtimes { HOT } else { u32::from(rest >= runtimes + LEFT) };
        Self { writers, readers: rest - hot * runtimes, hot }
    }
}

/// Connects to read a database that is there, at leisure.
pub(super) async fn open_to_read(config: &Config) -> Result<DatabaseConnection, OpenError> {
    let options = options(config)?;
    wait_for_server(config, &options).await?;
    Ok(pool(&options, Purpose::Maintain, opening(config).is_some(), 1, &Arc::default()))
}

fn options(config: &Config) -> Result<PgConnectOptions, OpenError> {
    let parsed: Result<PgConnectOptions, sqlx::Error> = config.database_url.as_str().parse();
    let options = parsed.map_err(|error| cannot_open(config, error))?;
    let cache = config.database_statement_cache.unwrap_or(STATEMENT_CACHE);
    let options = options.statement_cache_capacity(cache).extra_float_digits(None).disable_statement_logging();
    Ok(if options.get_application_name().is_some() { options } else { options.application_name("roster") })
}

fn pool(options: &PgConnectOptions, purpose: Purpose, pooled: bool, size: u32, reach: &Arc<Reach>) -> DatabaseConnection {
    let reach = reach.clone();
    let patience = if let Purpose::Maintain = purpose { PATIENT_TIMEOUT } else { ACQUIRE_TIMEOUT };
    let mut pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(patience)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(LIFETIME)
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            let mistrusted = reach.mistrusts(about.age);
            Box::pin(async move {
                if mistrusted || about.idle_for < TEST_AFTER {
                    return Ok(!mistrusted);
                }
                Ok(matches!(tokio::time::timeout(TEST_TIMEOUT, connection.ping()).await, Ok(Ok(()))))
            })
        });
    if !pooled {
        let session = purpose.session();
        pool = pool.after_connect(move |connection, _| Box::pin(async move { connection.execute(session).await.map(drop) }));
    }
    SqlxPostgresConnector::from_sqlx_postgres_pool(pool.connect_lazy_with(options.clone()))
}

/// Closes a connection that nobody uses. A server may have fewer than all pools may have: then one of them would keep for long
/// what another one lacks.
pub(super) async fn make_room(pools: impl IntoIterator<Item = DatabaseConnection>, hot: Vec<Arc<Own>>) {
    let idle = pools.into_iter().find_map(|pool| pool.get_postgres_connection_pool().try_acquire());
    if let Some(spare) = idle.or_else(|| pools::spare(&hot)) {
        drop(spare.close().await);
    }
}

/// Waits for a server that is about to start; any other failure is told as it is.
async fn wait_for_server(config: &Config, options: &PgConnectOptions) -> Result<(), OpenError> {
    let began = clock::monotonic();
    let mut told = false;
    loop {
        let connecting = tokio::time::timeout(START_PATIENCE, PgConnection::connect_with(options)).await;
        match connecting.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into())) {
            Ok(connection) => {
                drop(connection.close().await);
                return check_pooler(config, options).await;
            }
            Err(error) if may_come(&error) && began.elapsed() < START_PATIENCE => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(database = %config.database_url, %error, "waiting for the database");
                }
                tokio::time::sleep(START_INTERVAL).await;
            }
            Err(error) => return Err(cannot_open(config, error)),
        }
    }
}

/// Refuses a database behind a pooler that was not told of.
async fn check_pooler(config: &Config, options: &PgConnectOptions) -> Result<(), OpenError> {
    if opening(config).is_some() {
        return Ok(());
    }
    match pooler::stands_between(options).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(OpenError::Pooler { database: config.database_url.to_string() }),
        Err(error) => Err(cannot_open(config, error)),
    }
}

fn may_come(error: &sqlx::Error) -> bool {
    match error {
        // Refused, a socket that is not there yet, a name that is not known yet.
        sqlx::Error::Io(error) => error.kind() != std::io::ErrorKind::TimedOut,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}

fn cannot_open(config: &Config, error: sqlx::Error) -> OpenError {
    let cause = DbErr::Conn(RuntimeErr::SqlxError(error.into()));
    OpenError::Open { database: config.database_url.to_string(), cause }
}

/// Looks whether the database is fit for us, and migrates it where that is to be done.
async fn prepare(config: &Config, maintain: &DatabaseConnection) -> Result<(), OpenError> {
    let failed = |cause| OpenError::Open { database: config.database_url.to_string(), cause };
    let reading = super::snapshot(maintain, opening(config)).await.map_err(failed)?;
    let asked = Statement::from_string(DbBackend::Postgres, "SHOW server_encoding");
    let row = reading.query_one_raw(asked).await.map_err(failed)?;
    let encoding = row.map(|row| row.try_get_by_index::<String>(0)).transpose().map_err(failed)?.unwrap_or_default();
    if encoding != "UTF8" {
        return Err(OpenError::Encoding { database: config.database_url.to_string(), encoding });
    }
    let current = schema::is_current(config, &reading).await?;
    reading.rollback().await.map_err(failed)?;
    if current { Ok(()) } else { migrate(config, maintain).await }
}

/// Runs the missing steps, all or none, in the transaction that holds the lock.
async fn migrate(config: &Config, maintain: &DatabaseConnection) -> Result<(), OpenError> {
    let failed = |cause| OpenError::Migrate { database: config.database_url.to_string(), cause };
    loop {
        let transaction = schema_lock::take(maintain, opening(config).is_some()).await.map_err(failed)?;
        match schema::bring_up(config, &transaction).await {
            Ok(()) => return transaction.commit().await.map_err(failed),
            Err(OpenError::Migrate { cause, .. }) if schema_lock::is_in_the_way(&cause) => {
                tracing::warn!(%cause, "another session is in the way of the migration; trying again");
                drop(transaction.rollback().await);
                tokio::time::sleep(MIGRATION_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shares_together_are_what_there_is() {
        for (connections, runtimes, hot) in
            [(20, 1, 2), (20, 2, 2), (20, 8, 1), (20, 64, 0), (400, 64, 1), (2, 2, 0), (8, 2, 1)]
        {
            let shares = Shares::of(connections, runtimes);
            assert_eq!(shares.hot, hot, "{connections} {runtimes}");
            assert_eq!(shares.writers + shares.readers + shares.hot * runtimes, connections);
            assert!(shares.writers > 0 && shares.readers > 0, "{shares:?}");
        }
    }
}
