//! Rounds on PostgreSQL: the keys by one statement and the users of each kind of identifier by another, side by side on two
//! connections where there are two. Each sees what was committed before it, and none of these is older than the round.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use prost::bytes::BytesMut;
use sea_orm::sqlx::postgres::{PgArguments, PgConnection, PgRow, Postgres};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, AssertSqlSafe, Column, Executor, Row as _, ValueRef};
use sea_orm::{DbErr, RuntimeErr, Value};

use super::layout::{self, Layout, Row};
use super::{Answer, Found, KeyRow, Look, Question, USER};
use crate::error::{Error, Result};
use crate::proto::wire::Cell;
use crate::store::Tenant;
use crate::store::engine::postgres::Pool;
use crate::store::engine::prepared::{Prepared, Slot};
use crate::store::engine::{Engine, Opening};

/// How long a statement may take: it looks at so few rows that a server which needs longer stands still, or is out of reach.
const PATIENCE: Duration = Duration::from_secs(5);

/// The types whose values are no text, by their numbers in PostgreSQL's `pg_type`, which never change: every cell is asked for its own.
const BOOL: u32 = 16;
const INT8: u32 = 20;
const INT4: u32 = 23;

/// What was found of the looks by one query for one tenant, by key.
type Group<'a> = HashMap<&'a str, Found>;
/// The looks by query and tenant.
type Groups<'a> = BTreeMap<(usize, Option<&'a str>), Vec<&'a Look>>;

/// Answers the questions.
pub(super) async fn answer(pool: &Pool, engine: &Engine, questions: &[Question]) -> Result<Vec<Answer>> {
    let (mut hashes, mut groups) = (Vec::new(), Groups::new());
    for question in questions {
        match question {
            Question::Key(hash) => hashes.push(hash.as_str()),
            Question::User(look) => groups.entry((look.query, look.tenant.organization_id())).or_default().push(look),
        }
    }
    // Callers are few.
    hashes.sort_unstable();
    hashes.dedup();
    let (keys, users) = (keys(pool, engine, &hashes), users(pool, engine, &groups));
    // Both to their end: the driver loses sight of a transaction that is dropped while it begins.
    let (keys, users) = if pool.is_double() { tokio::join!(keys, users) } else { (keys.await, users.await) };
    let (keys, users) = (keys?, users?);
    let found = |look: &Look| {
        let group = users.get(&(look.query, look.tenant.organization_id()));
        group.and_then(|group| group.get(look.key.as_str())).cloned().unwrap_or(Found::Nobody)
    };
    let answer = |question: &Question| match question {
        Question::Key(hash) => Answer::Key(keys.get(hash).cloned()),
        Question::User(look) => Answer::User(found(look)),
    };
    Ok(questions.iter().map(answer).collect())
}

async fn keys(pool: &Pool, engine: &Engine, hashes: &[&str]) -> Result<HashMap<String, Arc<KeyRow>>> {
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = fetch(pool, engine, &engine.hot.queries.key, hashes, &Tenant::Pool).await?;
    rows.iter().map(|row| layout::key(row).map(|(hash, key)| (hash, Arc::new(key)))).collect()
}

