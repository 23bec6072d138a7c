//! The lock under which replicas migrate one after the other: a row that the one at work holds. An advisory lock would be no lock
//! on CockroachDB, which takes the statement and does nothing.

use sea_orm::sqlx::Error as DriverError;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, Statement, TransactionTrait,
};

const MAKE: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS schema_lock (id INTEGER NOT NULL PRIMARY KEY)",
    "INSERT INTO schema_lock (id) VALUES (1) ON CONFLICT DO NOTHING",
];
const TAKE: &str = "SELECT id FROM schema_lock WHERE id = 1 FOR UPDATE";
/// How often the making of the table is tried. Those who make it at the same moment are in each other's way, IF NOT EXISTS or not.
const ATTEMPTS: u32 = 20;

/// Waits for the lock; the end of the transaction gives it back, and so does the end of its connection.
pub(super) async fn take(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let mut attempt = 1;
    while let Err(error) = make(connection).await {
        if attempt == ATTEMPTS || !is_race(&error) {
            return Err(error);
        }
        attempt += 1;
    }
    let lock = connection.begin().await?;
    lock.query_one_raw(Statement::from_string(DbBackend::Postgres, TAKE)).await?;
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
    let (DbErr::Exec(RuntimeErr::SqlxError(driver)) | DbErr::Query(RuntimeErr::SqlxError(driver))) = error else {
        return false;
    };
    let DriverError::Database(database) = driver.as_ref() else { return false };
    // unique_violation in the catalogue, duplicate_table, duplicate_object, "tuple concurrently updated", serialization_failure.
    database.code().is_some_and(|code| matches!(code.as_ref(), "23505" | "42P07" | "42710" | "XX000" | "40001"))
}
