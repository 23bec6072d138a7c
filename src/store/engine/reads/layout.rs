//! What the columns of a query are: found by their names, once, and then gone by.

use prost::bytes::BytesMut;
use sea_orm::DbErr;

use super::{KeyRow, User};
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::proto::wire::{Cell, Field, USER_FIELDS};
use crate::store::Tenant;
use crate::store::lookup::{MATCHED, OWNER, SEEN};

/// A row as its engine has it.
pub(super) trait Row {
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
    /// Whether the tenant sees the user.
    seen: Option<usize>,
    /// The field that names who owns the user, which not every tenant is shown.
    owner: Option<u32>,
}

impl Layout {
    pub(super) fn of<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let place = |name: &str| columns.iter().position(|column| *column == name);
        // The column of this name has an owner that may be gone.
        let owner_field = "tenant_id";
        let column = |field: &Field| place(if field.name == owner_field { OWNER } else { field.name });
        let fields = USER_FIELDS.iter().filter_map(|field| Some((*field, column(field)?))).collect();
        let owner = USER_FIELDS.iter().find(|field| field.name == owner_field).map(|field| field.number);
        Self { fields, matched: place(MATCHED), seen: place(SEEN), owner }
    }

    /// The user of the row, as the tenant is shown them; what is written goes to the buffer's end.
    pub(super) fn user(&self, row: &impl Row, tenant: &Tenant, buffer: &mut BytesMut) -> Result<User> {
        for (field, column) in &self.fields {
            let cell = row.cell(*column)?;
            if Some(field.number) == self.owner && !is_shown(cell, tenant) {
                continue;
            }
            field.write(cell, buffer).map_err(Error::internal)?;
        }
        let seen = match self.seen {
            Some(column) => row.cell(column)? == Cell::Number(1),
            None => true,
        };
        Ok(User { bytes: buffer.split().freeze(), seen })
    }

    /// The key that the row was found by.
    pub(super) fn matched<'a>(&self, row: &'a impl Row) -> Result<&'a str> {
        text(row, self.matched.unwrap_or(usize::MAX))?.ok_or_else(|| Error::internal("a row without its key"))
    }
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
