//! Deleting a resource.

use super::{Resource, find_to_change};
use crate::error::Result;
use crate::store::{Mutation, Tx};

/// Deletes a resource, if it still has the etag.
pub struct Delete<R: Resource> {
    /// Which.
    pub key: R::Key,
    /// The etag that it must still have, where it has one.
    pub etag: Option<String>,
}

impl<R: Resource> Mutation for Delete<R> {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let stored = find_to_change::<R>(tx, &self.key).await?;
        if let Some(stamps) = R::STAMPS {
            stamps.require(self.etag.as_deref(), &stored)?;
        }
        R::delete(tx, &stored).await
    }
}
