//! The users by page, the latest first.

use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::row::UserRow;
use super::search::Search;
use super::view::{View, show};
use crate::entity::user;
use crate::error::Result;
use crate::proto::UserDto;
use crate::store::Store;
use crate::store::engine::Scan;
use crate::store::lookup::Shape;
use crate::store::paging::{Keyset, Listed, Page, list};

impl Store {
    /// A page of the users who match, or of all without a search.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list_users(&self, search: Option<&Search>, page: &Page, view: View) -> Result<Listed<UserDto>> {
        let select = UserRow::select().filter(search.map_or_else(Condition::all, Search::condition));
        let latest_first = Keyset::descending([user::Column::CreatedAt, user::Column::UserId].map(ColumnTrait::into_expr));
        let page = page.clone();
        let read = async move |scan: Scan| {
            show(scan.connection(), list(scan.connection(), select, &latest_first, &page).await?, view).await
        };
        self.engine.scan(read).await
    }
}
