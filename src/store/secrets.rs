//! Secrets at rest: what a table has encrypted, and the keys for it. A row is sealed with the newest data key, which it names, and
//! opened with the one that it names. What encrypts the data keys, the master key, is the operator's.

mod data_keys;
mod key_file;
mod master;
mod rotate;
mod tables;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sea_orm::ConnectionTrait;

use super::Tx;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::secret_key::{DataKey, MasterKey};

pub use key_file::read as read_key_file;
pub use master::NoMasterKey;
pub use rotate::{RotateError, RotateProgress, Rotated, Rotation};
pub(in crate::store) use tables::{SealedTable, Visitor, place, visit_all};

/// The most data keys that are remembered.
const REMEMBERED: usize = 64;

/// The master key, if it is at hand, and the data keys that it has opened. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::store) struct Secrets(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// It never changes, but may come late.
    master: OnceLock<MasterKey>,
    /// Where it lies if the configuration does not have it.
    file: Option<PathBuf>,
    /// A data key of an id never changes. Which one is the newest, the database tells each time.
    opened: Mutex<HashMap<String, DataKey>>,
    /// Whether the log has been told that the master key is another one.
    told: AtomicBool,
}

/// Seals rows with the data key that was the newest when it was asked for, which stays as long as the transaction, or the
/// savepoint, that asked.
pub(in crate::store) struct Sealer(DataKey);

/// Columns of a row as they are stored.
pub(in crate::store) struct Sealed<const N: usize> {
    /// The data key, to be stored with them.
    pub(in crate::store) key_id: String,
    /// The columns, in the order in which they were given.
    pub(in crate::store) columns: [Option<String>; N],
}

impl Secrets {
    /// Those of the configuration: its master key, or the one in the file beside the database, if it is there. Of a file that cannot be
    /// read [`Store::ensure_master_key`](super::Store::ensure_master_key) tells.
    pub(in crate::store) fn of(config: &Config) -> Self {
        let file = config.secret_key_file();
        let read = |path: &PathBuf| key_file::read(path).ok().flatten();
        let master = config.secret_key.clone().or_else(|| file.as_ref().and_then(read));
        let master = master.map_or_else(OnceLock::new, OnceLock::from);
        Self(Arc::new(Shared { master, file, opened: Mutex::default(), told: AtomicBool::new(false) }))
    }

    /// The master key.
    pub(in crate::store) fn master(&self) -> Result<&MasterKey> {
        self.0.master.get().ok_or(Error::SecretKeyMissing)
    }

    /// Opens columns of a row that names the data key. A row that was not read in the same statement or snapshot may have been
    /// sealed anew in between; then this is a conflict, after which the whole work is done again.
    ///
    /// # Errors
    /// [`Error::SecretKeyMissing`] where the master key is not at hand, or is another one; [`Error::Internal`] where what is
    /// stored is not what was sealed there.
    pub(in crate::store) async fn open<T: SealedTable, const N: usize>(
        &self,
        connection: &impl ConnectionTrait,
        row: &str,
        key_id: &str,
        columns: [(T::Column, Option<&str>); N],
    ) -> Result<[Option<Vec<u8>>; N]> {
        let key = self.data_key(connection, key_id).await?;
        let mut opened = [const { None }; N];
        for (opened, (column, text)) in opened.iter_mut().zip(columns) {
            let Some(text) = text else { continue };
            let place = place::<T>(row, column);
            *opened = Some(key.open(place, text).ok_or_else(|| Error::internal(format!("it does not open: {place:?}")))?);
        }
        Ok(opened)
    }

    /// Says in the log, once, which master key would do: at the start it may have been the right one.
    fn tell_of_other(&self, ours: String, theirs: &[String]) {
        if !self.0.told.swap(true, Ordering::Relaxed) {
            tracing::warn!("{}", NoMasterKey::Other { ours, theirs: theirs.join(" or ") });
        }
    }

    fn remembered(&self, key_id: &str) -> Option<DataKey> {
        self.0.opened.lock().unwrap_or_else(PoisonError::into_inner).get(key_id).cloned()
    }

    fn remember(&self, key: &DataKey) {
        let mut opened = self.0.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.len() >= REMEMBERED {
            opened.clear();
        }
        opened.insert(key.id().to_owned(), key.clone());
    }
}

impl Tx {
    /// What seals rows in this transaction. The first that ever asks makes the first data key.
    ///
    /// # Errors
    /// [`Error::SecretKeyMissing`] where the master key is not at hand, or is another one.
    pub(in crate::store) async fn sealer(&self) -> Result<Sealer> {
        let master = self.secrets.master()?;
        let newest = match data_keys::newest(self).await? {
            None => {
                // None yet; or the one that was there was deleted while this waited for it.
                data_keys::alone(self).await?;
                data_keys::newest(self).await?
            }
            newest => newest,
        };
        match newest {
            Some(key_id) => self.secrets.data_key(&self.connection, &key_id).await.map(Sealer),
            None => data_keys::make(self, &[master]).await.map(Sealer),
        }
    }
}

impl Sealer {
    /// The data key's id.
    pub(in crate::store) fn key_id(&self) -> &str {
        self.0.id()
    }

    /// The row's columns, to be stored together with the data key's id.
    ///
    /// # Errors
    /// [`Error::Internal`] where something is too long to be encrypted.
    pub(in crate::store) fn seal<T: SealedTable, const N: usize>(
        &self,
        row: &str,
        columns: [(T::Column, Option<&[u8]>); N],
    ) -> Result<Sealed<N>> {
        let mut sealed = [const { None }; N];
        for (sealed, (column, bytes)) in sealed.iter_mut().zip(columns) {
            *sealed = bytes.map(|bytes| self.seal_one::<T>(row, column, bytes)).transpose()?;
        }
        Ok(Sealed { key_id: self.key_id().to_owned(), columns: sealed })
    }

    fn seal_one<T: SealedTable>(&self, row: &str, column: T::Column, bytes: &[u8]) -> Result<String> {
        self.0.seal(place::<T>(row, column), bytes).ok_or_else(|| Error::internal("it is too long to be encrypted"))
    }
}
