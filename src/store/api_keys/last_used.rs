//! When keys were last used: gathered in memory on the request path, written now and then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::api_key::{self, Column};
use crate::error::Result;
use crate::proto::Timestamp;
use crate::store::{Context, Mutation, Store, Tx};

/// How often it is written: `last_used_at` is late by up to this.
const INTERVAL: Duration = Duration::from_secs(5);

/// The uses since the last writing.
#[derive(Clone, Debug, Default)]
pub struct LastUsed(Arc<Mutex<BTreeMap<Arc<str>, Timestamp>>>);

impl LastUsed {
    /// Notes a use.
    pub(super) fn note(&self, api_key_id: Arc<str>, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(api_key_id, at);
    }

    fn take(&self) -> BTreeMap<Arc<str>, Timestamp> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct WriteLastUsed(BTreeMap<Arc<str>, Timestamp>);

impl Mutation for WriteLastUsed {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        // In one order, so that replicas do not wait for each other; and what another one saw later stays.
        for (api_key_id, at) in &self.0 {
            let update = api_key::Entity::update_many().col_expr(Column::LastUsedAt, Expr::value(*at));
            let earlier = Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(*at));
            update.filter(Column::ApiKeyId.eq(api_key_id.as_ref())).filter(earlier).exec(&tx.connection).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Writes the uses noted since the last time. It is no more than a hint, so that a failure is logged and forgotten.
    pub async fn flush_last_used(&self) {
        let used = self.last_used.take();
        if used.is_empty() {
            return;
        }
        if let Err(error) = self.write(Context::default(), WriteLastUsed(used)).await {
            tracing::warn!(%error, "noting when API keys were last used");
        }
    }

    /// Writes the uses every few seconds, for as long as it is polled.
    pub async fn keep_flushing_last_used(&self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            self.flush_last_used().await;
        }
    }
}
