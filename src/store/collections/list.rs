//! Lists: all groups or roles, those of a user, and the members of one.

use sea_orm::{ColumnTrait, EntityTrait, JoinType, PartialModelTrait, QueryFilter, QuerySelect, RelationDef, Select};

use super::{Collection, find, id};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::proto::UserDto;
use crate::store::engine::Reading;
use crate::store::lookup::Shape;
use crate::store::paging::{Keyset, Listed, Page, list};
use crate::store::users::{Brief, UserRow, View, show};
use crate::store::{Identifier, Store, lookup};

impl Store {
    /// A page of all groups or roles, by code.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn collections<C: Collection>(&self, page: &Page) -> Result<Listed<C::Dto>> {
        let page = page.clone();
        let read = move |reading: Reading| {
            let page = page.clone();
            async move {
                let select = C::Dto::select_cols(C::Entity::find().select_only());
                list(&reading.connection(), select, &by_code::<C>(), &page).await
            }
        };
        self.engine.scan(read).await
    }

    /// A page of the groups or roles that a user is in, by code.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn collections_of<C: Collection>(&self, user: &Identifier, page: &Page) -> Result<Listed<C::Dto>> {
        let (user, page) = (user.clone(), page.clone());
        let read = move |reading: Reading| {
            let (user, page) = (user.clone(), page.clone());
            async move {
                let user = lookup::find_one::<Brief>(&reading.connection(), &user).await?.ok_or(Error::UserNotFound)?;
                list(&reading.connection(), of_user::<C>(&user.user_id), &by_code::<C>(), &page).await
            }
        };
        self.engine.scan(read).await
    }

    /// A page of the users who are in a group or role, by user id.
    ///
    /// # Errors
    /// [`Error::GroupNotFound`] or [`Error::RoleNotFound`].
    pub async fn members<C: Collection>(&self, code: &str, page: &Page, view: View) -> Result<Listed<UserDto>> {
        let (code, page) = (code.to_owned(), page.clone());
        let read = move |reading: Reading| {
            let (code, page) = (code.clone(), page.clone());
            async move {
                let collection = find::<C>(&reading.connection(), &code).await?;
                let join = user::Entity::belongs_to(C::Members::default()).from(user::Column::UserId).to(C::MEMBER).into();
                let select = UserRow::select().join(JoinType::InnerJoin, join).filter(C::MEMBER_OF.eq(id::<C>(&collection)));
                // Ordered by the membership's own column, which its key is in the order of.
                let keyset = Keyset::ascending([C::MEMBER.into_expr()]);
                show(&reading.connection(), list(&reading.connection(), select, &keyset, &page).await?, view).await
            }
        };
        self.engine.scan(read).await
    }
}

fn by_code<C: Collection>() -> Keyset {
    Keyset::ascending([C::CODE.into_expr()])
}

/// Those of a user, as the wire has them.
pub(super) fn of_user<C: Collection>(user_id: &str) -> Select<C::Entity> {
    let select = C::Dto::select_cols(C::Entity::find().select_only());
    select.join(JoinType::InnerJoin, to_members::<C>()).filter(C::MEMBER.eq(user_id))
}

/// From a set to its members.
pub(super) fn to_members<C: Collection>() -> RelationDef {
    C::Entity::belongs_to(C::Members::default()).from(C::ID).to(C::MEMBER_OF).into()
}
