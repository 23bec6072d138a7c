//! Ending a key for good.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use crate::entity::api_key;
use crate::error::{Error, Result};
use crate::store::{Mutation, Tx};

/// Revokes a key; one that is revoked already stays as it is.
#[derive(Clone, Debug)]
pub struct RevokeApiKey {
    /// Which key.
    pub api_key_id: String,
}

impl Mutation for RevokeApiKey {
    type Answer = api_key::Model;

    async fn apply(&self, tx: &Tx) -> Result<api_key::Model> {
        let found = api_key::Entity::find_by_id(&self.api_key_id).one(&tx.connection).await?;
        let api_key = found.ok_or(Error::ApiKeyNotFound)?;
        if api_key.revoked_at.is_some() {
            return Ok(api_key);
        }
        let mut row = api_key.into_active_model();
        row.revoked_at = Set(Some(tx.now));
        Ok(row.update(&tx.connection).await?)
    }
}
