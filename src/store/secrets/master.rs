//! Whether the master key is at hand and is the right one; how it is made where nothing is encrypted yet.

use std::io;
use std::path::PathBuf;

use super::{Secrets, data_keys, key_file};
use crate::error::Result;
use crate::secret_key::MasterKey;
use crate::store::Store;
use crate::store::engine::Reading;

/// Why nothing can be encrypted or read that is, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum NoMasterKey {
    /// No setting, and no file to keep one in.
    #[error(
        "there is no master key: set ROSTER_SECRET_KEY to 64 hexadecimal digits, the same for all replicas, and keep a copy"
    )]
    Unset,
    /// The file is gone.
    #[error("something is encrypted, and the file with the master key is gone: put {} back or set ROSTER_SECRET_KEY, and start again", .0.display())]
    Lost(PathBuf),
    /// The file cannot be read or made.
    #[error("cannot use {} as the file with the master key: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: io::Error,
    },
    /// It is another one.
    #[error(
        "the master key {ours} is not the one that opens what is encrypted, which is {theirs}: give that one and start again"
    )]
    Other {
        /// The fingerprint of the one at hand.
        ours: String,
        /// Those that would do.
        theirs: String,
    },
}

impl Store {
    /// Sees to it that there is a master key, and looks whether it is the one that what is encrypted needs. Where nothing is
    /// encrypted yet it is made, in a file beside the database; then this is its path.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ensure_master_key(&self) -> Result<Result<Option<PathBuf>, NoMasterKey>> {
        let read = |reading: Reading| async move {
            let newest = data_keys::all(&reading.connection()).await?.into_iter().next();
            let Some(newest) = newest else { return Ok(None) };
            let wraps = data_keys::wraps(&reading.connection(), &newest.key_id).await?;
            Ok(Some(wraps.into_iter().map(|wrap| wrap.master_id).collect::<Vec<_>>()))
        };
        let theirs = self.engine.snapshot(read).await?;
        let made = match self.secrets.have_master(theirs.is_none()) {
            Ok(made) => made,
            Err(error) => return Ok(Err(error)),
        };
        let ours = self.secrets.master()?.id();
        Ok(match theirs {
            Some(theirs) if !theirs.contains(&ours) => Err(NoMasterKey::Other { ours, theirs: theirs.join(" or ") }),
            _ => Ok(made),
        })
    }
}

impl Secrets {
    /// Sees to it that the master key is at hand; where it had to be made, and may be, this is where it lies.
    fn have_master(&self, may_make: bool) -> Result<Option<PathBuf>, NoMasterKey> {
        let Some(path) = &self.0.file else {
            return self.0.master.get().map(|_| None).ok_or(NoMasterKey::Unset);
        };
        let failed = |cause| NoMasterKey::File { path: path.clone(), cause };
        let have = |master: MasterKey| drop(self.0.master.set(master));
        let made = match key_file::read(path).map_err(failed)? {
            Some(master) => {
                key_file::keep(path).map_err(failed)?;
                have(master);
                None
            }
            None if may_make => {
                have(key_file::make(path).map_err(failed)?);
                Some(path.clone())
            }
            None => return Err(NoMasterKey::Lost(path.clone())),
        };
        Ok(made)
    }
}
