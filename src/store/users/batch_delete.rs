//! Deleting many users in one transaction.

use std::collections::HashSet;

use sea_orm::{EntityTrait, QueryFilter};

use super::row::Brief;
use crate::entity::user;
use crate::error::Result;
use crate::store::engine::keys::any_of;
use crate::store::{Identifier, Mutation, Tx, lookup};

/// Deletes users.
#[derive(Clone, Debug)]
pub struct BatchDeleteUsers {
    /// Whom.
    pub targets: Vec<Identifier>,
}

impl Mutation for BatchDeleteUsers {
    /// For each target whether there was somebody to delete: as if they were deleted one after the other.
    type Answer = Vec<bool>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<bool>> {
        let found = lookup::find_to_delete::<Brief>(tx, &self.targets).await?;
        let mut deleted = HashSet::new();
        let results = found.into_iter().map(|user| user.is_some_and(|user| deleted.insert(user.user_id))).collect();
        let these = any_of(&tx.connection, user::Column::UserId, &deleted);
        user::Entity::delete_many().filter(these).exec(&tx.connection).await?;
        Ok(results)
    }
}
