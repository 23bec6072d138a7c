//! Groups and roles: sets of users with a code, at the pool's own level or in an organization. What is done with who is in them is
//! written here once; `groups.rs` and `roles.rs` say what is a group's and what a role's. Departments and posts are sets of users
//! too, and share what does not need the code.

mod list;
mod member;

pub use list::Holder;
pub use member::{ChangeHolding, ChangeMembers, Holding};
pub(super) use member::{change, held, refuse_stranger, refuse_strangers};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use super::Level;
use super::engine::keys::is;
use super::standing::{Standing, at};

/// How many memberships are read at once.
pub(super) const AT_ONCE: usize = 100_000;

/// A kind of set that users are in.
pub trait Peopled: Standing {
    /// The table of who is in which.
    type Members: EntityTrait<Column = Self::MemberColumn>;
    /// Its columns.
    type MemberColumn: ColumnTrait;

    /// Which set a member is in.
    const MEMBER_OF: Self::MemberColumn;
    /// Who it is.
    const MEMBER: Self::MemberColumn;
    /// The level of the set.
    const MEMBER_LEVEL: Self::MemberColumn;
}

/// A kind of set that callers name by its code.
pub trait Collection: Peopled<Key = Place> {
    /// The code.
    const CODE: Self::Column;
}

/// What a set is named by: its code, which is unique at its level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Where it stands.
    pub level: Level,
    /// Its code.
    pub code: String,
}

/// The one of this place.
pub(super) fn find<C: Collection>(place: &Place) -> Select<C::Entity> {
    at::<C>(&place.level).filter(is(C::CODE, &place.code))
}
