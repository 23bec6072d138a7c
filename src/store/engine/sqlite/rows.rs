//! Values on their way to SQLite and back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql};
use sea_orm::{
    DbBackend, DbErr, ExecResult, MockDatabase, MockDatabaseTrait, MockExecResult, QueryResult, RuntimeErr, Statement, Value,
};

use super::failure::failed;
use crate::store::engine::reads::{ENCODED, Layout};
use crate::store::lookup::OWNER;

/// Rows of at most so many columns can be read by position: sea-orm reads no longer tuples.
const TUPLE: usize = 12;

/// A value to be bound.
pub(super) struct Bound<'v>(pub(super) &'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self.0 {
            Value::Bool(value) => value.map(i64::from).map(ValueRef::Integer),
            Value::TinyInt(value) => value.map(i64::from).map(ValueRef::Integer),
            Value::SmallInt(value) => value.map(i64::from).map(ValueRef::Integer),
            Value::Int(value) => value.map(i64::from).map(ValueRef::Integer),
            Value::BigInt(value) => value.map(ValueRef::Integer),
            Value::TinyUnsigned(value) => value.map(i64::from).map(ValueRef::Integer),
            Value::SmallUnsigned(value) => value.map(i64::from).map(ValueRef::Integer),
            Value::Unsigned(value) => value.map(i64::from).map(ValueRef::Integer),
            Value::BigUnsigned(value) => value.map(i64::try_from).transpose().map_err(unfit)?.map(ValueRef::Integer),
            Value::Float(value) => value.map(f64::from).map(ValueRef::Real),
            Value::Double(value) => value.map(ValueRef::Real),
            Value::String(value) => value.as_ref().map(|text| ValueRef::Text(text.as_bytes())),
            Value::Bytes(value) => value.as_ref().map(|bytes| ValueRef::Blob(bytes)),
            value => return Err(unfit(DbErr::Type(format!("no column takes {value:?}")))),
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}

fn unfit(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}

/// What a column of a result holds. sea-orm reads a number as the very type that it is given as, and takes whatever does not fit
/// for NULL; so the type that the column was declared with decides, and not how SQLite stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    /// Also what is counted or computed, as sea-orm reads it.
    BigInt,
}

/// A column of a result.
struct Column {
    name: String,
    kind: Kind,
}

impl Column {
    fn of(column: &rusqlite::Column<'_>) -> Self {
        let kind = match column.decl_type() {
            Some("BOOLEAN") => Kind::Bool,
            Some("INTEGER") => Kind::Int,
            _ => Kind::BigInt,
        };
        Self { name: column.name().to_owned(), kind }
    }

    fn value(&self, value: ValueRef<'_>) -> Result<Value, DbErr> {
        Ok(match (value, self.kind) {
            (ValueRef::Null, _) => Value::String(None),
            (ValueRef::Integer(number), Kind::Bool) => Value::Bool(Some(number != 0)),
            (ValueRef::Integer(number), Kind::Int) => {
                let number = i32::try_from(number).map_err(unreadable)?;
                Value::Int(Some(number))
            }
            (ValueRef::Integer(number), Kind::BigInt) => Value::BigInt(Some(number)),
            (ValueRef::Real(number), _) => Value::Double(Some(number)),
            (ValueRef::Text(text), _) => Value::String(Some(std::str::from_utf8(text).map_err(unreadable)?.to_owned())),
            (ValueRef::Blob(bytes), _) => Value::Bytes(Some(bytes.to_owned())),
        })
    }
}

fn unreadable<E: std::error::Error>(error: E) -> DbErr {
    DbErr::Query(RuntimeErr::Internal(error.to_string()))
}

/// A row by column.
pub(super) type Values = BTreeMap<String, Value>;

/// The columns of a result.
pub(super) struct Columns {
    /// Those that are handed over, with their places.
    handed: Vec<(usize, Column)>,
    /// Whether they can be read by position, too.
    is_tuple: bool,
    /// Where they are those of a whole user: most of these are handed over as one.
    user: Option<Cow<'static, Layout>>,
}

impl Columns {
    pub(super) fn of(statement: &rusqlite::Statement<'_>) -> Self {
        let columns = statement.columns();
        let user = user(&columns);
        let handed = |index: usize| (index, Column::of(&columns[index]));
        let handed = match &user {
            Some(user) => user.apart(columns.len()).map(handed).collect(),
            None => (0..columns.len()).map(handed).collect(),
        };
        Self { handed, is_tuple: columns.len() <= TUPLE, user }
    }

