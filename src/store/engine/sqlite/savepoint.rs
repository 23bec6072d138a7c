//! A transaction, or a part of one: where the statements of a change or a read go.

use std::sync::Arc;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};

use super::connection::{Shared, lock};
use super::failure::failed;
use super::rows::{self, Bound, Columns};

/// Who is told of every statement.
pub(in crate::store::engine) type Observer = Arc<dyn Fn() + Send + Sync>;

/// A savepoint. One within another is undone when it is dropped; the outermost is ended by whoever began the transaction.
pub(in crate::store) struct Savepoint {
    connection: Shared,
    observer: Option<Observer>,
    /// How many it stands in.
    depth: usize,
    ended: bool,
}

impl Savepoint {
    /// That of a change, or of a read.
    pub(in crate::store::engine) fn outermost(connection: Shared, observer: Option<Observer>) -> Self {
        Self { connection, observer, depth: 0, ended: true }
    }

    /// One within it.
    pub(in crate::store::engine) fn begin(&self) -> Result<Self, DbErr> {
        let mut inner =
            Self { connection: self.connection.clone(), observer: self.observer.clone(), depth: self.depth + 1, ended: true };
        inner.run("SAVEPOINT")?;
        inner.ended = false;
        Ok(inner)
    }

    /// Keeps what was done since it began.
    pub(in crate::store::engine) fn release(mut self) -> Result<(), DbErr> {
        self.ended = true;
        self.run("RELEASE")
    }

    /// Undoes what was done since it began.
    pub(in crate::store::engine) fn undo(mut self) -> Result<(), DbErr> {
        self.ended = true;
        self.run("ROLLBACK TO")?;
        self.run("RELEASE")
    }

    fn run(&self, what: &str) -> Result<(), DbErr> {
        let sql = format!("{what} part_{}", self.depth);
        self.with(|connection| connection.prepare_cached(&sql)?.raw_execute().map(drop))
    }

    /// Runs a statement, but none outside of the transaction: it would be committed by itself.
    fn with<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> Result<T, DbErr> {
        let connection = lock(&self.connection);
        if connection.is_autocommit() {
            return Err(DbErr::Exec(RuntimeErr::Internal("the transaction is rolled back".to_owned())));
        }
        work(&connection).map_err(failed)
    }

    fn execute_now(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        let changed = self.with(|connection| {
            let mut prepared = connection.prepare_cached(&statement.sql)?;
            bind(&mut prepared, statement)?;
            prepared.raw_execute()
        });
        rows::changed(self.observed(changed)? as u64)
    }

    fn query_now(&self, statement: &Statement, most: usize) -> Result<Vec<QueryResult>, DbErr> {
        let found = self.with(|connection| {
            let mut prepared = connection.prepare_cached(&statement.sql)?;
            bind(&mut prepared, statement)?;
            let columns = Columns::of(&prepared);
            let (mut next, mut found) = (prepared.raw_query(), Vec::new());
            while found.len() < most
                && let Some(row) = next.next()?
            {
                found.push(columns.row(row));
            }
            Ok(found)
        });
        rows::found(self.observed(found)?.into_iter().collect::<Result<_, _>>()?)
    }

    fn observed<T>(&self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Some(observer) = &self.observer {
            observer();
        }
        result
    }
}

impl Drop for Savepoint {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if let Err(error) = self.run("ROLLBACK TO").and_then(|()| self.run("RELEASE")) {
            tracing::debug!(%error, "undoing a savepoint");
        }
    }
}

fn bind(prepared: &mut rusqlite::Statement<'_>, statement: &Statement) -> rusqlite::Result<()> {
    let values = statement.values.iter().flat_map(|values| &values.0);
    values.enumerate().try_for_each(|(index, value)| prepared.raw_bind_parameter(index + 1, Bound(value)))
}

#[async_trait]
impl ConnectionTrait for Savepoint {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.execute_now(&statement)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.with(|connection| connection.execute_batch(sql)).and_then(|()| rows::changed(0))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_now(&statement, 1)?.pop())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.query_now(&statement, usize::MAX)
    }
}
