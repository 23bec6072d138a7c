//! Groups and roles: sets of users with a code, at the pool's own level or in an organization. What is done with who is in them is
//! written here once; `groups.rs` and `roles.rs` say what is a group's and what a role's.

mod list;
mod member;

pub use list::Holder;
pub(super) use member::codes;
pub use member::{ChangeHolding, ChangeMembers, Holding};

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Select};

use super::Level;
use super::engine::keys::is;
use super::resources::Resource;
use crate::error::{Error, Result};

/// A kind of set that users are in.
pub trait Collection: Resource<Key = Place> {
    /// The table of who is in which.
    type Members: EntityTrait<Column = Self::MemberColumn>;
    /// Its columns.
    type MemberColumn: ColumnTrait;

    /// Where a set stands.
    const LEVEL: Self::Column;
    /// The same as a reference, which the database makes of it.
    const ORGANIZATION_ID: Self::Column;
    /// What callers name a set by.
    const CODE: Self::Column;
    /// Which set a member is in.
    const MEMBER_OF: Self::MemberColumn;
    /// Who it is.
    const MEMBER: Self::MemberColumn;
    /// The level of the set.
    const MEMBER_LEVEL: Self::MemberColumn;
}

/// What a set is named by: its code, which is unique at its level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where it stands.
    pub level: Level,
    /// Its code.
    pub code: String,
}

/// Those of a level: there is no other way to them.
pub(super) fn at<C: Collection>(level: &Level) -> Select<C::Entity> {
    C::Entity::find().filter(level.is(C::LEVEL))
}

/// The one of this place.
pub(super) fn find<C: Collection>(place: &Place) -> Select<C::Entity> {
    at::<C>(&place.level).filter(is(C::CODE, &place.code))
}

/// Puts a new row to the level.
pub(super) fn stand<C: Collection>(row: &mut C::Row, level: &Level) -> Result<()> {
    row.not_set(C::ORGANIZATION_ID);
    row.set(C::LEVEL, level.key().ok_or(Error::OrganizationNotFound)?.into());
    Ok(())
}
