//! Old records go, some at a time, so that no writer waits long.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::forgotten_by;
use crate::entity::idempotency_record::{Column, Entity};
use crate::error::Result;
use crate::store::engine::keys::any_of;
use crate::store::{Context, Mutation, Store, Tx};

/// How often old records are looked for, and how many go at once.
const INTERVAL: Duration = Duration::from_secs(10);
const STEP: u64 = 500;

/// Deletes some records that nothing can be repeated by any more.
struct PurgeRecords;

impl Mutation for PurgeRecords {
    /// How many went.
    type Answer = usize;

    async fn apply(&self, tx: &Tx) -> Result<usize> {
        let old = Column::CreatedAt.lte(forgotten_by(tx.now));
        let select = Entity::find().select_only().column(Column::RecordId).filter(old.clone());
        let oldest = select.order_by_asc(Column::CreatedAt).limit(STEP).into_tuple::<String>();
        let record_ids = oldest.all(&tx.connection).await?;
        // Once more by age: one of them may have been made anew meanwhile.
        let these = any_of(&tx.connection, Column::RecordId, &record_ids).and(old);
        Entity::delete_many().filter(these).exec(&tx.connection).await?;
        Ok(record_ids.len())
    }
}

impl Store {
    /// Deletes the records of calls that cannot be repeated any more, some at a time. A failure is logged and tried again later.
    pub async fn purge_idempotency_records(&self) {
        loop {
            match self.write(Context::default(), PurgeRecords).await {
                Ok(0) => return,
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => {
                    tracing::warn!(%error, "deleting old idempotency records");
                    return;
                }
            }
        }
    }

    /// Does so every few seconds, for as long as it is polled.
    pub async fn keep_purging_idempotency_records(&self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.purge_idempotency_records().await;
        }
    }
}
