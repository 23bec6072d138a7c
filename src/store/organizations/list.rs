//! Lists: the organizations, those of a user, and the members of one.

use std::collections::HashMap;

use prost::bytes::Bytes;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, PartialModelTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};

use super::there;
use crate::entity::organization::{Column, Entity, member};
use crate::entity::user;
use crate::error::Result;
use crate::proto::OrganizationDto;
use crate::store::engine::{Reading, keys::any_of};
use crate::store::lookup::Shape;
use crate::store::paging::{Keyset, Listed, Page, list};
use crate::store::users::{Brief, EncodedRow, View, show};
use crate::store::{Identifier, Level, Store, Tenant, lookup};

/// Those that the tenant sees.
fn seen(tenant: &Tenant) -> Select<Entity> {
    let own = tenant.organization_id().map(|own| Column::OrganizationId.eq(own));
    there().filter(Condition::all().add_option(own))
}

fn by_code() -> Keyset {
    Keyset::ascending([Column::Code.into_expr()])
}

impl Store {
    /// A page of the organizations that the tenant sees, by code.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn organizations(&self, tenant: &Tenant, page: &Page) -> Result<Listed<OrganizationDto>> {
        let (select, page) = (OrganizationDto::select_cols(seen(tenant).select_only()), page.clone());
        let read = move |reading: Reading| {
            let (select, page) = (select.clone(), page.clone());
            async move { list(&reading.connection(), select, &by_code(), &page).await }
        };
        self.engine.scan(read).await
    }

    /// A page of the organizations that a user is a member of, as far as the tenant sees them, by code.
    ///
    /// # Errors
    /// [`crate::error::Error::UserNotFound`].
    pub async fn organizations_of(&self, tenant: &Tenant, user: &Identifier, page: &Page) -> Result<Listed<OrganizationDto>> {
        let (tenant, user, page) = (tenant.clone(), user.clone(), page.clone());
        let read = move |reading: Reading| {
            let (tenant, user, page) = (tenant.clone(), user.clone(), page.clone());
            async move {
                let user = lookup::find_one::<Brief>(&reading.connection(), &tenant, &user).await?;
                let select = OrganizationDto::select_cols(with_members(&tenant).select_only());
                let select = select.filter(member::Column::UserId.eq(user.user_id));
                list(&reading.connection(), select, &by_code(), &page).await
            }
        };
        self.engine.scan(read).await
    }

    /// A page of the members of the organization that the view is of, by user id.
    ///
    /// # Errors
    /// [`crate::error::Error::OrganizationNotFound`].
    pub async fn organization_members(&self, tenant: &Tenant, page: &Page, view: &View) -> Result<Listed<Bytes>> {
        let (tenant, page, view) = (tenant.clone(), page.clone(), view.clone());
        let read = move |reading: Reading| {
            let (tenant, page, view) = (tenant.clone(), page.clone(), view.clone());
            async move {
                view.level.require(&reading.connection()).await?;
                let select = members(&view.level);
                let keyset = Keyset::ascending([member::Column::UserId.into_expr()]);
                let listed = list(&reading.connection(), select, &keyset, &page).await?;
                show(&reading.connection(), &tenant, listed, &view).await
            }
        };
        self.engine.scan(read).await
    }
}

/// The members of an organization, as the wire has them.
pub(in crate::store) fn members(organization: &Level) -> Select<user::Entity> {
    let join = user::Entity::belongs_to(member::Entity).from(user::Column::UserId).to(member::Column::UserId).into();
    let select = EncodedRow::select().join(JoinType::InnerJoin, join);
    let id = organization.organization_id();
    select.filter(id.map_or_else(|| Expr::value(false), |id| member::Column::OrganizationId.eq(id)))
}

/// Those that the tenant sees, each with its members.
fn with_members(tenant: &Tenant) -> Select<Entity> {
    let join = Entity::belongs_to(member::Entity).from(Column::OrganizationId).to(member::Column::OrganizationId).into();
    seen(tenant).join(JoinType::InnerJoin, join)
}

/// The organizations of each of the users, as far as the tenant sees them, in their order.
pub(in crate::store) async fn ids_of(
    connection: &impl ConnectionTrait,
    tenant: &Tenant,
    user_ids: &[String],
) -> Result<HashMap<String, Vec<String>>> {
    let select = with_members(tenant).select_only().column_as(member::Column::UserId, "user_id").column(Column::OrganizationId);
    let select = select.filter(any_of(connection, member::Column::UserId, user_ids)).order_by_asc(Column::OrganizationId);
    let mut ids: HashMap<_, Vec<_>> = HashMap::new();
    for (user_id, organization_id) in select.into_tuple::<(String, String)>().all(connection).await? {
        ids.entry(user_id).or_default().push(organization_id);
    }
    Ok(ids)
}

/// The organization that owns the user at hand, unless it is deleted: of one that is, the users are cleared by and by.
pub(in crate::store) fn owner() -> Expr {
    let owner = Query::select()
        .column(Column::OrganizationId)
        .from(Entity)
        .and_where(Column::OrganizationId.into_expr().equals((user::Entity, user::Column::TenantId)))
        .and_where(Column::DeletedAt.is_null())
        .to_owned();
    // Most users of a pool have no owner, and PostgreSQL would look for it all the same.
    let has_one = Expr::col((user::Entity, user::Column::TenantId)).is_not_null();
    CaseStatement::new().case(has_one, Expr::from(owner)).into()
}
