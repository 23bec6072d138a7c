//! Making an API key.

use sea_orm::{ActiveModelTrait, ActiveValue::Set};

use crate::api_key::Secret;
use crate::entity::{api_key, api_key_secret};
use crate::error::Result;
use crate::proto::Timestamp;
use crate::scope::Scopes;
use crate::store::{Mutation, Tx};

/// Makes an API key.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// What people will call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// A key as it is known to whoever made it.
#[derive(Clone, Debug)]
pub struct CreatedApiKey {
    /// The key without its secret.
    pub api_key: api_key::Model,
    /// The whole key; it cannot be had again.
    pub secret: Secret,
}

impl Mutation for CreateApiKey {
    type Answer = CreatedApiKey;

    async fn apply(&self, tx: &Tx) -> Result<CreatedApiKey> {
        let api_key_id = tx.clock.new_id();
        let secret = Secret::generate(&api_key_id);
        self.insert(tx, api_key_id, secret).await
    }
}

impl CreateApiKey {
    /// Stores the key under the id and the secret.
    pub(super) async fn insert(&self, tx: &Tx, api_key_id: String, secret: Secret) -> Result<CreatedApiKey> {
        let row = api_key::ActiveModel {
            api_key_id: Set(api_key_id.clone()),
            name: Set(self.name.clone()),
            scopes: Set(self.scopes.to_string()),
            created_at: Set(tx.now),
            created_by: Set(tx.context.api_key_id.clone()),
            expires_at: Set(self.expires_at),
            last_used_at: Set(None),
            revoked_at: Set(None),
        };
        let api_key = row.insert(&tx.connection).await?;
        insert_secret(tx, api_key_id, &secret).await?;
        Ok(CreatedApiKey { api_key, secret })
    }
}

/// Stores what a key is known by.
pub(super) async fn insert_secret(tx: &Tx, api_key_id: String, secret: &Secret) -> Result<()> {
    let row = api_key_secret::ActiveModel {
        secret_hash: Set(secret.hash()),
        api_key_id: Set(api_key_id),
        created_at: Set(tx.now),
        expires_at: Set(None),
    };
    row.insert(&tx.connection).await?;
    Ok(())
}
