//! Deleting a user: the row goes, and the database's foreign keys take along what hangs on it.

use sea_orm::EntityTrait;

use super::ownership;
use super::row::Brief;
use crate::entity::user;
use crate::error::{Error, Result};
use crate::store::{Identifier, Mutation, Tx, etag, lookup};

/// Deletes a user.
#[derive(Clone, Debug)]
pub struct DeleteUser {
    /// Whom.
    pub target: Identifier,
    /// The etag that the user must still have.
    pub etag: Option<String>,
}

impl Mutation for DeleteUser {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let found = lookup::find_to_delete::<Brief>(tx, std::slice::from_ref(&self.target)).await?.pop();
        let user = ownership::owned(tx.tenant(), found.unwrap_or(Err(Error::UserNotFound)))?;
        etag::require(self.etag.as_deref(), &user.etag)?;
        user::Entity::delete_by_id(user.user_id).exec(&tx.connection).await?;
        Ok(())
    }
}
