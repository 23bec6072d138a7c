//! Which identifiers are taken. The database's constraints decide that a write fails, and name one of them; the caller is told
//! of all.

use sea_orm::ActiveValue::{self, Set};

use super::row::Brief;
use crate::entity::user::ActiveModel;
use crate::error::{Conflict, Error};
use crate::store::{Identifier, Store};

/// The identifiers that a row lays claim to, in the contract's order.
fn claims(row: &ActiveModel) -> Vec<(Conflict, Identifier)> {
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

/// The error of a write that would have made this row of the user `own`: with all conflicts where it was one.
pub(super) async fn explain(store: &Store, row: &ActiveModel, own: Option<&str>, error: Error) -> Error {
    if !matches!(error, Error::AlreadyExists(_)) {
        return error;
    }
    let (conflicts, identifiers): (Vec<_>, Vec<_>) = claims(row).into_iter().unzip();
    let Ok(found) = store.lookup::<Brief>(&identifiers).await else { return error };
    let others = conflicts.into_iter().zip(found).filter_map(|(conflict, owner)| {
        let owner = owner?;
        (own != Some(owner.user_id.as_str())).then_some(conflict)
    });
    let taken: Vec<_> = others.collect();
    // Whoever was in the way may be gone by now; then what the database said stands.
    if taken.is_empty() { error } else { Error::AlreadyExists(taken) }
}
