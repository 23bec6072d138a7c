//! Queries that are asked again and again by other keys: their text is built once, by the same builders as every other query's.

use std::sync::OnceLock;

use sea_orm::sea_query::SelectStatement;
use sea_orm::{ConnectionTrait, DbBackend, Value};

use super::reads::Layout;
use crate::store::Tenant;

/// What parts the key of an account, see [`crate::store::Identifier::parts`].
const SEPARATOR: char = '\n';
/// What stands for a key, and for the tenant's organization, while the text is built.
const KEYS: [&str; 2] = ["place 1\nid 1", "place 2\nid 2"];
const ORGANIZATION: &str = "organization";

/// A query by keys, all of one tenant.
#[derive(Debug)]
pub(in crate::store) struct Prepared {
    pub(super) sql: String,
    pub(super) slots: Vec<Slot>,
    /// What its columns are, once it has been answered.
    pub(super) layout: OnceLock<Layout>,
}

/// What goes into a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Slot {
    /// A part of the key, or of each of the keys.
    Key(Part),
    /// The id of the tenant's organization.
    Organization,
    /// The same each time.
    Constant(Value),
}

/// A part of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// Where an account is.
    Place,
    /// Its id there.
    Id,
}

impl Part {
    pub(super) fn of(self, key: &str) -> &str {
        match (self, key.split_once(SEPARATOR)) {
            (Self::Place, Some((place, _))) => place,
            (Self::Id, Some((_, id))) => id,
            _ => key,
        }
    }
}

impl Prepared {
    /// The query that `build` makes of some keys and a tenant, who is bound to an organization or not. SQLite is asked for each key
    /// by itself, which costs it least; PostgreSQL for all at once.
    pub(in crate::store) fn new(
        connection: &impl ConnectionTrait,
        bound: bool,
        build: impl Fn(&[&str], &Tenant) -> SelectStatement,
    ) -> Self {
        let backend = connection.get_database_backend();
        let keys = if backend == DbBackend::Sqlite { &KEYS[..1] } else { &KEYS[..] };
        let statement = backend.build(&build(keys, &Tenant::of(bound.then_some(ORGANIZATION))));
        let values = statement.values.map(|values| values.0).unwrap_or_default();
        Self { sql: statement.sql, slots: values.into_iter().map(slot).collect(), layout: OnceLock::new() }
    }
}

fn slot(value: Value) -> Slot {
    let text = match &value {
        Value::String(Some(text)) => text.as_str(),
        Value::Array(_, Some(items)) => match items.first() {
            Some(Value::String(Some(text))) => text.as_str(),
            _ => return Slot::Constant(value),
        },
        _ => return Slot::Constant(value),
    };
    let parts = [Part::Whole, Part::Place, Part::Id];
    match parts.into_iter().find(|part| part.of(KEYS[0]) == text) {
        Some(part) => Slot::Key(part),
        None if text == ORGANIZATION => Slot::Organization,
        None => Slot::Constant(value),
    }
}
