//! What is read of the table `users`: the wire's own message, or as little as a check needs.

use sea_orm::{DbErr, DerivePartialModel, EntityTrait, FromQueryResult, PartialModelTrait, QueryResult, QuerySelect, Select};

use crate::entity::{StringList, user};
use crate::proto::{Timestamp, UserDto};
use crate::store::lookup::Shape;
use crate::store::{Tenant, organizations};

/// The result column of the organization that owns the user.
const OWNER: &str = "owner";

/// A whole profile: `UserDto` straight from its columns, the one list, which is no scalar, and who owns the user.
#[derive(Clone)]
pub(in crate::store) struct UserRow {
    user: UserDto,
    register_source: Option<StringList>,
    owner: Option<String>,
}

impl UserRow {
    /// As the tenant may see it.
    pub(in crate::store) fn into_dto(self, tenant: &Tenant) -> UserDto {
        let tenant_id = self.owner.filter(|owner| tenant.sees_organization(owner));
        UserDto { register_source: self.register_source.unwrap_or_default().0, tenant_id, ..self.user }
    }
}

impl FromQueryResult for UserRow {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let register_source = row.try_get(prefix, sea_orm::IdenStatic::as_str(&user::Column::RegisterSource))?;
        let owner = row.try_get(prefix, OWNER)?;
        Ok(Self { user: UserDto::from_query_result(row, prefix)?, register_source, owner })
    }
}

impl Shape for UserRow {
    fn select() -> Select<user::Entity> {
        let select = UserDto::select_cols(user::Entity::find().select_only()).column(user::Column::RegisterSource);
        select.expr_as(organizations::owner(), OWNER)
    }
}

/// What a check needs.
#[derive(Clone, DerivePartialModel)]
#[sea_orm(entity = "user::Entity")]
pub(in crate::store) struct Brief {
    pub(in crate::store) user_id: String,
    pub(super) created_at: Timestamp,
    pub(super) etag: String,
    pub(in crate::store) tenant_id: Option<String>,
}

impl Shape for Brief {
    fn select() -> Select<user::Entity> {
        Self::select_cols(user::Entity::find().select_only())
    }
}
