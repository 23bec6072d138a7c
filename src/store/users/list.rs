//! The users by page, the latest first.

use prost::bytes::Bytes;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::row::EncodedRow;
use super::search::Search;
use super::view::{View, show};
use crate::entity::{organization::member, user::Column};
use crate::error::Result;
use crate::store::engine::Reading;
use crate::store::lookup::Shape;
use crate::store::paging::{Keyset, Listed, Page, list};
use crate::store::{Level, Store, Tenant, organizations};

impl Store {
    /// A page of the users who match, or of all without a search: of those of the pool, or of the members of the organization
    /// that the view is of.
    ///
    /// # Errors
    /// [`crate::error::Error::OrganizationNotFound`].
    pub async fn list_users(
        &self,
        tenant: &Tenant,
        search: Option<&Search>,
        page: &Page,
        view: &View,
    ) -> Result<Listed<Bytes>> {
        let (tenant, search, page, view) = (tenant.clone(), search.cloned(), page.clone(), view.clone());
        let read = move |reading: Reading| {
            let (tenant, search, page, view) = (tenant.clone(), search.clone(), page.clone(), view.clone());
            async move {
                let connection = &reading.connection();
                view.level.require(connection).await?;
                let matching = search.map_or_else(Condition::all, |search| search.condition(connection));
                // By the columns of an index in each case.
                let (select, latest_first) = if view.level == Level::Pool {
                    (EncodedRow::select(), [Column::CreatedAt, Column::UserId].map(ColumnTrait::into_expr))
                } else {
                    let member = [member::Column::UserCreatedAt, member::Column::UserId].map(ColumnTrait::into_expr);
                    (organizations::members(&view.level), member)
                };
                let listed = list(connection, select.filter(matching), &Keyset::descending(latest_first), &page).await?;
                show(connection, &tenant, listed, &view).await
            }
        };
        self.engine.scan(read).await
    }
}
