//! The one door for lookups by identifier: one query for each kind of identifier, however many are asked for.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::sea_query::LockType;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect, Select,
};

use super::engine::{Reading, keys::any_of};
use super::{Store, Tenant, Tx};
use crate::entity::user;
use crate::error::{Error, Result};

/// An identifier of a user in the form it is matched by ([`crate::normalize`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// The user's own id.
    UserId(String),
    /// The key of an email.
    Email(String),
    /// A phone number in E.164.
    Phone(String),
    /// A username in NFC.
    Username(String),
    /// An id in another system.
    ExternalId(String),
}

/// What a lookup reads of a user: all of it, or some columns.
pub(super) trait Shape: FromQueryResult + Clone + Send + Sync + 'static {
    /// The query for its columns.
    fn select() -> Select<user::Entity>;
}

impl Shape for user::Model {
    fn select() -> Select<user::Entity> {
        user::Entity::find()
    }
}

impl Identifier {
    fn column(&self) -> user::Column {
        match self {
            Self::UserId(_) => user::Column::UserId,
            Self::Email(_) => user::Column::EmailKey,
            Self::Phone(_) => user::Column::PhoneKey,
            Self::Username(_) => user::Column::Username,
            Self::ExternalId(_) => user::Column::ExternalId,
        }
    }

    /// What kind of identifier it is, and what it is matched by.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        (name(self.column()), self.key())
    }

    fn key(&self) -> &str {
        let (Self::UserId(key) | Self::Email(key) | Self::Phone(key) | Self::Username(key) | Self::ExternalId(key)) = self;
        key
    }
}

impl Store {
    /// The users that have the identifiers, as far as the tenant sees them, in their order and all of one moment. Each may be
    /// [`Error::UserNotFound`].
    pub(super) async fn lookup<S: Shape>(&self, tenant: &Tenant, identifiers: &[Identifier]) -> Result<Vec<Result<S>>> {
        let kinds: HashSet<_> = identifiers.iter().map(std::mem::discriminant).collect();
        let (tenant, identifiers) = (tenant.clone(), identifiers.to_vec());
        let read = move |reading: Reading| {
            let (tenant, identifiers) = (tenant.clone(), identifiers.clone());
            async move { find(&reading.connection(), &tenant, &identifiers).await }
        };
        // One query for each kind: together they must not see somebody before a change and after it.
        if kinds.len() > 1 { self.engine.snapshot(read).await } else { self.engine.read(read).await }
    }
}

/// As [`Store::lookup`], in the transaction at hand.
pub(super) async fn find<S: Shape>(
    connection: &impl ConnectionTrait,
    tenant: &Tenant,
    identifiers: &[Identifier],
) -> Result<Vec<Result<S>>> {
    match_up(connection, tenant, identifiers, |select| select).await
}

/// As [`find`], for one.
pub(super) async fn find_one<S: Shape>(
    connection: &impl ConnectionTrait,
    tenant: &Tenant,
    identifier: &Identifier,
) -> Result<S> {
    one(find(connection, tenant, std::slice::from_ref(identifier)).await?)
}

/// As [`find`], by the tenant that the transaction is for, and until it ends nobody else changes or deletes them; who joins them
/// to a group need not wait. They are locked in one order, kind by kind, so that those who lock several seldom wait for each
/// other.
pub(super) async fn find_to_change<S: Shape>(tx: &Tx, identifiers: &[Identifier]) -> Result<Vec<Result<S>>> {
    locked(tx, identifiers, LockType::NoKeyUpdate).await
}

/// As [`find_to_change`], and nobody joins them to anything.
pub(super) async fn find_to_delete<S: Shape>(tx: &Tx, identifiers: &[Identifier]) -> Result<Vec<Result<S>>> {
    locked(tx, identifiers, LockType::Update).await
}

async fn locked<S: Shape>(tx: &Tx, identifiers: &[Identifier], lock: LockType) -> Result<Vec<Result<S>>> {
    let lock = |select: Select<user::Entity>| select.order_by_asc(user::Column::UserId).lock(lock);
    match_up(&tx.connection, tx.tenant(), identifiers, lock).await
}

/// As [`find_to_change`], for one.
pub(super) async fn find_one_to_change<S: Shape>(tx: &Tx, identifier: &Identifier) -> Result<S> {
    one(find_to_change(tx, std::slice::from_ref(identifier)).await?)
}

/// What was found for one identifier.
fn one<S>(mut found: Vec<Result<S>>) -> Result<S> {
    found.pop().unwrap_or(Err(Error::UserNotFound))
}

/// The users that have the identifiers, in their order, by one query for each kind of identifier.
async fn match_up<S: Shape>(
    connection: &impl ConnectionTrait,
    tenant: &Tenant,
    identifiers: &[Identifier],
    lock: impl Fn(Select<user::Entity>) -> Select<user::Entity>,
) -> Result<Vec<Result<S>>> {
    let mut keys: BTreeMap<&'static str, (user::Column, Vec<&str>)> = BTreeMap::new();
    for identifier in identifiers {
        let column = identifier.column();
        keys.entry(name(column)).or_insert_with(|| (column, Vec::new())).1.push(identifier.key());
    }
    let mut found: HashMap<(&'static str, String), S> = HashMap::new();
    for (name, (column, keys)) in keys {
        let select = S::select().filter(tenant.sees_user());
        let select = select.column_as(column, MATCHED).filter(any_of(connection, column, keys));
        for row in lock(select).into_model::<Matched<S>>().all(connection).await? {
            found.insert((name, row.key), row.shape);
        }
    }
    let answer = |identifier: &Identifier| found.get(&(name(identifier.column()), identifier.key().to_owned())).cloned();
    Ok(identifiers.iter().map(|identifier| answer(identifier).ok_or(Error::UserNotFound)).collect())
}

pub(super) fn name(column: user::Column) -> &'static str {
    sea_orm::IdenStatic::as_str(&column)
}

/// The result column that tells which identifier a row answers.
const MATCHED: &str = "matched_key";

/// A row beside the key that it was found by.
struct Matched<S> {
    key: String,
    shape: S,
}

impl<S: Shape> FromQueryResult for Matched<S> {
    fn from_query_result(row: &QueryResult, prefix: &str) -> std::result::Result<Self, DbErr> {
        Ok(Self { key: row.try_get(prefix, MATCHED)?, shape: S::from_query_result(row, prefix)? })
    }
}
