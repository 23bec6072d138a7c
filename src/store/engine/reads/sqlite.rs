//! Rounds on SQLite: on the thread that asks, since each look costs less than a way to another thread; one read transaction a
//! round, and in it a point look-up for each question.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prost::bytes::BytesMut;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Rows};
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{self, Decode, Row as _, Sqlite, TypeInfo, ValueRef as _};
use sea_orm::{DbErr, RuntimeErr, Value};

use super::layout::{self, Layout, Row};
use super::{Answer, Found, KeyRow, Look, Question, USER};
use crate::error::{Error, Result};
use crate::proto::wire::Cell;
use crate::store::Tenant;
use crate::store::engine::Engine;
use crate::store::engine::prepared::{Prepared, Slot};
use crate::store::engine::sqlite::connection::Settings;

/// A connection that only reads, opened when it is first needed.
pub(super) struct Connection {
    settings: Settings,
    state: Mutex<State>,
}

enum State {
    Unopened,
    Open(rusqlite::Connection),
    Closed,
}

impl Connection {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, state: Mutex::new(State::Unopened) }
    }

    pub(super) fn close(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::Closed;
    }

    /// Answers the questions, all of one state. A connection that failed may have its transaction open still: the next round has
    /// another one.
    pub(super) fn answer(&self, engine: &Engine, questions: &[Question]) -> Result<Vec<Answer>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Unopened = *state {
            *state = State::Open(self.settings.connect()?);
        }
        let State::Open(connection) = &*state else {
            return Err(Error::StoreUnavailable { outcome_unknown: false, cause: "it is closed".into() });
        };
        let answered = Round::answer(connection, engine, questions);
        if answered.is_err() {
            *state = State::Unopened;
        }
        answered
    }
}

/// What a round has at hand.
struct Round<'a> {
    connection: &'a rusqlite::Connection,
    engine: &'a Engine,
    /// The keys that were read: callers are few.
    keys: HashMap<&'a str, Option<Arc<KeyRow>>>,
    /// The statements that were looked up, by their place in the queries.
    users: Vec<Option<CachedStatement<'a>>>,
}

impl<'a> Round<'a> {
    /// Answers the questions in a transaction of their own.
    fn answer(connection: &'a rusqlite::Connection, engine: &'a Engine, questions: &'a [Question]) -> Result<Vec<Answer>> {
        connection.prepare_cached("BEGIN")?.raw_execute()?;
        let mut round = Self { connection, engine, keys: HashMap::new(), users: Vec::new() };
        round.users.resize_with(engine.hot.queries.users.len(), || None);
        let mut buffer = BytesMut::with_capacity(questions.len() * USER);
        let answer = |question: &'a Question| match question {
            Question::Key(hash) => round.key(hash).map(Answer::Key),
            Question::User(look) => round.user(look, &mut buffer).map(Answer::User),
        };
        let answers = questions.iter().map(answer).collect::<Result<_>>()?;
        drop(round);
        connection.prepare_cached("COMMIT")?.raw_execute()?;
        Ok(answers)
    }

    fn key(&mut self, hash: &'a str) -> Result<Option<Arc<KeyRow>>> {
        if let Some(known) = self.keys.get(hash) {
            return Ok(known.clone());
        }
        let query = &self.engine.hot.queries.key;
        let mut statement = self.connection.prepare_cached(&query.sql)?;
        bind(&mut statement, query, hash, &Tenant::Pool)?;
        self.engine.count_statement();
        let key = statement.raw_query().next()?.map(layout::key).transpose()?.map(|(_, key)| Arc::new(key));
        self.keys.insert(hash, key.clone());
        Ok(key)
    }

    fn user(&mut self, look: &Look, buffer: &mut BytesMut) -> Result<Found> {
        let query = &self.engine.hot.queries.users[look.query];
        let statement = &mut self.users[look.query];
        if statement.is_none() {
            *statement = Some(self.connection.prepare_cached(&query.sql)?);
        }
        let Some(statement) = statement else { return Ok(Found::Nobody) };
        let layout = query.layout.get_or_init(|| Layout::of(statement.column_names()));
        bind(statement, query, &look.key, &look.tenant)?;
        self.engine.count_statement();
        let mut found = Found::Nobody;
        let mut rows: Rows<'_> = statement.raw_query();
        while let Some(row) = rows.next()? {
            found.add(layout.user(row, &look.tenant, buffer)?);
            if found == Found::Several {
                break;
            }
        }
        Ok(found)
    }
}

/// Fills in the parameters.
fn bind(statement: &mut CachedStatement<'_>, query: &Prepared, key: &str, tenant: &Tenant) -> Result<()> {
    for (place, slot) in (1..).zip(&query.slots) {
        match slot {
            Slot::Key(part) => statement.raw_bind_parameter(place, part.of(key))?,
            Slot::Organization => statement.raw_bind_parameter(place, tenant.organization_id())?,
            Slot::Constant(Value::BigInt(number)) => statement.raw_bind_parameter(place, number)?,
            Slot::Constant(Value::BigUnsigned(Some(number))) => {
                statement.raw_bind_parameter(place, i64::try_from(*number).map_err(Error::internal)?)?;
            }
            Slot::Constant(Value::Int(number)) => statement.raw_bind_parameter(place, number)?,
            Slot::Constant(Value::Bool(flag)) => statement.raw_bind_parameter(place, flag)?,
            Slot::Constant(Value::String(text)) => statement.raw_bind_parameter(place, text)?,
            Slot::Constant(other) => {
                return Err(Error::internal(format!("a parameter of a kind that nothing needed: {other:?}")));
            }
        }
    }
    Ok(())
}

impl Row for rusqlite::Row<'_> {
    fn cell(&self, index: usize) -> Result<Cell<'_>, DbErr> {
        match self.get_ref(index).map_err(|error| DbErr::Custom(error.to_string()))? {
            ValueRef::Null => Ok(Cell::Null),
            ValueRef::Text(text) if std::str::from_utf8(text).is_ok() => Ok(Cell::Text(text)),
            ValueRef::Integer(number) => Ok(Cell::Number(number)),
            ValueRef::Text(_) | ValueRef::Real(_) | ValueRef::Blob(_) => {
                Err(DbErr::Type(format!("column {index} is of no type of ours")))
            }
        }
    }
}

impl Row for SqliteRow {
    fn cell(&self, index: usize) -> Result<Cell<'_>, DbErr> {
        let failed = |error: sqlx::Error| DbErr::Query(RuntimeErr::SqlxError(error.into()));
        let value = self.try_get_raw(index).map_err(failed)?;
        let mistyped = |error: sqlx::error::BoxDynError| DbErr::Type(error.to_string());
        if value.is_null() {
            return Ok(Cell::Null);
        }
        match value.type_info().name() {
            "TEXT" => <&str as Decode<'_, Sqlite>>::decode(value).map(|text| Cell::Text(text.as_bytes())).map_err(mistyped),
            _ => <i64 as Decode<'_, Sqlite>>::decode(value).map(Cell::Number).map_err(mistyped),
        }
    }
}
