//! What is read of the table `users`: the wire's own message, or as little as a check needs.

use sea_orm::sea_query::Expr;
use sea_orm::{DbErr, DerivePartialModel, EntityTrait, FromQueryResult, PartialModelTrait, QueryResult, QuerySelect, Select};

use crate::entity::{StringList, user};
use crate::proto::{Timestamp, UserDto};
use crate::store::lookup::{OWNER, SEEN, Shape};
use crate::store::{Tenant, organizations};

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
    pub(super) etag: String,
    pub(in crate::store) tenant_id: Option<String>,
}

impl Shape for Brief {
    fn select() -> Select<user::Entity> {
        Self::select_cols(user::Entity::find().select_only())
    }
}

/// What is told of whoever has an identifier, also where the tenant does not see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Their id, which is told to nobody.
    pub user_id: String,
    /// When the user was created.
    pub created_at: Timestamp,
    /// Whether the tenant sees the user.
    pub seen: bool,
}

impl FromQueryResult for Met {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let column = |column: user::Column| sea_orm::IdenStatic::as_str(&column);
        let user_id = row.try_get(prefix, column(user::Column::UserId))?;
        let created_at = row.try_get(prefix, column(user::Column::CreatedAt))?;
        Ok(Self { user_id, created_at, seen: row.try_get(prefix, SEEN)? })
    }
}

impl Shape for Met {
    fn select() -> Select<user::Entity> {
        user::Entity::find().select_only().column(user::Column::UserId).column(user::Column::CreatedAt)
    }

    fn as_seen_by(tenant: &Tenant, select: Select<user::Entity>) -> Select<user::Entity> {
        select.expr_as(tenant.membership().unwrap_or_else(|| Expr::cust("TRUE")), SEEN)
    }
}
