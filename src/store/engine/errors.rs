//! What a database error means to a caller. SQL and driver text go to the log, never further.

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

use super::sqlite::failure;
use crate::error::{Conflict, Error};

/// Which constraint's violation tells of which conflict: the column as SQLite names it, and the index as PostgreSQL does.
const UNIQUE: &[(&str, &str, Conflict)] = &[
    ("users.user_id", "users_pkey", Conflict::UserId),
    ("users.email_key", "users_email_key", Conflict::Email),
    ("users.phone_key", "users_phone_key", Conflict::PhoneNumber),
    ("users.username", "users_username", Conflict::Username),
    ("users.external_id", "users_external_id", Conflict::ExternalId),
    ("identities.ext_idp_id", "identities_user_id_in_idp", Conflict::Identity),
    ("organizations.code", "organizations_code", Conflict::Code),
    ("groups.code", "groups_code", Conflict::Code),
    ("roles.code", "roles_code", Conflict::Code),
    ("departments.code", "departments_code", Conflict::Code),
    ("posts.code", "posts_code", Conflict::Code),
];

/// What an error says of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Something that is unique is taken.
    Taken(Conflict),
    /// Another transaction was in the way; this one is rolled back.
    InTheWay,
    /// It cannot be connected to.
    CannotConnect,
    /// The connection is gone, or leads to a server that does not write.
    Lost,
    /// It cannot do what it should: no space, no memory, too slow.
    Unable,
    /// A fault of ours.
    Fault,
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        match meaning(&error) {
            Meaning::Taken(conflict) => Self::AlreadyExists(vec![conflict]),
            Meaning::InTheWay => Self::ConflictRetry,
            Meaning::CannotConnect | Meaning::Lost | Meaning::Unable => {
                Self::StoreUnavailable { outcome_unknown: false, cause: error.into() }
            }
            Meaning::Fault => Self::internal(error),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        failure::failed(error).into()
    }
}

/// The same error for another of those who are told of it.
pub(super) fn shared(error: &Error) -> Error {
    match error {
        Error::Overloaded => Error::Overloaded,
        Error::ConflictRetry => Error::ConflictRetry,
        Error::StoreUnavailable { outcome_unknown, cause } => {
            Error::StoreUnavailable { outcome_unknown: *outcome_unknown, cause: cause.to_string().into() }
        }
        other => Error::internal(cause(other)),
    }
}

/// The error of a commit. Once it was asked for, only the database knows whether it happened, unless it says that it did not.
pub(super) fn commit_failed(error: DbErr) -> Error {
    match meaning(&error) {
        Meaning::InTheWay if postgres(&error).is_some() => Error::ConflictRetry,
        _ => Error::StoreUnavailable { outcome_unknown: true, cause: error.into() },
    }
}

/// Whether another attempt may fare better: nothing was changed, and what was in the way is gone or goes.
pub(super) fn passes(error: &Error) -> bool {
    match error {
        Error::ConflictRetry => true,
        Error::StoreUnavailable { outcome_unknown, .. } => !outcome_unknown && is_lost(error),
        _ => false,
    }
}

pub(super) fn is_lost(error: &Error) -> bool {
    meaning_of(error) == Some(Meaning::Lost)
}

/// Whether the server has no connection left, or takes long to make one: it is there, as far as that goes.
pub(super) fn has_none_left(error: &Error) -> bool {
    let Error::StoreUnavailable { cause, .. } = error else { return false };
    match cause.downcast_ref::<DbErr>() {
        Some(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)) => true,
        Some(error) => postgres(error).is_some_and(|error| error.code() == "53300"),
        None => false,
    }
}

pub(super) fn cannot_connect(error: &Error) -> bool {
    meaning_of(error) == Some(Meaning::CannotConnect)
}

/// What the database said, for the log.
pub(super) fn cause(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn meaning_of(error: &Error) -> Option<Meaning> {
    match error {
        Error::StoreUnavailable { cause, .. } => cause.downcast_ref().map(meaning),
        _ => None,
    }
}

fn meaning(error: &DbErr) -> Meaning {
    if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) {
        return Meaning::CannotConnect;
    }
    let Some(driver) = sqlx_error(error) else { return Meaning::Fault };
    match driver {
        sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
            Some(postgres) => postgres_meaning(postgres),
            None => sqlite_meaning(database.as_ref()),
        },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => Meaning::Lost,
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Meaning::CannotConnect,
        _ => Meaning::Fault,
    }
}

/// By SQLite's extended result codes, or else the primary ones: their low byte.
fn sqlite_meaning(database: &dyn DatabaseError) -> Meaning {
    let code = database.code().and_then(|code| code.parse::<u32>().ok());
    // CONSTRAINT_PRIMARYKEY, CONSTRAINT_UNIQUE.
    if let Some(1555 | 2067) = code
        && let Some((_, _, conflict)) = UNIQUE.iter().find(|(column, _, _)| database.message().ends_with(column))
    {
        return Meaning::Taken(*conflict);
    }
    match code.map(|code| code & 0xff) {
        // BUSY, LOCKED.
        Some(5 | 6) => Meaning::InTheWay,
        // READONLY, IOERR, FULL, CANTOPEN.
        Some(8 | 10 | 13 | 14) => Meaning::Unable,
        _ => Meaning::Fault,
    }
}

/// By PostgreSQL's SQLSTATE; those that share its protocol use the same ones.
fn postgres_meaning(error: &PgDatabaseError) -> Meaning {
    match error.code() {
        // unique_violation: of an identifier; else two replicas have made the same row at once, and the second attempt finds it.
        "23505" => {
            let taken = UNIQUE.iter().find(|(_, index, _)| error.constraint() == Some(index));
            taken.map_or(Meaning::InTheWay, |(_, _, conflict)| Meaning::Taken(*conflict))
        }
        // statement_completion_unknown: what may have been committed is not attempted again. query_canceled: statement_timeout.
        // database_dropped.
        "40003" | "57014" | "57P04" => Meaning::Unable,
        // foreign_key_violation: what the row names was deleted a moment ago; the second attempt does not find it.
        // lock_not_available: lock_timeout. 40: serialization_failure, deadlock_detected and their like.
        code if matches!(code, "23503" | "55P03") || code.starts_with("40") => Meaning::InTheWay,
        // read_only_sql_transaction: the server is a standby now. 57P01 to 57P05 but cannot_connect_now: it ends the connection.
        // idle_in_transaction_session_timeout. 08: the connection.
        // A connection in a state that it should not be in is of no use either: 25001 and 25P02, a transaction that somebody left
        // open; 26000 and 42P05, prepared statements mixed up by a pooler; 0A000, a plan of before a migration.
        "25006" | "25P03" | "57P01" | "57P02" | "57P05" | "25001" | "25P02" | "26000" | "42P05" | "0A000" => Meaning::Lost,
        code if code.starts_with("08") => Meaning::Lost,
        // cannot_connect_now, too_many_connections.
        "57P03" | "53300" => Meaning::CannotConnect,
        // 53: no space or memory. 58: the server's input and output.
        code if code.starts_with("53") || code.starts_with("58") => Meaning::Unable,
        _ => Meaning::Fault,
    }
}

fn postgres(error: &DbErr) -> Option<&PgDatabaseError> {
    let sqlx::Error::Database(database) = sqlx_error(error)? else { return None };
    database.try_downcast_ref()
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error.as_ref()),
        _ => None,
    }
}
