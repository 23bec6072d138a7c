//! Rotation: a new data key, everything encrypted anew with it, and the old keys deleted. It goes in steps, beside serving
//! replicas and other rotations; cut off, it leaves nothing that does not open, and is done by running it again.

mod steps;

use std::collections::HashSet;
use std::time::Duration;

use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};

use super::{NoMasterKey, SealedTable, Visitor, data_keys, visit_all};
use crate::clock;
use crate::error::{Error, Result};
use crate::secret_key::MasterKey;
use crate::store::engine::Reading;
use crate::store::{Context, Mutation, Store};
use steps::{Begin, Begun, DeleteUnused, Reseal};

/// How often a step is tried that others are in the way of, and the pause before the next time: on top of what each write tries.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// What is asked of a rotation.
#[derive(Clone, Debug, Default)]
pub struct Rotation {
    /// A master key that may open all data keys from then on, beside the one at hand.
    pub new_master: Option<MasterKey>,
    /// Whether a master key that has come after the one at hand is to be forgotten.
    pub forget_newer: bool,
}

/// What a rotation has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// How many rows were encrypted anew.
    pub rows: u64,
    /// How many data keys were deleted.
    pub deleted: u64,
    /// How many rows did not open: they are as they were, and so are their data keys.
    pub left: u64,
}

/// Why there is no rotation, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// No master key, or another one.
    #[error(transparent)]
    NoMasterKey(#[from] NoMasterKey),
    /// The new one is the old one.
    #[error("the new master key is the one that is in use")]
    SameMaster,
    /// Somebody has begun to replace the master key.
    #[error(
        "the master key {0} has come after the one at hand, and would not open the new data key: run this with that one, or \
         with --forget-newer-master-key"
    )]
    NewerMaster(String),
    /// The database failed.
    #[error("the rotation is not complete; nothing is lost, run it again")]
    Store(#[from] Error),
}

/// Told now and then: how many rows are done, and how many there were to do.
pub type RotateProgress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

impl Store {
    /// Makes a new data key, encrypts everything anew with it, and deletes the data keys that nothing is encrypted with any more.
    ///
    /// # Errors
    /// When it cannot begin, and then nothing is changed; or when it has begun and cannot go on.
    pub async fn rotate_secrets(&self, rotation: &Rotation, progress: RotateProgress<'_>) -> Result<Rotated, RotateError> {
        self.ensure_master_key().await??;
        if rotation.new_master.as_ref() == Some(self.secrets.master()?) {
            return Err(RotateError::SameMaster);
        }
        if let Begun::Newer(master_id) = self.persist(Begin(rotation.clone())).await? {
            return Err(RotateError::NewerMaster(master_id));
        }
        let mut total = Count { store: self, rows: 0 };
        visit_all(&mut total).await?;
        let mut rotated = Rotated::default();
        loop {
            let mut pass = Pass { store: self, done: rotated.rows, total: total.rows, progress, left: 0, kept: HashSet::new() };
            visit_all(&mut pass).await?;
            let (deleted, kept) = self.persist(DeleteUnused).await?;
            rotated = Rotated { rows: pass.done, deleted: rotated.deleted + deleted, left: pass.left };
            // Whoever began to write before there was the new key may have come behind us.
            if kept <= pass.kept.len() as u64 {
                return Ok(rotated);
            }
        }
    }

    /// Writes; whoever is in the way of a rotation goes first.
    async fn persist<M: Mutation + Clone>(&self, mutation: M) -> Result<M::Answer> {
        for _ in 1..TRIES {
            match self.write(Context::default(), mutation.clone()).await {
                Err(Error::ConflictRetry | Error::Overloaded) => tokio::time::sleep(PAUSE).await,
                answer => return answer,
            }
        }
        self.write(Context::default(), mutation).await
    }

    /// The data keys but the newest, and that one.
    async fn old_keys(&self) -> Result<(Vec<String>, String)> {
        let read = |reading: Reading| async move { data_keys::all(&reading.connection()).await };
        let mut keys = self.engine.read(read).await?.into_iter().map(|key| key.key_id);
        let newest = keys.next().ok_or_else(|| Error::internal("there is no data key"))?;
        Ok((keys.collect(), newest))
    }
}

/// Counts the rows that are to be encrypted anew.
struct Count<'a> {
    store: &'a Store,
    rows: u64,
}

impl Visitor for Count<'_> {
    async fn visit<T: SealedTable>(&mut self) -> Result<()> {
        let (_, newest) = self.store.old_keys().await?;
        let count = move |reading: Reading| {
            let old = T::find().filter(T::KEY_ID.ne(newest.clone()));
            async move { Ok(old.count(&reading.connection()).await?) }
        };
        self.rows += self.store.engine.scan(count).await?;
        Ok(())
    }
}

/// Encrypts anew what is there, some rows at a time.
struct Pass<'a> {
    store: &'a Store,
    done: u64,
    total: u64,
    progress: RotateProgress<'a>,
    left: u64,
    /// The data keys of the rows that are left.
    kept: HashSet<String>,
}

impl Visitor for Pass<'_> {
    async fn visit<T: SealedTable>(&mut self) -> Result<()> {
        for key_id in self.store.old_keys().await?.0 {
            let mut from = String::new();
            loop {
                let began = clock::monotonic();
                let step = self.store.persist(Reseal::<T>::behind(&key_id, &from)).await?;
                self.done += step.done;
                self.left += step.left;
                if step.left > 0 {
                    self.kept.insert(key_id.clone());
                }
                (self.progress)(self.done, self.total.max(self.done));
                match step.last {
                    Some(last) => from = last,
                    None => break,
                }
                // Half of the time is others': an engine with one writer does not make them queue.
                tokio::time::sleep(began.elapsed()).await;
            }
        }
        Ok(())
    }
}
