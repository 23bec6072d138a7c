//! Ending keys for good.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::reach;
use crate::entity::api_key::{self, Column};
use crate::error::Result;
use crate::proto::ApiKeyDto;
use crate::store::engine::keys::any_of;
use crate::store::engine::locks;
use crate::store::{Mutation, Tx};

/// Revokes a key; one that is revoked already stays as it is.
#[derive(Clone, Debug)]
pub struct RevokeApiKey {
    /// Which key.
    pub api_key_id: String,
    /// Whether to revoke also what it made, and what these made. They never have more scopes than it, so that whoever reaches
    /// it reaches them.
    pub with_descendants: bool,
}

impl Mutation for RevokeApiKey {
    type Answer = ApiKeyDto;

    async fn apply(&self, tx: &Tx) -> Result<ApiKeyDto> {
        // Whoever makes a key holds their own: it cannot be revoked before what they make is there to be found.
        locks::by_rows(&tx.connection).await?;
        let api_key = reach::find(tx, &self.api_key_id).await?;
        let mut generation = vec![api_key.api_key_id.clone()];
        while !generation.is_empty() {
            revoke(tx, &generation).await?;
            generation = if self.with_descendants { children(tx, &generation).await? } else { Vec::new() };
        }
        reach::read(&tx.connection, tx.context.caller.as_ref(), &api_key.api_key_id).await
    }
}

async fn revoke(tx: &Tx, api_key_ids: &[String]) -> Result<()> {
    let update = api_key::Entity::update_many().col_expr(Column::RevokedAt, Expr::value(tx.now));
    update
        .filter(any_of(&tx.connection, Column::ApiKeyId, api_key_ids))
        .filter(Column::RevokedAt.is_null())
        .exec(&tx.connection)
        .await?;
    Ok(())
}

/// The keys that these made.
async fn children(tx: &Tx, api_key_ids: &[String]) -> Result<Vec<String>> {
    let select = api_key::Entity::find().select_only().column(Column::ApiKeyId);
    Ok(select.filter(any_of(&tx.connection, Column::CreatedBy, api_key_ids)).into_tuple().all(&tx.connection).await?)
}
