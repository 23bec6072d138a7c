//! What the columns of a query are: found by their names, once, and then gone by.

use std::borrow::Cow;
use std::sync::OnceLock;

use prost::bytes::{Bytes, BytesMut};
use sea_orm::sqlx::{Column, Row as _};
use sea_orm::{DbErr, QueryResult};

use super::{KeyRow, USER, User};
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::proto::wire::{Cell, Field, USER_FIELDS};
use crate::store::Tenant;
use crate::store::lookup::{MATCHED, OWNER, SEEN};

/// The column of a user's id.
const USER_ID: &str = "user_id";
/// The column in which a user is handed over as bytes, where sea-orm has no row of a driver.
pub(in crate::store::engine) const ENCODED: &str = "\0user";

/// A row as its engine has it.
pub(in crate::store::engine) trait Row {
    /// What it holds in this column.
    fn cell(&self, index: usize) -> Result<Cell<'_>, DbErr>;
}

/// Where a query has what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Layout {
    /// The fields of the user by number, each with its column.
    fields: Vec<(Field, usize)>,
    /// The key that the row was found by.
    matched: Option<usize>,
    /// The user's id.
    user_id: Option<usize>,
    /// Whether the tenant sees the user.
    seen: Option<usize>,
    /// Who owns the user.
    owner_column: Option<usize>,
    /// The field that names who owns the user, which not every tenant is shown.
    owner: Option<u32>,
    /// The columns that do not go into the bytes of the user, or are asked for beside these.
    apart: Vec<usize>,
    /// How many columns there are.
    columns: usize,
}

impl Layout {
    pub(in crate::store::engine) fn of<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let place = |name: &str| columns.iter().position(|column| *column == name);
        // The column of this name has an owner that may be gone.
        let owner_field = "tenant_id";
        let column = |field: &Field| place(if field.name == owner_field { OWNER } else { field.name });
        let fields = USER_FIELDS.iter().filter_map(|field| Some((*field, column(field)?))).collect();
        let owner = USER_FIELDS.iter().find(|field| field.name == owner_field).map(|field| field.number);
        let (matched, user_id, seen) = (place(MATCHED), place(USER_ID), place(SEEN));
        let within = |name: &str| name != USER_ID && name != OWNER && USER_FIELDS.iter().any(|field| field.name == name);
        let apart = columns.iter().enumerate().filter(|(_, name)| !within(name)).map(|(index, _)| index).collect();
        Self { fields, matched, user_id, seen, owner_column: place(OWNER), owner, apart, columns: columns.len() }
    }

    /// The user of the row, as the tenant is shown them; what is written goes to the buffer's end.
    pub(super) fn user(&self, row: &impl Row, tenant: &Tenant, buffer: &mut BytesMut) -> Result<User> {
        self.write(row, |owner| is_shown(owner, tenant), buffer)?;
        let seen = match self.seen {
            Some(column) => row.cell(column)? == Cell::Number(1),
            None => true,
        };
        Ok(User { bytes: buffer.split().freeze(), seen })
    }

    /// The columns that are handed over beside the bytes of the user, of so many: the id is in them, too, and what a query asks for
    /// beside the user comes behind.
    pub(in crate::store::engine) fn apart(&self, columns: usize) -> impl Iterator<Item = usize> {
        self.apart.iter().copied().chain(self.columns..columns).filter(move |column| *column < columns)
    }

    /// The user of the row without who owns them.
    pub(in crate::store::engine) fn bytes(&self, row: &impl Row) -> Result<Vec<u8>, DbErr> {
        let mut buffer = BytesMut::with_capacity(USER);
        self.write(row, |_| false, &mut buffer).map_err(|error| DbErr::Type(error.to_string()))?;
        Ok(buffer.into())
    }

    /// The id of the user of the row, all that is told to everybody, and who owns the user.
    fn parts(&self, row: &impl Row) -> Result<(String, BytesMut, Option<String>)> {
        let mut buffer = BytesMut::with_capacity(USER);
        self.write(row, |_| false, &mut buffer)?;
        let text = |column: Option<usize>| text(row, column.unwrap_or(usize::MAX)).map(|text| text.map(ToOwned::to_owned));
        Ok((text(self.user_id)?.unwrap_or_default(), buffer, text(self.owner_column)?))
    }

    fn write(&self, row: &impl Row, shows_owner: impl Fn(Cell<'_>) -> bool, buffer: &mut BytesMut) -> Result<()> {
        for (field, column) in &self.fields {
            let cell = row.cell(*column)?;
            if Some(field.number) != self.owner || shows_owner(cell) {
                field.write(cell, buffer).map_err(Error::internal)?;
            }
        }
        Ok(())
    }

    /// Whether it is that of rows with these columns, as far as can be told quickly.
    pub(in crate::store::engine) fn is_of<'a>(&self, name: impl Fn(usize) -> Option<&'a str>) -> bool {
        self.owner_column.and_then(name) == Some(OWNER)
    }

    /// The key that the row was found by.
    pub(super) fn matched<'a>(&self, row: &'a impl Row) -> Result<&'a str> {
        text(row, self.matched.unwrap_or(usize::MAX))?.ok_or_else(|| Error::internal("a row without its key"))
    }
}

