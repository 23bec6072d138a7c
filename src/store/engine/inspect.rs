//! The database as the engine sees it: its own checks, its schema, and a copy of it.

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};

use super::{OpenError, sqlite};
use crate::config::Config;
use crate::error::Result;

/// The most faults that SQLite is asked for.
const INTEGRITY: &str = "PRAGMA integrity_check(100)";
const FOREIGN_KEYS: &str = "PRAGMA foreign_key_check";
/// But for the tables that say which steps were run: their text is that of a library, whose next release may word it anew.
const SCHEMA: &str = "SELECT type || ' ' || name AS name, sql FROM sqlite_master \
    WHERE name NOT LIKE 'sqlite_%' AND name NOT IN ('seaql_migrations', 'schema_steps')";

/// Connections that only read, to a database that is there.
pub(in crate::store) async fn open(config: &Config) -> Result<DatabaseConnection, OpenError> {
    sqlite::open_to_read(config).await
}

/// What SQLite finds wrong with its file.
pub(in crate::store) async fn integrity(connection: &DatabaseConnection) -> Vec<String> {
    match connection.query_all_raw(statement(INTEGRITY)).await {
        Ok(rows) => {
            let said = rows.iter().filter_map(|row| row.try_get_by_index::<String>(0).ok());
            said.filter(|said| said != "ok").collect()
        }
        Err(error) => vec![format!("SQLite cannot read it: {error}")],
    }
}

/// Rows that name what is not there.
pub(in crate::store) async fn dangling(connection: &impl ConnectionTrait) -> Result<Vec<String>> {
    let rows = connection.query_all_raw(statement(FOREIGN_KEYS)).await?;
    let fault = |row: &QueryResult| {
        let table = |index| row.try_get_by_index::<String>(index).unwrap_or_default();
        format!("a row of {} names one of {} that is not there", table(0), table(2))
    };
    Ok(rows.iter().map(fault).collect())
}

/// Every table and index that the migrations make, with what is wrong with the database's own, if anything is. Where a newer
/// release has been at work, they must be there, but may have become more.
pub(in crate::store) async fn schema(connection: &impl ConnectionTrait, newer: bool) -> Result<Vec<Option<String>>> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let fresh = Database::connect(options).await?;
    roster_migrations::up(&fresh).await?;
    let (stored, made) = (objects(connection).await?, objects(&fresh).await?);
    fresh.close().await?;
    let fault = |(name, sql): (String, Option<String>)| match stored.get(&name) {
        None => Some(format!("the {name} is missing")),
        Some(_) if newer => None,
        Some(stored) => (*stored != sql).then(|| format!("the {name} is not as it was made")),
    };
    Ok(made.into_iter().map(fault).collect())
}

/// Tables and indexes by kind and name, with what made them.
async fn objects(connection: &impl ConnectionTrait) -> Result<BTreeMap<String, Option<String>>, DbErr> {
    let rows = connection.query_all_raw(statement(SCHEMA)).await?;
    rows.iter().map(|row| Ok((row.try_get("", "name")?, row.try_get("", "sql")?))).collect()
}

/// Copies the database as it is at one moment, while others read and write, to a file that is empty or not there.
pub(in crate::store) async fn copy(connection: &DatabaseConnection, to: &Path) -> Result<(), DbErr> {
    let to = to.to_string_lossy().into_owned();
    connection.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [to.into()])).await.map(drop)
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}
