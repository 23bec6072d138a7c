//! The lock under which replicas migrate one after the other: a row that the one at work holds. An advisory lock would be no lock
//! on CockroachDB, which takes the statement and does nothing.

use sea_orm::sqlx::Error as DriverError;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, TransactionTrait};

const MAKE: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS schema_lock (id INTEGER NOT NULL PRIMARY KEY)",
    "INSERT INTO schema_lock (id) VALUES (1) ON CONFLICT DO NOTHING",
];
/// The lock is waited for as long as it takes; the tables that a step changes are not: whoever reads them would queue behind it.
const TAKE: &str = "SET LOCAL lock_timeout = 0; SELECT id FROM schema_lock WHERE id = 1 FOR UPDATE; \
    SET LOCAL lock_timeout = '2s'";
/// How often the making of the table is tried. Those who make it at the same moment are in each other's way, IF NOT EXISTS or not.
const ATTEMPTS: u32 = 20;

/// Waits for the lock, and gives the transaction that holds it; `pooled`: behind a pooler, see [`super::opening`].
pub(super) async fn take(connection: &DatabaseConnection, pooled: bool) -> Result<DatabaseTransaction, DbErr> {
    let mut attempt = 1;
    while let Err(error) = make(connection).await {
        if attempt == ATTEMPTS || !is_race(&error) {
            return Err(error);
        }
        attempt += 1;
    }
    let lock = connection.begin().await?;
    if pooled {
        lock.execute_unprepared("DEALLOCATE ALL").await?;
    }
    lock.execute_unprepared(TAKE).await?;
    Ok(lock)
}

async fn make(connection: &DatabaseConnection) -> Result<(), DbErr> {
    for sql in MAKE {
        connection.execute_unprepared(sql).await?;
    }
    Ok(())
}

/// Whether somebody else has just made the same.
fn is_race(error: &DbErr) -> bool {
    // unique_violation in the catalogue, duplicate_table, duplicate_object, "tuple concurrently updated", serialization_failure.
    has_code(error, &["23505", "42P07", "42710", "XX000", "40001"])
}

/// Whether a step waited too long for a table, or was in a deadlock with who uses it.
pub(super) fn is_in_the_way(error: &DbErr) -> bool {
    has_code(error, &["55P03", "40P01", "40001"])
}

fn has_code(error: &DbErr, codes: &[&str]) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(driver)) | DbErr::Query(RuntimeErr::SqlxError(driver))) = error else {
        return false;
    };
    let DriverError::Database(database) = driver.as_ref() else { return false };
    database.code().is_some_and(|code| codes.contains(&code.as_ref()))
}
