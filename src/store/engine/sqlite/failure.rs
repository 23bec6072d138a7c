//! SQLite's errors, as the other driver tells them: so that one place says what they mean.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// An extended result code, and what SQLite says to it.
#[derive(Debug, thiserror::Error)]
#[error("(code: {code}) {message}")]
struct Failure {
    code: i32,
    message: String,
}

impl DatabaseError for Failure {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// The error of a statement.
pub(in crate::store::engine) fn failed(error: rusqlite::Error) -> DbErr {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(code, message) => (code, message),
        rusqlite::Error::SqlInputError { error, msg, .. } => (error, Some(msg)),
        error => return DbErr::Query(RuntimeErr::Internal(error.to_string())),
    };
    let message = message.unwrap_or_else(|| code.to_string());
    let failure = sqlx::Error::Database(Box::new(Failure { code: code.extended_code, message }));
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(failure)))
}
