//! What is read of the table `users`: the wire's own message, or as little as a check needs.

use sea_orm::{DbErr, DerivePartialModel, EntityTrait, FromQueryResult, PartialModelTrait, QueryResult, QuerySelect, Select};

use crate::entity::{StringList, user};
use crate::proto::{Timestamp, UserDto};
use crate::store::lookup::Shape;

/// A whole profile: `UserDto` straight from its columns, and the one list, which is no scalar.
#[derive(Clone)]
pub(in crate::store) struct UserRow {
    user: UserDto,
    register_source: Option<StringList>,
}

impl UserRow {
    pub(in crate::store) fn into_dto(self) -> UserDto {
        UserDto { register_source: self.register_source.unwrap_or_default().0, ..self.user }
    }
}

impl FromQueryResult for UserRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let register_source = row.try_get(prefix, sea_orm::IdenStatic::as_str(&user::Column::RegisterSource))?;
        Ok(Self { user: UserDto::from_query_result(row, prefix)?, register_source })
    }
}

impl Shape for UserRow {
    fn select() -> Select<user::Entity> {
        UserDto::select_cols(user::Entity::find().select_only()).column(user::Column::RegisterSource)
    }
}

/// What a check needs.
#[derive(Clone, DerivePartialModel)]
#[sea_orm(entity = "user::Entity")]
pub(in crate::store) struct Brief {
    pub(in crate::store) user_id: String,
    pub(super) created_at: Timestamp,
    pub(super) etag: String,
}

impl Shape for Brief {
    fn select() -> Select<user::Entity> {
        Self::select_cols(user::Entity::find().select_only())
    }
}
