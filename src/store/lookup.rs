//! The one door for lookups by identifier: one query for each kind of identifier, however many are asked for.

mod account;
mod hot;

pub use account::Account;
pub(super) use hot::{Asked, queries};

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::sea_query::LockType;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, EnumIter, FromQueryResult, QueryFilter, QueryOrder, QueryResult, QuerySelect, Select,
};

use super::engine::{Reading, keys::any_of};
use super::{Store, Tenant, Tx};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::proto::IdentityProvider;

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
    /// An account at a provider, by the connection to it: [`Identifier::identity`].
    Identity(Account),
    /// An account at a provider, by the kind of provider: [`Identifier::sync_relation`]. Several users may have it.
    SyncRelation(Account),
}

/// The kinds of identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
enum Kind {
    UserId,
    Email,
    Phone,
    Username,
    ExternalId,
    Identity,
    SyncRelation,
}

impl Kind {
    fn name(self) -> &'static str {
        match (self, self.column()) {
            (_, Some(column)) => name(column),
            (Self::Identity, None) => "identity",
            (_, None) => "sync_relation",
        }
    }

    /// The column that identifiers of the kind are matched by; none: they are accounts.
    fn column(self) -> Option<user::Column> {
        match self {
            Self::UserId => Some(user::Column::UserId),
            Self::Email => Some(user::Column::EmailKey),
            Self::Phone => Some(user::Column::PhoneKey),
            Self::Username => Some(user::Column::Username),
            Self::ExternalId => Some(user::Column::ExternalId),
            Self::Identity | Self::SyncRelation => None,
        }
    }

    /// The users who have one of the keys, as far as the tenant sees them, each beside the key and their id.
    fn select<S: Shape>(self, connection: &impl ConnectionTrait, keys: &[&str], tenant: &Tenant) -> Select<user::Entity> {
        let select = match (self, self.column()) {
            (_, Some(column)) => S::select().column_as(column, MATCHED).filter(any_of(connection, column, keys)),
            (Self::Identity, None) => account::by_connection::<S>(connection, keys, MATCHED),
            (_, None) => account::by_provider::<S>(connection, keys, MATCHED),
        };
        S::as_seen_by(tenant, select).column_as(user::Column::UserId, MATCHED_USER)
    }
}

/// What a lookup reads of a user: all of it, or some columns.
pub(super) trait Shape: FromQueryResult + Clone + Send + Sync + 'static {
    /// The query for its columns.
    fn select() -> Select<user::Entity>;

    /// The query for those whom the tenant sees.
    fn as_seen_by(tenant: &Tenant, select: Select<user::Entity>) -> Select<user::Entity> {
        select.filter(tenant.sees_user())
    }
}

impl Shape for user::Model {
    fn select() -> Select<user::Entity> {
        user::Entity::find()
    }
}

impl Identifier {
    /// The account of this id at the provider that the connection leads to.
    #[must_use]
    pub fn identity(ext_idp_id: &str, user_id_in_idp: &str) -> Self {
        Self::Identity(Account::new(ext_idp_id, user_id_in_idp))
    }

    /// The account of this id at any provider of the kind.
    #[must_use]
    pub fn sync_relation(provider: IdentityProvider, user_id_in_idp: &str) -> Self {
        Self::SyncRelation(Account::new(&i32::from(provider).to_string(), user_id_in_idp))
    }

    fn kind(&self) -> Kind {
        match self {
            Self::UserId(_) => Kind::UserId,
            Self::Email(_) => Kind::Email,
            Self::Phone(_) => Kind::Phone,
            Self::Username(_) => Kind::Username,
            Self::ExternalId(_) => Kind::ExternalId,
            Self::Identity(_) => Kind::Identity,
            Self::SyncRelation(_) => Kind::SyncRelation,
        }
    }

    /// What kind of identifier it is, and what it is matched by.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        (self.kind().name(), self.key())
    }

    fn key(&self) -> &str {
        match self {
            Self::UserId(key) | Self::Email(key) | Self::Phone(key) | Self::Username(key) | Self::ExternalId(key) => key,
            Self::Identity(account) | Self::SyncRelation(account) => account.text(),
        }
    }
}

impl Store {
    /// The users that have the identifiers, as far as the tenant sees them, in their order and all of one moment. Each may be
    /// [`Error::UserNotFound`], or [`Error::IdentityAmbiguous`].
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
    let mut kinds: BTreeMap<&'static str, (Kind, Vec<&str>)> = BTreeMap::new();
    for identifier in identifiers {
        let kind = identifier.kind();
        kinds.entry(kind.name()).or_insert_with(|| (kind, Vec::new())).1.push(identifier.key());
    }
    let mut found: HashMap<(&'static str, String), Found<S>> = HashMap::new();
    for (name, (kind, keys)) in kinds {
        let select = kind.select::<S>(connection, &keys, tenant);
        for Matched { key, user } in lock(select).into_model::<Matched<S>>().all(connection).await? {
            match found.entry((name, key)) {
                Entry::Vacant(place) => drop(place.insert(user)),
                Entry::Occupied(mut first) => first.get_mut().ambiguous |= first.get().user_id != user.user_id,
            }
        }
    }
    let answer = |identifier: &Identifier| match found.get(&(identifier.kind().name(), identifier.key().to_owned())) {
        Some(user) if user.ambiguous => Err(Error::IdentityAmbiguous),
        Some(user) => Ok(user.shape.clone()),
        None => Err(Error::UserNotFound),
    };
    Ok(identifiers.iter().map(answer).collect())
}

pub(super) fn name(column: user::Column) -> &'static str {
    sea_orm::IdenStatic::as_str(&column)
}

/// The result columns that tell which identifier a row answers, whose the row is, which organization owns the user of a whole
/// profile, and whether the tenant sees the user.
pub(super) const MATCHED: &str = "matched_key";
const MATCHED_USER: &str = "matched_user";
pub(super) const OWNER: &str = "profile_owner";
pub(super) const SEEN: &str = "seen";

/// A row beside the key that it was found by.
struct Matched<S> {
    key: String,
    user: Found<S>,
}

/// Who was found.
struct Found<S> {
    user_id: String,
    shape: S,
    /// Whether others were too.
    ambiguous: bool,
}

impl<S: Shape> FromQueryResult for Matched<S> {
    fn from_query_result(row: &QueryResult, prefix: &str) -> std::result::Result<Self, DbErr> {
        let (key, user_id) = (row.try_get(prefix, MATCHED)?, row.try_get(prefix, MATCHED_USER)?);
        Ok(Self { key, user: Found { user_id, shape: S::from_query_result(row, prefix)?, ambiguous: false } })
    }
}
