//! Ending all tokens of a user.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::end_all;
use crate::entity::user;
use crate::error::Result;
use crate::store::users::ownership;
use crate::store::{Identifier, Mutation, Tx, lookup};

/// Ends every token that was handed out to the user before. Nothing that is shown of the user changes, nor their etag.
#[derive(Clone, Debug)]
pub struct RevokeUserTokens {
    /// Whose.
    pub target: Identifier,
}

impl Mutation for RevokeUserTokens {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let stored = lookup::find_one_to_change::<user::Model>(tx, &self.target).await?;
        ownership::require(tx.tenant(), stored.tenant_id.as_deref())?;
        let mut row = user::ActiveModel::default();
        end_all(&mut row, &stored);
        let whose = user::Column::UserId.eq(&stored.user_id);
        user::Entity::update_many().set(row).filter(whose).exec(&tx.connection).await?;
        Ok(())
    }
}
