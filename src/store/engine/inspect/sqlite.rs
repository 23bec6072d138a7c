//! What SQLite says of its file: its own checks, what made its tables, and a copy of it.

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};

use super::Objects;

/// The most faults that SQLite is asked for.
const INTEGRITY: &str = "PRAGMA integrity_check(100)";
const FOREIGN_KEYS: &str = "PRAGMA foreign_key_check";
/// But for the tables that say which steps were run: their text is that of a library, whose next release may word it anew.
const SCHEMA: &str = "SELECT type || ' ' || name AS name, sql FROM sqlite_master \
    WHERE name NOT LIKE 'sqlite_%' AND name NOT IN ('seaql_migrations', 'schema_steps')";

/// What any engine can tell of a schema, in the words of [`super::postgres::outline`].
const OUTLINE: &str = "\
    WITH tables AS (SELECT name FROM sqlite_master \
        WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('seaql_migrations', 'schema_steps')) \
    SELECT 'table ' || t.name AS name, group_concat(c.name || ' ' || c.type || iif(c.\"notnull\", ' NOT NULL', ''), ', ' ORDER BY c.name) AS what \
        FROM tables t, pragma_table_xinfo(t.name) c GROUP BY t.name \
    UNION ALL SELECT 'primary key of ' || t.name, t.name || ' (' || group_concat(c.name, ', ' ORDER BY c.pk) || ')' \
        FROM tables t, pragma_table_info(t.name) c WHERE c.pk > 0 GROUP BY t.name \
    UNION ALL SELECT 'index ' || i.name, iif(i.\"unique\", 'unique ', '') || iif(i.partial, 'partial ', '') || t.name || ' (' || \
            (SELECT group_concat(c.name, ', ' ORDER BY c.seqno) FROM pragma_index_info(i.name) c) || ')' \
        FROM tables t, pragma_index_list(t.name) i WHERE i.origin = 'c' \
    UNION ALL SELECT 'foreign key ' || t.name || ' (' || group_concat(f.\"from\", ', ' ORDER BY f.seq) || ')', \
            f.\"table\" || ' (' || group_concat(f.\"to\", ', ' ORDER BY f.seq) || ') ' || f.on_delete \
        FROM tables t, pragma_foreign_key_list(t.name) f GROUP BY t.name, f.id";

/// What SQLite finds wrong with its file.
pub(super) async fn integrity(connection: &DatabaseConnection) -> Vec<String> {
    match connection.query_all_raw(statement(INTEGRITY)).await {
        Ok(rows) => {
            let said = rows.iter().filter_map(|row| row.try_get_by_index::<String>(0).ok());
            said.filter(|said| said != "ok").collect()
        }
        Err(error) => vec![format!("SQLite cannot read it: {error}")],
    }
}

/// The tables of rows that name what is not there, and of what they name.
pub(super) async fn dangling(connection: &impl ConnectionTrait) -> Result<Vec<(String, String)>, DbErr> {
    let rows = connection.query_all_raw(statement(FOREIGN_KEYS)).await?;
    let table = |row: &QueryResult, index| row.try_get_by_index::<String>(index).unwrap_or_default();
    Ok(rows.iter().map(|row| (table(row, 0), table(row, 2))).collect())
}

/// Tables and indexes by kind and name, with what made them.
pub(super) async fn objects(connection: &impl ConnectionTrait) -> Result<Objects, DbErr> {
    read(connection, SCHEMA).await
}

/// Tables, indexes and foreign keys, with what they are.
pub(super) async fn outline(connection: &impl ConnectionTrait) -> Result<Objects, DbErr> {
    read(connection, OUTLINE).await
}

async fn read(connection: &impl ConnectionTrait, sql: &str) -> Result<Objects, DbErr> {
    let rows = connection.query_all_raw(statement(sql)).await?;
    let object = |row: &QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index::<Option<_>>(1)?.unwrap_or_default()));
    rows.iter().map(object).collect()
}

/// A database in memory that was just made.
pub(super) async fn fresh() -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let fresh = Database::connect(options).await?;
    roster_migrations::up(&fresh).await?;
    Ok(fresh)
}

/// Copies the database as it is at one moment, while others read and write, to a file that is empty or not there.
pub(super) async fn copy(connection: &DatabaseConnection, to: &Path) -> Result<(), DbErr> {
    let to = to.to_string_lossy().into_owned();
    connection.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [to.into()])).await.map(drop)
}

fn statement(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}
