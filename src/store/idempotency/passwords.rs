//! The passwords of a call that can be repeated: their hashes are kept, and a repeat has to bring them again (contract §1, "retries").

use std::collections::BTreeMap;

use sea_orm::{ActiveValue::Set, EntityTrait, QueryFilter};

use super::RepeatKey;
use crate::entity::idempotency_password::{ActiveModel, Column, Entity, Model};
use crate::error::Result;
use crate::password::{Password, PasswordHash, Work};
use crate::store::engine::keys::is;
use crate::store::{Mutation, Store, Tx};

/// The passwords that a call brings in clear, by item.
pub(super) fn given<M: Mutation>(mutation: &M) -> BTreeMap<i32, Password> {
    let clear = mutation.credentials().into_iter().filter_map(|(item, credential)| Some((item, credential.clear()?.0)));
    clear.map(|(item, password)| (number(item), password.clone())).collect()
}

/// What is to be kept of them, given what was done.
pub(super) fn rows<M: Mutation>(key: &RepeatKey, mutation: &M, done: &M::Answer) -> Vec<ActiveModel> {
    let clear = mutation.credentials().into_iter().filter_map(|(item, credential)| Some((item, credential.clear()?.1)));
    let row = |(item, hash): (usize, &PasswordHash)| ActiveModel {
        record_id: Set(key.record_id.clone()),
        item: Set(number(item)),
        user_id: Set(M::user_of(done, item).map(ToOwned::to_owned)),
        password_hash: Set(hash.as_str().to_owned()),
    };
    clear.map(row).collect()
}

/// Keeps them; they are few.
pub(super) async fn keep(tx: &Tx, rows: Vec<ActiveModel>) -> Result<()> {
    if !rows.is_empty() {
        Entity::insert_many(rows).exec_without_returning(&tx.connection).await?;
    }
    Ok(())
}

/// What was kept, but of users who are gone.
pub(super) async fn recorded(tx: &Tx, key: &RepeatKey) -> Result<Vec<Model>> {
    Ok(Entity::find().filter(is(Column::RecordId, &key.record_id)).all(&tx.connection).await?)
}

/// No batch has so many that it does not fit.
fn number(item: usize) -> i32 {
    item.try_into().unwrap_or(i32::MAX)
}

impl Store {
    /// Whether a repeat brings every password that is recorded.
    ///
    /// # Errors
    /// [`crate::error::Error::Overloaded`] when too many are being hashed.
    pub(super) async fn fit(&self, mut given: BTreeMap<i32, Password>, recorded: Vec<Model>) -> Result<bool> {
        if recorded.is_empty() {
            return Ok(true);
        }
        let place = self.hashing.place(if recorded.len() > 1 { Work::Batch } else { Work::Set })?;
        for Model { item, password_hash, .. } in recorded {
            let Some(password) = given.remove(&item) else { return Ok(false) };
            let stored = PasswordHash::stored(&password_hash);
            if !place.turn().await?.check(stored, password).await?.matches {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
