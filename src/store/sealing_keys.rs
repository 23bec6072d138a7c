//! Keys that seal what the service hands out and takes back: made at their first use, shared by all replicas.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::engine::Reading;
use super::{Context, Mutation, Store, Tx};
use crate::clock;
use crate::entity::sealing_key::{ActiveModel, Column, Entity};
use crate::error::{Error, Result};
use crate::page_token::PageTokens;

/// What page tokens are sealed with.
const PAGE_TOKEN: &str = "page_token";

/// Makes the key for the purpose unless there is one, and gives the one that there is.
struct EnsureSealingKey(&'static str);

impl Mutation for EnsureSealingKey {
    type Answer = String;

    async fn apply(&self, tx: &Tx) -> Result<String> {
        let key = BASE64_STANDARD.encode(clock::random::<32>());
        let row = ActiveModel { purpose: Set(self.0.to_owned()), key: Set(key), created_at: Set(tx.now) };
        let ours_or_theirs = OnConflict::column(Column::Purpose).do_nothing().to_owned();
        Entity::insert(row).on_conflict(ours_or_theirs).exec_without_returning(&tx.connection).await?;
        let stored = Entity::find_by_id(self.0).one(&tx.connection).await?;
        stored.map(|stored| stored.key).ok_or_else(|| Error::internal("the sealing key is gone"))
    }
}

impl Store {
    /// Seals and opens page tokens. The key never changes, so that it is read once.
    ///
    /// # Errors
    /// Those of the database, and [`Error::Internal`] when the stored key is none.
    pub async fn page_tokens(&self) -> Result<&PageTokens> {
        self.page_tokens
            .get_or_try_init(|| async {
                let read =
                    |reading: Reading| async move { Ok(Entity::find_by_id(PAGE_TOKEN).one(&reading.connection()).await?) };
                let key = match self.engine.read(read).await? {
                    Some(stored) => stored.key,
                    None => self.write(Context::default(), EnsureSealingKey(PAGE_TOKEN)).await?,
                };
                let key = bytes(&key).ok_or_else(|| Error::internal("the sealing key is not 32 bytes in base64"))?;
                Ok(PageTokens::new(&key))
            })
            .await
    }
}

fn bytes(stored: &str) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(stored).ok()?.try_into().ok()
}
