//! The data keys in the database: which there are, how one is made, and how one is had.

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Secrets;
use crate::entity::{secret_key, secret_key_wrap};
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::secret_key::{DataKey, MasterKey};
use crate::store::Tx;
use crate::store::engine::{keys, locks};

/// The lock of those who make, wrap or delete data keys.
const LOCK: &str = "secret_keys";

/// What there is of a data key.
pub(in crate::store) enum Found {
    /// It is open.
    Key(DataKey),
    /// There is none of this id.
    Gone,
    /// Our master key is not one that may open it.
    Foreign,
    /// It should open, and does not.
    Damaged,
}

/// Waits until nobody else makes, wraps or deletes data keys, and keeps them from it until the transaction ends.
pub(super) async fn alone(tx: &Tx) -> Result<()> {
    locks::alone(&tx.connection, LOCK).await
}

/// The newest, which nobody deletes until the transaction ends.
pub(super) async fn newest(tx: &Tx) -> Result<Option<String>> {
    let newest = secret_key::Entity::find().order_by_desc(secret_key::Column::CreatedAt);
    let newest = newest.order_by_desc(secret_key::Column::KeyId).limit(1).lock_shared().one(&tx.connection).await?;
    Ok(newest.map(|key| key.key_id))
}

/// All of them, the newest first.
pub(in crate::store) async fn all(connection: &impl ConnectionTrait) -> Result<Vec<secret_key::Model>> {
    let newest_first = secret_key::Entity::find().order_by_desc(secret_key::Column::CreatedAt);
    Ok(newest_first.order_by_desc(secret_key::Column::KeyId).all(connection).await?)
}

/// Makes the newest, under these master keys; whoever calls it is alone.
pub(super) async fn make(tx: &Tx, masters: &[&MasterKey]) -> Result<DataKey> {
    let key = DataKey::generate(tx.clock.new_id());
    let last = all(&tx.connection).await?.first().map(|key| key.created_at);
    let row = secret_key::ActiveModel { key_id: Set(key.id().to_owned()), created_at: Set(after(last, tx.now)) };
    secret_key::Entity::insert(row).exec_without_returning(&tx.connection).await?;
    for master in masters {
        wrap(tx, &key, master).await?;
    }
    Ok(key)
}

/// Lets the master key open the data key, as the last that came to it; whoever calls it is alone.
pub(super) async fn wrap(tx: &Tx, key: &DataKey, master: &MasterKey) -> Result<()> {
    let wraps = wraps(&tx.connection, key.id()).await?;
    let master_id = master.id();
    if wraps.iter().any(|wrap| wrap.master_id == master_id) {
        return Ok(());
    }
    let wrapped = master.wrap(key).ok_or_else(|| Error::internal("the data key cannot be encrypted"))?;
    let row = secret_key_wrap::ActiveModel {
        key_id: Set(key.id().to_owned()),
        master_id: Set(master_id),
        wrapped: Set(wrapped),
        created_at: Set(after(wraps.first().map(|wrap| wrap.created_at), tx.now)),
    };
    secret_key_wrap::Entity::insert(row).exec_without_returning(&tx.connection).await?;
    Ok(())
}

/// What the data key is kept as, for the master key that came last first.
pub(super) async fn wraps(connection: &impl ConnectionTrait, key_id: &str) -> Result<Vec<secret_key_wrap::Model>> {
    let wraps = secret_key_wrap::Entity::find().filter(keys::is(secret_key_wrap::Column::KeyId, key_id));
    Ok(wraps.order_by_desc(secret_key_wrap::Column::CreatedAt).all(connection).await?)
}

/// Now, or a moment later than the last: the clocks of several replicas do not agree.
fn after(last: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let next = last.map(|last| last.plus(Duration::from_micros(1)));
    next.filter(|next| *next > now).unwrap_or(now)
}

impl Secrets {
    /// The data key of this id, for a row that names it.
    pub(super) async fn data_key(&self, connection: &impl ConnectionTrait, key_id: &str) -> Result<DataKey> {
        match self.find(connection, key_id).await? {
            Found::Key(key) => Ok(key),
            Found::Gone => Err(Error::ConflictRetry),
            Found::Foreign => Err(Error::SecretKeyMissing),
            Found::Damaged => Err(Error::internal(format!("the data key {key_id} does not open"))),
        }
    }

    /// What there is of the data key.
    pub(super) async fn find(&self, connection: &impl ConnectionTrait, key_id: &str) -> Result<Found> {
        let master = self.master()?;
        if let Some(key) = self.remembered(key_id) {
            return Ok(Found::Key(key));
        }
        let wraps = wraps(connection, key_id).await?;
        let found = self.open_wrap(master, &wraps);
        if matches!(found, Found::Foreign) && wraps.is_empty() {
            let there = secret_key::Entity::find().filter(keys::is(secret_key::Column::KeyId, key_id)).one(connection).await?;
            return Ok(there.map_or(Found::Gone, |_| Found::Foreign));
        }
        Ok(found)
    }

    /// The data key that is kept as one of these.
    fn open_wrap(&self, master: &MasterKey, wraps: &[secret_key_wrap::Model]) -> Found {
        let master_id = master.id();
        let Some(wrap) = wraps.iter().find(|wrap| wrap.master_id == master_id) else {
            let theirs: Vec<_> = wraps.iter().map(|wrap| wrap.master_id.clone()).collect();
            if !theirs.is_empty() {
                self.tell_of_other(master_id, &theirs);
            }
            return Found::Foreign;
        };
        let Some(key) = master.unwrap(&wrap.key_id, &wrap.wrapped) else { return Found::Damaged };
        self.remember(&key);
        Found::Key(key)
    }
}