    /// A row as sea-orm reads it: by name, where what is not there is NULL, or by position, which is that among the sorted names.
    pub(super) fn row(&self, row: &Row<'_>) -> Result<Values, DbErr> {
        let mut values = Values::new();
        for (index, column) in &self.handed {
            let value = column.value(row.get_ref(*index).map_err(failed)?)?;
            if self.is_tuple {
                values.insert(format!("\0{index:02}"), value.clone());
            }
            if value != Value::String(None) {
                values.insert(column.name.clone(), value);
            }
        }
        if let Some(user) = &self.user {
            values.insert(ENCODED.to_owned(), Value::Bytes(Some(user.bytes(row)?)));
        }
        Ok(values)
    }
}

/// The layout of these columns, if they are those of a whole user. The select is nearly always the same one.
fn user(columns: &[rusqlite::Column<'_>]) -> Option<Cow<'static, Layout>> {
    static LAYOUT: OnceLock<Layout> = OnceLock::new();
    let name = |column: usize| columns.get(column).map(rusqlite::Column::name);
    if let Some(known) = LAYOUT.get().filter(|known| known.is_of(name)) {
        return Some(Cow::Borrowed(known));
    }
    let layout = || Layout::of(columns.iter().map(rusqlite::Column::name));
    columns.iter().any(|column| column.name() == OWNER).then(|| {
        let known = LAYOUT.get_or_init(layout);
        if known.is_of(name) { Cow::Borrowed(known) } else { Cow::Owned(layout()) }
    })
}

/// The rows of a query, for sea-orm: it takes those of another driver from its mock alone.
pub(super) fn found(rows: Vec<Values>) -> Result<Vec<QueryResult>, DbErr> {
    if rows.is_empty() { Ok(Vec::new()) } else { mock().append_query_results([rows]).query(0, unnamed()) }
}

/// The end of a statement that changes rows, for sea-orm.
pub(super) fn changed(rows_affected: u64) -> Result<ExecResult, DbErr> {
    mock().append_exec_results([MockExecResult { last_insert_id: 0, rows_affected }]).execute(0, unnamed())
}

fn mock() -> MockDatabase {
    MockDatabase::new(DbBackend::Sqlite)
}

fn unnamed() -> Statement {
    Statement::from_string(DbBackend::Sqlite, "")
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::ColumnType;
    use sea_orm::{ColumnTrait, ConnectOptions, Database, EntityTrait, IdenStatic, Iterable};

    use super::*;
    use crate::entity;

    /// What columns are read as, and what they are declared as.
    fn differences<E: EntityTrait>(connection: &rusqlite::Connection) -> Vec<String> {
        let table = E::default();
        let statement = connection.prepare(&format!("SELECT * FROM \"{}\"", table.table_name())).unwrap();
        let columns: Vec<_> = statement.columns().iter().map(Column::of).collect();
        let differs = |column: &E::Column| {
            let stored = columns.iter().find(|stored| stored.name == column.as_str()).unwrap();
            let kind = match column.def().get_column_type() {
                ColumnType::Boolean => Kind::Bool,
                ColumnType::Integer => Kind::Int,
                ColumnType::BigInteger | ColumnType::String(_) | ColumnType::Text => Kind::BigInt,
                other => panic!("{other:?}"),
            };
            stored.kind != kind
        };
        E::Column::iter().filter(differs).map(|column| format!("{}.{}", table.table_name(), column.as_str())).collect()
    }

    #[tokio::test]
    async fn every_column_is_declared_as_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let made = Database::connect(ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()))).await.unwrap();
        roster_migrations::up(&made).await.unwrap();
        made.close().await.unwrap();
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut differ = Vec::new();
        macro_rules! look {
            ($($table:ident),*) => { $(differ.extend(differences::<entity::$table::Entity>(&connection));)* };
        }
        look!(api_key, api_key_secret, department, group, idempotency_answer, idempotency_password, idempotency_record);
        look!(identity, identity_token, lock, organization, password_guess, post, role, sealing_key, secret_key);
        look!(secret_key_wrap, signing_key, user, user_credential, user_custom_data);
        assert_eq!(differ, [""; 0]);
    }
}