async fn users<'a>(pool: &Pool, engine: &Engine, groups: &Groups<'a>) -> Result<HashMap<(usize, Option<&'a str>), Group<'a>>> {
    let mut all = HashMap::with_capacity(groups.len());
    for (group, looks) in groups {
        let Some(tenant) = looks.first().map(|look| &look.tenant) else { continue };
        let query = &engine.hot.queries.users[group.0];
        let mut found: Group<'a> = looks.iter().map(|look| (look.key.as_str(), Found::Nobody)).collect();
        let keys: Vec<_> = found.keys().copied().collect();
        let rows = fetch(pool, engine, query, &keys, tenant).await?;
        let mut buffer = BytesMut::with_capacity(rows.len() * USER);
        for row in &rows {
            let layout = query.layout.get_or_init(|| Layout::of(row.columns().iter().map(Column::name)));
            let user = layout.user(row, tenant, &mut buffer)?;
            if let Some(place) = found.get_mut(layout.matched(row)?) {
                place.add(user);
            }
        }
        all.insert(*group, found);
    }
    Ok(all)
}

/// The rows of a query by these keys.
async fn fetch(pool: &Pool, engine: &Engine, query: &Prepared, keys: &[&str], tenant: &Tenant) -> Result<Vec<PgRow>> {
    let mut line = pool.take().await.map_err(acquire_failed)?;
    engine.count_statement();
    let asked = bound(query, keys, tenant)?;
    let connection = line.connection();
    let fetched = async {
        match engine.opening {
            Some(opening) => fetch_apart(connection, asked, opening).await,
            None => asked.fetch_all(connection).await,
        }
    };
    let Ok(rows) = tokio::time::timeout(PATIENCE, fetched).await else {
        line.cut();
        return Err(failed(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
    };
    let rows = rows.map_err(failed)?;
    pool.keep(line);
    Ok(rows)
}

/// The rows of a query in a transaction of its own, which behind a pooler has another connection each time.
async fn fetch_apart(
    connection: &mut PgConnection,
    query: Query<'_, Postgres, PgArguments>,
    opening: Opening,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut transaction = sqlx::Connection::begin(connection).await?;
    (&mut *transaction).execute(opening.read).await?;
    let rows = query.fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// The query with its parameters.
fn bound<'q>(query: &'q Prepared, keys: &[&'q str], tenant: &'q Tenant) -> Result<Query<'q, Postgres, PgArguments>> {
    let mut bound = sqlx::query(AssertSqlSafe(query.sql.as_str()));
    for slot in &query.slots {
        bound = match slot {
            Slot::Key(part) => bound.bind(keys.iter().map(|key| part.of(key)).collect::<Vec<_>>()),
            Slot::Organization => bound.bind(tenant.organization_id()),
            Slot::Constant(Value::BigInt(number)) => bound.bind(*number),
            Slot::Constant(Value::BigUnsigned(Some(number))) => bound.bind(i64::try_from(*number).map_err(Error::internal)?),
            Slot::Constant(Value::Int(number)) => bound.bind(*number),
            Slot::Constant(Value::Bool(flag)) => bound.bind(*flag),
            Slot::Constant(Value::String(text)) => bound.bind(text.clone()),
            Slot::Constant(other) => {
                return Err(Error::internal(format!("a parameter of a kind that nothing needed: {other:?}")));
            }
        };
    }
    Ok(bound)
}

fn acquire_failed(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::Timeout).into(),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(sea_orm::ConnAcquireErr::ConnectionClosed).into(),
        other => DbErr::Conn(RuntimeErr::SqlxError(other.into())).into(),
    }
}

fn failed(error: sqlx::Error) -> Error {
    DbErr::Query(RuntimeErr::SqlxError(error.into())).into()
}

impl Row for PgRow {
    fn cell(&self, index: usize) -> Result<Cell<'_>, DbErr> {
        let failed = |error: sqlx::Error| DbErr::Query(RuntimeErr::SqlxError(error.into()));
        let value = self.try_get_raw(index).map_err(failed)?;
        if value.is_null() {
            return Ok(Cell::Null);
        }
        let bytes = value.as_bytes().map_err(|error| DbErr::Type(error.to_string()))?;
        // What is prepared is answered in binary.
        Ok(match (value.type_info().oid().map(|oid| oid.0), bytes) {
            (Some(BOOL), [flag]) => Cell::Number((*flag).into()),
            (Some(INT4), bytes) => Cell::Number(i32::from_be_bytes(bytes.try_into().unwrap_or_default()).into()),
            (Some(INT8), bytes) => Cell::Number(i64::from_be_bytes(bytes.try_into().unwrap_or_default())),
            _ => Cell::Text(bytes),
        })
    }
}
