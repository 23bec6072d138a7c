//! What is read of the table `api_keys` for the wire.

use sea_orm::{DbErr, EntityTrait, FromQueryResult, PartialModelTrait, QueryResult, QuerySelect, Select};

use crate::entity::api_key;
use crate::proto::ApiKeyDto;

/// A key: `ApiKeyDto` straight from its columns, and the one list, which is no scalar.
pub(super) struct ApiKeyRow {
    api_key: ApiKeyDto,
    scopes: String,
}

impl ApiKeyRow {
    pub(super) fn select() -> Select<api_key::Entity> {
        ApiKeyDto::select_cols(api_key::Entity::find().select_only()).column(api_key::Column::Scopes)
    }

    pub(super) fn into_dto(self) -> ApiKeyDto {
        let scopes = self.scopes.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect();
        // A key without a name is stored with an empty one.
        let name = self.api_key.name.filter(|name| !name.is_empty());
        ApiKeyDto { scopes, name, ..self.api_key }
    }
}

impl FromQueryResult for ApiKeyRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let scopes = row.try_get(prefix, sea_orm::IdenStatic::as_str(&api_key::Column::Scopes))?;
        Ok(Self { api_key: ApiKeyDto::from_query_result(row, prefix)?, scopes })
    }
}
