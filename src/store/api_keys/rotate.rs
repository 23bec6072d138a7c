//! Giving a key a new secret while the old one lives on for a while.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::CreatedApiKey;
use super::create::insert_secret;
use super::reach;
use crate::api_key::Secret;
use crate::entity::api_key;
use crate::entity::api_key_secret::{Column, Entity};
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
        let api_key = reach::find(tx, &self.api_key_id).await?;
        if api_key.revoked_at.is_some() {
            return Err(Error::ApiKeyEnded);
        }
        require_not_beyond(tx, &api_key)?;
        let end = tx.now.plus(self.overlap);
        // Ended secrets stay on record: the configuration may still name one, which must not come back as a new key.
        end_secrets(tx, &api_key.api_key_id, Column::ExpiresAt.gt(tx.now), tx.now).await?;
        end_secrets(tx, &api_key.api_key_id, Column::ExpiresAt.is_null(), end).await?;
        let secret = Secret::generate(&api_key.api_key_id);
        insert_secret(tx, api_key.api_key_id.clone(), &secret).await?;
        let api_key = reach::read(&tx.connection, tx.context.caller.as_ref(), &api_key.api_key_id).await?;
        Ok(CreatedApiKey { api_key, secret })
    }
}

/// A key gets no secret of another one that would outlive it.
fn require_not_beyond(tx: &Tx, api_key: &api_key::Model) -> Result<()> {
    let Some(caller) = tx.context.caller.as_ref().filter(|caller| *caller.api_key_id != *api_key.api_key_id) else {
        return Ok(());
    };
    match (caller.expires_at, api_key.expires_at) {
        (None, _) => Ok(()),
        (Some(own), Some(end)) if end <= own => Ok(()),
        (Some(_), _) => Err(Error::invalid("api_key_id", "names a key that expires later than your own")),
    }
}

/// Lets those secrets of the key end then.
async fn end_secrets(tx: &Tx, api_key_id: &str, which: Expr, end: Timestamp) -> Result<()> {
    let update = Entity::update_many().col_expr(Column::ExpiresAt, Expr::value(end));
    update.filter(Column::ApiKeyId.eq(api_key_id)).filter(which).exec(&tx.connection).await?;
    Ok(())
}