/// The user of a row that came by way of sea-orm: id, bytes without the owner, and the owner. The columns of all rows that share
/// the layout are the same, but for what comes behind them.
pub(in crate::store) fn encoded(
    row: &QueryResult,
    layout: &OnceLock<Layout>,
) -> Result<(String, BytesMut, Option<String>), DbErr> {
    let parts = if let Some(row) = row.try_as_pg_row() {
        shared(row.columns(), layout).parts(row)
    } else if let Some(row) = row.try_as_sqlite_row() {
        shared(row.columns(), layout).parts(row)
    } else {
        let bytes: Vec<u8> = row.try_get("", ENCODED)?;
        return Ok((row.try_get("", USER_ID)?, Bytes::from(bytes).into(), row.try_get("", OWNER)?));
    };
    parts.map_err(|error| DbErr::Type(error.to_string()))
}

/// The layout, or another one where the columns are not those.
fn shared<'a, C: Column>(columns: &[C], layout: &'a OnceLock<Layout>) -> Cow<'a, Layout> {
    let names = || columns.iter().map(Column::name);
    let known = layout.get_or_init(|| Layout::of(names()));
    let name = |column: usize| columns.get(column).map(Column::name);
    if known.is_of(name) { Cow::Borrowed(known) } else { Cow::Owned(Layout::of(names())) }
}

/// Whether an organization of this id may be shown.
fn is_shown(owner: Cell<'_>, tenant: &Tenant) -> bool {
    match owner {
        Cell::Text(id) => tenant.organization_id().is_none_or(|own| own.as_bytes() == id),
        _ => false,
    }
}

/// The hash of a secret, and the key that it opens.
pub(super) fn key(row: &impl Row) -> Result<(String, KeyRow)> {
    let required = |index| text(row, index)?.map(ToOwned::to_owned).ok_or_else(|| Error::internal("a key without an id"));
    let time = |index| match row.cell(index)? {
        Cell::Number(micros) => Ok::<_, DbErr>(Some(Timestamp::from_micros(micros))),
        _ => Ok(None),
    };
    let key = KeyRow {
        api_key_id: required(1)?,
        scopes: required(2)?,
        organization_id: text(row, 3)?.map(ToOwned::to_owned),
        revoked_at: time(4)?,
        expires_at: time(5)?,
        secret_expires_at: time(6)?,
    };
    Ok((required(0)?, key))
}

fn text(row: &impl Row, index: usize) -> Result<Option<&str>> {
    match row.cell(index)? {
        Cell::Text(text) => std::str::from_utf8(text).map(Some).map_err(Error::internal),
        _ => Ok(None),
    }
}
