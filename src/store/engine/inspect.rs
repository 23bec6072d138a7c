//! The database as the engine sees it: its own checks, its schema, and a copy of it.

mod postgres;
mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr};

use super::{OpenError, Reading};
use crate::config::{Config, Location};
use crate::error::Result;

/// What a schema is made of: tables, indexes and the like by kind and name, with what they are.
type Objects = BTreeMap<String, String>;

/// Connections that only read, to a database that is there.
pub(in crate::store) async fn open(config: &Config) -> Result<DatabaseConnection, OpenError> {
    match config.database_url.location() {
        Location::Sqlite(_) => super::sqlite::open_to_read(config).await,
        Location::Postgres => super::postgres::open_to_read(config).await,
    }
}

/// Reads of one state throughout.
pub(in crate::store) async fn snapshot(config: &Config, connection: &DatabaseConnection) -> Result<Reading> {
    Ok(Reading::Steady(super::snapshot(connection, super::postgres::opening(config)).await?))
}

/// What the engine finds wrong with its files; `None`: it does not look at them. PostgreSQL has a tool of its own for that.
pub(in crate::store) async fn integrity(connection: &DatabaseConnection) -> Option<Vec<String>> {
    match connection.get_database_backend() {
        DbBackend::Postgres => None,
        _ => Some(sqlite::integrity(connection).await),
    }
}

/// Rows that name what is not there.
pub(in crate::store) async fn dangling(connection: &impl ConnectionTrait) -> Result<Vec<String>> {
    let found = match connection.get_database_backend() {
        DbBackend::Postgres => postgres::dangling(connection).await?,
        _ => sqlite::dangling(connection).await?,
    };
    Ok(found.into_iter().map(|(table, named)| format!("a row of {table} names one of {named} that is not there")).collect())
}

/// Everything that the migrations make, with what is wrong with the database's own, if anything is. Where a newer release has
/// been at work, it must be there, but may have become more.
pub(in crate::store) async fn schema(connection: &impl ConnectionTrait, newer: bool) -> Result<Vec<Option<String>>> {
    let fresh = sqlite::fresh().await?;
    let (stored, made) = match connection.get_database_backend() {
        DbBackend::Postgres => (postgres::outline(connection).await?, sqlite::outline(&fresh).await?),
        _ => (sqlite::objects(connection).await?, sqlite::objects(&fresh).await?),
    };
    fresh.close().await?;
    let fault = |(name, made): (String, String)| match stored.get(&name) {
        None => Some(format!("the {name} is missing")),
        Some(_) if newer => None,
        Some(stored) => (*stored != made).then(|| format!("the {name} is not as it was made")),
    };
    Ok(made.into_iter().map(fault).collect())
}

/// Whether [`copy`] can copy it.
pub(in crate::store) fn can_copy(config: &Config) -> bool {
    matches!(config.database_url.location(), Location::Sqlite(_))
}

/// Copies the database as it is at one moment, while others read and write, to a file that is empty or not there.
pub(in crate::store) async fn copy(connection: &DatabaseConnection, to: &Path) -> Result<(), DbErr> {
    sqlite::copy(connection, to).await
}
