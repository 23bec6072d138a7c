//! The members of a department by page, or of all that is below it.

use prost::bytes::Bytes;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect};

use super::{Departments, tree};
use crate::entity::department::member;
use crate::entity::user;
use crate::error::Result;
use crate::store::engine::Reading;
use crate::store::lookup::Shape;
use crate::store::paging::{Keyset, Listed, Page, list};
use crate::store::resources::find;
use crate::store::users::{EncodedRow, View, show};
use crate::store::{Level, Located, Store, Tenant};

impl Store {
    /// A page of the users who are in a department, or also in one below it, by user id; the view is of the department's level.
    ///
    /// # Errors
    /// [`crate::error::Error::OrganizationNotFound`], [`crate::error::Error::DepartmentNotFound`].
    pub async fn department_members(
        &self,
        tenant: &Tenant,
        department: &Located,
        below: bool,
        page: &Page,
        view: &View,
    ) -> Result<Listed<Bytes>> {
        let (tenant, department, page, view) = (tenant.clone(), department.clone(), page.clone(), view.clone());
        let read = move |reading: Reading| {
            let (tenant, department, page, view) = (tenant.clone(), department.clone(), page.clone(), view.clone());
            async move {
                let connection = &reading.connection();
                let department = find::<Departments>(connection, &department).await?;
                let (select, user_id) = if below {
                    let members = Query::select()
                        .column(member::Column::UserId)
                        .from(member::Entity)
                        .and_where(member::Column::DepartmentId.in_subquery(tree::branch(&department.department_id)))
                        .to_owned();
                    let members = user::Column::UserId.in_subquery(members);
                    (EncodedRow::select().filter(members), user::Column::UserId.into_expr())
                } else {
                    let join = user::Entity::belongs_to(member::Entity).from(user::Column::UserId).to(member::Column::UserId);
                    let select = EncodedRow::select().join(JoinType::InnerJoin, join.into());
                    let members = member::Column::DepartmentId.eq(&department.department_id);
                    // Ordered by the membership's own column, which its key is in the order of.
                    (select.filter(members), member::Column::UserId.into_expr())
                };
                let listed = list(connection, select, &Keyset::ascending([user_id]), &page).await?;
                let view = View { level: Level::of(&department.level), ..view };
                show(connection, &tenant, listed, &view).await
            }
        };
        self.engine.scan(read).await
    }
}
