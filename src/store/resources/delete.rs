//! Deleting a resource.

use super::{Resource, find_to_change, text};
use crate::error::Result;
use crate::store::{Mutation, Tx, etag};

/// Deletes a resource, if it still has the etag.
pub struct Delete<R: Resource> {
    /// Which.
    pub key: R::Key,
    /// The etag that it must still have.
    pub etag: Option<String>,
}

impl<R: Resource> Mutation for Delete<R> {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let stored = find_to_change::<R>(tx, &self.key).await?;
        etag::require(self.etag.as_deref(), &text(&stored, R::ETAG))?;
        R::delete(tx, &stored).await
    }
}
