//! Which identifiers are taken. The database's constraints decide that a write fails, and name one of them; the caller is told
//! of all.

use sea_orm::ActiveValue::{self, Set};
use sea_orm::ConnectionTrait;

use super::row::Brief;
use crate::entity::user::ActiveModel;
use crate::error::{Conflict, Error, Result};
use crate::store::engine::Reading;
use crate::store::{Identifier, Store, Tenant, lookup};

/// The identifiers that a user lays claim to.
pub(super) type Claims = Vec<(Conflict, Identifier)>;

/// Those that a row does, in the contract's order.
pub(super) fn claims(row: &ActiveModel) -> Claims {
    let set = |value: &ActiveValue<Option<String>>| match value {
        Set(value) => value.clone(),
        _ => None,
    };
    let user_id = if let Set(user_id) = &row.user_id { Some(user_id.clone()) } else { None };
    let claims = [
        user_id.map(|id| (Conflict::UserId, Identifier::UserId(id))),
        set(&row.email_key).map(|key| (Conflict::Email, Identifier::Email(key))),
        set(&row.phone_key).map(|key| (Conflict::PhoneNumber, Identifier::Phone(key))),
        set(&row.username).map(|username| (Conflict::Username, Identifier::Username(username))),
        set(&row.external_id).map(|id| (Conflict::ExternalId, Identifier::ExternalId(id))),
    ];
    claims.into_iter().flatten().collect()
}

/// What somebody has of each of the claims, with whose it is: at one query for each kind of identifier.
pub(super) async fn taken(connection: &impl ConnectionTrait, claims: Vec<Claims>) -> Result<Vec<Vec<(Conflict, String)>>> {
    let identifiers: Vec<_> = claims.iter().flatten().map(|(_, identifier)| identifier.clone()).collect();
    // In the whole pool, since that is where they are unique.
    let mut found = lookup::find::<Brief>(connection, &Tenant::Pool, &identifiers).await?.into_iter();
    let owned = |claims: Claims| {
        let owners = claims.into_iter().zip(found.by_ref());
        owners.filter_map(|((conflict, _), owner)| Some((conflict, owner.ok()?.user_id))).collect()
    };
    Ok(claims.into_iter().map(owned).collect())
}

/// The error of a row that clashed, with all that was taken by owners who count.
pub(super) fn all(error: Error, taken: &[(Conflict, String)], counts: impl Fn(&str) -> bool) -> Error {
    let mut others: Vec<_> = taken.iter().filter(|(_, owner)| counts(owner)).map(|(conflict, _)| *conflict).collect();
    // Of several identities one is named.
    others.dedup();
    // Whoever was in the way may be gone by now; then what the database said stands.
    if others.is_empty() { error } else { Error::AlreadyExists(others) }
}

/// The error of a write that would have made these claims for the user `own`: with all conflicts where it was one.
pub(super) async fn explain(store: &Store, claims: Claims, own: Option<&str>, error: Error) -> Error {
    if !matches!(error, Error::AlreadyExists(_)) {
        return error;
    }
    let read = move |reading: Reading| {
        let claims = claims.clone();
        async move { taken(&reading.connection(), vec![claims]).await }
    };
    match store.engine.snapshot(read).await {
        Ok(taken) => all(error, &taken.concat(), |owner| own != Some(owner)),
        Err(_) => error,
    }
}
