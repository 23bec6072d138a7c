//! Deleting many users in one transaction.

use std::collections::HashSet;

use sea_orm::{EntityTrait, QueryFilter};

use super::ownership;
use super::row::Brief;
use crate::entity::user;
use crate::error::{Error, Result};
use crate::store::engine::keys::any_of;
use crate::store::{Identifier, Mutation, Tx, lookup};

/// Deletes users.
#[derive(Clone, Debug)]
pub struct BatchDeleteUsers {
    /// Whom.
    pub targets: Vec<Identifier>,
}

impl Mutation for BatchDeleteUsers {
    /// For each target whether it was deleted: as if they were deleted one after the other.
    type Answer = Vec<Result<()>>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<Result<()>>> {
        let found = lookup::find_to_delete::<Brief>(tx, &self.targets).await?;
        let mut deleted = HashSet::new();
        let delete = |user| {
            let user = ownership::owned(tx.tenant(), user)?;
            if deleted.insert(user.user_id) { Ok(()) } else { Err(Error::UserNotFound) }
        };
        let results = found.into_iter().map(delete).collect();
        let these = any_of(&tx.connection, user::Column::UserId, &deleted);
        user::Entity::delete_many().filter(these).exec(&tx.connection).await?;
        Ok(results)
    }
}
