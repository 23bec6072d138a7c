//! Giving a key a new secret while the old one lives on for a while.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use super::CreatedApiKey;
use super::create::insert_secret;
use crate::api_key::Secret;
use crate::entity::{api_key, api_key_secret};
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::store::{Mutation, Tx};

/// Gives a key a new secret.
#[derive(Clone, Debug)]
pub struct RotateApiKey {
    /// Which key.
    pub api_key_id: String,
    /// How long the present secret lives on; one that an earlier rotation left ends at once.
    pub overlap: Duration,
}

impl Mutation for RotateApiKey {
    type Answer = CreatedApiKey;

    async fn apply(&self, tx: &Tx) -> Result<CreatedApiKey> {
        let found = api_key::Entity::find_by_id(&self.api_key_id).one(&tx.connection).await?;
        let api_key = found.ok_or(Error::ApiKeyNotFound)?;
        if api_key.revoked_at.is_some() {
            return Err(Error::ApiKeyRevoked);
        }
        let own = api_key_secret::Column::ApiKeyId.eq(&api_key.api_key_id);
        let leftover = own.clone().and(api_key_secret::Column::ExpiresAt.is_not_null());
        api_key_secret::Entity::delete_many().filter(leftover).exec(&tx.connection).await?;
        let overlap = i64::try_from(self.overlap.as_micros()).unwrap_or(i64::MAX);
        let end = Timestamp::from_micros(tx.now.micros().saturating_add(overlap));
        let ending = api_key_secret::Entity::update_many().col_expr(api_key_secret::Column::ExpiresAt, Expr::value(end));
        ending.filter(own).exec(&tx.connection).await?;
        let secret = Secret::generate(&api_key.api_key_id);
        insert_secret(tx, api_key.api_key_id.clone(), &secret).await?;
        Ok(CreatedApiKey { api_key, secret })
    }
}
