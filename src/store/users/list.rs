//! The users by page, the latest first.

use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::row::UserRow;
use super::search::Search;
use super::view::{View, show};
use crate::entity::user::Column;
use crate::error::Result;
use crate::proto::UserDto;
use crate::store::Store;
use crate::store::engine::Reading;
use crate::store::lookup::Shape;
use crate::store::paging::{Keyset, Listed, Page, list};

impl Store {
    /// A page of the users who match, or of all without a search.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list_users(&self, search: Option<&Search>, page: &Page, view: View) -> Result<Listed<UserDto>> {
        let (search, page) = (search.cloned(), page.clone());
        let read = move |reading: Reading| {
            let (search, page) = (search.clone(), page.clone());
            async move {
                let connection = &reading.connection();
                let matching = search.map_or_else(Condition::all, |search| search.condition(connection));
                let latest_first = Keyset::descending([Column::CreatedAt, Column::UserId].map(ColumnTrait::into_expr));
                let listed = list(connection, UserRow::select().filter(matching), &latest_first, &page).await?;
                show(connection, listed, view).await
            }
        };
        self.engine.scan(read).await
    }
}
