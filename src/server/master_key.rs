//! The master key (contract §6) at a start: without it everything is served but what is encrypted.

use crate::error::Result;
use crate::store::Store;

/// Sees to it that there is a master key, and says so in the log where one was made, or where there is none that is of use.
///
/// # Errors
/// Those of the store.
pub async fn ensure_master_key(store: &Store) -> Result<()> {
    match store.ensure_master_key().await? {
        Ok(None) => {}
        Ok(Some(path)) => {
            tracing::warn!(path = %path.display(), "made the master key of what is encrypted; keep a copy of this file, apart from backups");
        }
        Err(error) => tracing::warn!("{error}; until then what needs it is answered SECRET_KEY_MISSING"),
    }
    Ok(())
}
