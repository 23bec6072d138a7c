//! What a database error means to a caller. SQL and driver text go to the log, never further.

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

use crate::error::{Conflict, Error};

/// Which column's uniqueness tells of which conflict, as SQLite names it.
const UNIQUE: &[(&str, Conflict)] = &[
    ("users.user_id", Conflict::UserId),
    ("users.email_key", Conflict::Email),
    ("users.phone_key", Conflict::PhoneNumber),
    ("users.username", Conflict::Username),
    ("users.external_id", Conflict::ExternalId),
    ("groups.code", Conflict::Code),
    ("roles.code", Conflict::Code),
];

/// SQLite's primary result codes (the low byte of what the driver reports).
mod code {
    pub(super) const BUSY: u32 = 5;
    pub(super) const LOCKED: u32 = 6;
    pub(super) const READONLY: u32 = 8;
    pub(super) const IO: u32 = 10;
    pub(super) const FULL: u32 = 13;
    pub(super) const CANNOT_OPEN: u32 = 14;
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(message)) = error.sql_err()
            && let Some((_, conflict)) = UNIQUE.iter().find(|(column, _)| message.ends_with(column))
        {
            return Self::AlreadyExists(vec![*conflict]);
        }
        match primary_code(&error) {
            Some(code::BUSY | code::LOCKED) => Self::ConflictRetry,
            Some(code::READONLY | code::IO | code::FULL | code::CANNOT_OPEN) => unavailable(error),
            _ if is_connection(&error) => unavailable(error),
            _ => Self::internal(error),
        }
    }
}

fn unavailable(error: DbErr) -> Error {
    Error::StoreUnavailable { outcome_unknown: false, cause: error.into() }
}

fn is_connection(error: &DbErr) -> bool {
    matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
        || matches!(
            sqlx_error(error),
            Some(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed)
        )
}

fn primary_code(error: &DbErr) -> Option<u32> {
    let sqlx::Error::Database(error) = sqlx_error(error)? else { return None };
    let code: u32 = error.code()?.parse().ok()?;
    Some(code & 0xff)
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error.as_ref()),
        _ => None,
    }
}
