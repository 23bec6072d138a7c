//! An identity as it is read: the wire's own message from its columns, and what is no scalar.

use sea_orm::{DbErr, EntityTrait, FromQueryResult, IdenStatic, PartialModelTrait, QueryResult, QuerySelect, Select};

use crate::entity::StringList;
use crate::entity::identity::{Column, Entity};
use crate::error::{Error, Result};
use crate::proto::{IdentityDto, json};

/// A row, with whose it is. It has no tokens.
pub(in crate::store) struct IdentityRow {
    pub(in crate::store) user_id: String,
    identity: IdentityDto,
    user_info: String,
    origin_conn_ids: StringList,
}

impl IdentityRow {
    pub(in crate::store) fn select() -> Select<Entity> {
        let select = IdentityDto::select_cols(Entity::find().select_only());
        select.columns([Column::UserId, Column::UserInfoInIdp, Column::OriginConnIds])
    }

    /// As the wire has it.
    pub(in crate::store) fn into_dto(self) -> Result<IdentityDto> {
        let info = json::object_from_text(&self.user_info).ok_or_else(|| Error::internal("what a provider says is no JSON"))?;
        Ok(IdentityDto { user_info_in_idp: Some(info), origin_conn_ids: self.origin_conn_ids.0, ..self.identity })
    }
}

impl FromQueryResult for IdentityRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        Ok(Self {
            user_id: row.try_get(prefix, Column::UserId.as_str())?,
            user_info: row.try_get(prefix, Column::UserInfoInIdp.as_str())?,
            origin_conn_ids: row.try_get(prefix, Column::OriginConnIds.as_str())?,
            identity: IdentityDto::from_query_result(row, prefix)?,
        })
    }
}
