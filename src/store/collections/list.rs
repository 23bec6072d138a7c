//! Lists: the groups or roles of a user, and the members of one.

use prost::bytes::Bytes;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, PartialModelTrait, QueryFilter, QuerySelect, RelationDef, Select,
};

use super::{Collection, Peopled, Place};
use crate::entity::user;
use crate::error::Result;
use crate::store::engine::Reading;
use crate::store::lookup::Shape;
use crate::store::paging::{Keyset, Listed, Page, list};
use crate::store::resources::{find, id};
use crate::store::users::{Brief, EncodedRow, View, show};
use crate::store::{Identifier, Level, Store, Tenant, lookup};

/// Whose groups or roles are asked for, and of which level.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Who asks.
    pub tenant: Tenant,
    /// The level.
    pub level: Level,
    /// The user.
    pub user: Identifier,
}

impl Holder {
    /// The user's id.
    pub(super) async fn find(&self, connection: &impl ConnectionTrait) -> Result<String> {
        self.level.require(connection).await?;
        Ok(lookup::find_one::<Brief>(connection, &self.tenant, &self.user).await?.user_id)
    }
}

impl Store {
    /// A page of the groups or roles of a level that a user is in, by code.
    ///
    /// # Errors
    /// [`crate::error::Error::OrganizationNotFound`], [`crate::error::Error::UserNotFound`].
    pub async fn collections_of<C: Collection>(&self, whose: &Holder, page: &Page) -> Result<Listed<C::Dto>> {
        let (whose, page) = (whose.clone(), page.clone());
        let read = move |reading: Reading| {
            let (whose, page) = (whose.clone(), page.clone());
            async move {
                let user_id = whose.find(&reading.connection()).await?;
                let by_code = Keyset::ascending([C::CODE.into_expr()]);
                list(&reading.connection(), of_user::<C>(&whose.level, &user_id), &by_code, &page).await
            }
        };
        self.engine.scan(read).await
    }

    /// A page of the users who are in a group or role, by user id.
    ///
    /// # Errors
    /// [`crate::error::Error::OrganizationNotFound`]; [`crate::error::Error::GroupNotFound`] or [`crate::error::Error::RoleNotFound`].
    pub async fn members<C: Collection>(
        &self,
        tenant: &Tenant,
        place: &Place,
        page: &Page,
        view: &View,
    ) -> Result<Listed<Bytes>> {
        let (tenant, place, page, view) = (tenant.clone(), place.clone(), page.clone(), view.clone());
        let read = move |reading: Reading| {
            let (tenant, place, page, view) = (tenant.clone(), place.clone(), page.clone(), view.clone());
            async move {
                let collection = find::<C>(&reading.connection(), &place).await?;
                let join = user::Entity::belongs_to(C::Members::default()).from(user::Column::UserId).to(C::MEMBER).into();
                let select = EncodedRow::select().join(JoinType::InnerJoin, join).filter(C::MEMBER_OF.eq(id::<C>(&collection)));
                // Ordered by the membership's own column, which its key is in the order of.
                let keyset = Keyset::ascending([C::MEMBER.into_expr()]);
                let listed = list(&reading.connection(), select, &keyset, &page).await?;
                show(&reading.connection(), &tenant, listed, &view).await
            }
        };
        self.engine.scan(read).await
    }
}

/// Those of a user at a level, as the wire has them.
pub(super) fn of_user<C: Collection>(level: &Level, user_id: &str) -> Select<C::Entity> {
    C::Dto::select_cols(with_members::<C>(level).select_only()).filter(C::MEMBER.eq(user_id))
}

/// Those of a level, each with its members. The level is asked of the membership, whose index it is in, and which is of the level
/// of its group or role; asked of these, SQLite would go through all of them.
pub(super) fn with_members<C: Peopled>(level: &Level) -> Select<C::Entity> {
    C::Entity::find().join(JoinType::InnerJoin, to_members::<C>()).filter(level.is(C::MEMBER_LEVEL))
}

/// From a set to its members.
fn to_members<C: Peopled>() -> RelationDef {
    C::Entity::belongs_to(C::Members::default()).from(C::ID).to(C::MEMBER_OF).into()
}
