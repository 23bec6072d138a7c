//! Why a database could not be opened, for whoever started the service.

use std::path::PathBuf;

use sea_orm::DbErr;

/// Why the database could not be opened. It is named as its URL does, without a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be connected to, or is no database.
    #[error("cannot open the database {database}: {cause}")]
    Open {
        /// The database.
        database: String,
        /// What it said.
        cause: DbErr,
    },
    /// The lock file beside the database cannot be had.
    #[error("cannot lock {path} for the migration: {cause}")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// Fewer connections than the engine needs.
    #[error("database_max_connections is {0}: PostgreSQL needs at least 2, one to read and one to write")]
    TooFewConnections(u32),
    /// A pooler that hands each transaction another connection, and nothing was said of it.
    #[error(
        "the database {database} is behind a pooler that hands each transaction another connection: set database_statement_cache to 0"
    )]
    Pooler {
        /// The database.
        database: String,
    },
    /// Texts would not be kept as they are.
    #[error("the database {database} has the encoding {encoding}: it must be UTF8")]
    Encoding {
        /// The database.
        database: String,
        /// What it has.
        encoding: String,
    },
    /// The schema is of a later release, which this one cannot work on.
    #[error("the database {database} needs a newer release of roster: it has had {steps}")]
    Newer {
        /// The database.
        database: String,
        /// The steps that this release cannot work with, and which one can.
        steps: String,
    },
    /// The schema cannot be brought up to date.
    #[error("cannot migrate the database {database}: {cause}")]
    Migrate {
        /// The database.
        database: String,
        /// What went wrong.
        cause: DbErr,
    },
}
