//! The keys by page, oldest first.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::Caller;
use super::reach;
use super::row::ApiKeyRow;
use crate::entity::api_key::{self, Column};
use crate::error::Result;
use crate::proto::ApiKeyDto;
use crate::store::Store;
use crate::store::engine::Reading;
use crate::store::paging::{Keyset, Listed, Page, list};

impl Store {
    /// A page of the keys within the caller's reach, revoked ones included.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list_api_keys(&self, caller: &Caller, page: &Page) -> Result<Listed<ApiKeyDto>> {
        let select = ApiKeyRow::select().filter(reach::condition(Some(caller)));
        let page = page.clone();
        let read = move |reading: Reading| {
            let (select, page) = (select.clone(), page.clone());
            async move {
                let oldest_first = Keyset::ascending([Column::CreatedAt, Column::ApiKeyId].map(ColumnTrait::into_expr));
                list::<_, ApiKeyRow>(&reading.connection(), select, &oldest_first, &page).await
            }
        };
        Ok(self.engine.scan(read).await?.map(ApiKeyRow::into_dto))
    }

    /// Whether a key has ever existed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn has_api_keys(&self) -> Result<bool> {
        let read = |reading: Reading| async move { Ok(api_key::Entity::find().one(&reading.connection()).await?.is_some()) };
        self.engine.read(read).await
    }

    /// Every key, revoked ones included, oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn api_keys(&self) -> Result<Vec<api_key::Model>> {
        let read = |reading: Reading| async move {
            let keys = api_key::Entity::find().order_by_asc(Column::CreatedAt).order_by_asc(Column::ApiKeyId);
            Ok(keys.all(&reading.connection()).await?)
        };
        self.engine.read(read).await
    }
}
