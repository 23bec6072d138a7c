//! Deleting a group or role: the row goes, and the database's foreign keys take the memberships along.

use std::marker::PhantomData;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{Collection, find_to_change, id, text};
use crate::error::Result;
use crate::store::{Mutation, Tx, etag};

/// Deletes a group or role.
pub struct Delete<C: Collection> {
    code: String,
    etag: Option<String>,
    kind: PhantomData<C>,
}

impl<C: Collection> Delete<C> {
    /// Deletes that of the code, if it still has the etag.
    #[must_use]
    pub fn new(code: String, etag: Option<String>) -> Self {
        Self { code, etag, kind: PhantomData }
    }
}

impl<C: Collection> Mutation for Delete<C> {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let stored = find_to_change::<C>(tx, &self.code).await?;
        etag::require(self.etag.as_deref(), &text(&stored, C::ETAG))?;
        C::Entity::delete_many().filter(C::ID.eq(id::<C>(&stored))).exec(&tx.connection).await?;
        Ok(())
    }
}
