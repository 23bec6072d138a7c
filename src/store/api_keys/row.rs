//! What is read of the table `api_keys` for the wire.

use sea_orm::{DbErr, EntityTrait, FromQueryResult, PartialModelTrait, QueryResult, QuerySelect, Select};

use crate::entity::api_key;
use crate::proto::ApiKeyDto;
use crate::validate::Violations;

/// How a key without a name is stored; no caller can give it one like this.
pub(super) const NAMELESS: &str = "";

/// Refuses a name that reads as none.
pub(super) fn check_name(api_key: &ApiKeyDto, violations: &mut Violations) {
    if api_key.name.as_deref() == Some(NAMELESS) {
        violations.add("api_key.name", "must not be empty");
    }
}

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
        let name = self.api_key.name.filter(|name| name != NAMELESS);
        ApiKeyDto { scopes, name, ..self.api_key }
    }
}

impl FromQueryResult for ApiKeyRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let scopes = row.try_get(prefix, sea_orm::IdenStatic::as_str(&api_key::Column::Scopes))?;
        Ok(Self { api_key: ApiKeyDto::from_query_result(row, prefix)?, scopes })
    }
}
