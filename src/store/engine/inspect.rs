//! The database as the engine sees it: its own checks, its schema, and a copy of it.

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};

use super::{OpenError, sqlite};
use crate::config::Config;
use crate::error::Result;
use crate::store::verify::Findings;

/// The most faults that SQLite is asked for.
const INTEGRITY: &str = "PRAGMA integrity_check(100)";
const FOREIGN_KEYS: &str = "PRAGMA foreign_key_check";
const SCHEMA: &str = "SELECT type || ' ' || name AS name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'";

/// Connections that only read, to a database that is there.
pub(in crate::store) async fn open(config: &Config) -> Result<DatabaseConnection, OpenError> {
    sqlite::open_to_read(config).await
}

/// What SQLite finds wrong with its file, and rows that name what is not there.
pub(in crate::store) async fn integrity<'a>(connection: &DatabaseConnection, mut findings: Findings<'a>) -> Findings<'a> {
    for check in [INTEGRITY, FOREIGN_KEYS] {
        findings.row();
        match connection.query_all_raw(statement(check)).await {
            Ok(rows) if check == INTEGRITY => {
                let said = rows.iter().filter_map(|row| row.try_get_by_index::<String>(0).ok());
                said.filter(|said| said != "ok").for_each(|said| findings.fault(said));
            }
            Ok(rows) => {
                for row in rows {
                    let table = |index| row.try_get_by_index::<String>(index).unwrap_or_default();
                    findings.fault(format!("a row of {} names one of {} that is not there", table(0), table(2)));
                }
            }
            Err(error) => findings.fault(format!("SQLite cannot read it: {error}")),
        }
    }
    findings
}

/// Whether every table and index is as the migrations make it.
pub(in crate::store) async fn schema<'a>(
    connection: &impl ConnectionTrait,
    mut findings: Findings<'a>,
) -> Result<Findings<'a>> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let fresh = Database::connect(options).await?;
    roster_migrations::up(&fresh).await?;
    let stored = objects(connection).await?;
    for (name, sql) in objects(&fresh).await? {
        findings.row();
        match stored.get(&name) {
            None => findings.fault(format!("the {name} is missing")),
            Some(stored) if *stored != sql => findings.fault(format!("the {name} is not as it was made")),
            Some(_) => {}
        }
    }
    fresh.close().await?;
    Ok(findings)
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
