//! Identities: what users are known as at providers. How they are linked and unlinked, and how they are read.

mod link;
mod list;
mod new;
mod row;
mod unlink;

pub use link::{LinkIdentity, Linked};
pub(super) use list::of_users;
pub use new::NewIdentity;
pub(super) use new::{insert, insert_all};
pub(super) use row::IdentityRow;
pub use unlink::UnlinkIdentity;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, Select};

use crate::entity::identity::{Column, Entity};
use crate::error::Result;

/// Those of a user.
fn of_user(user_id: &str) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(user_id))
}

/// Whether the user has any.
pub(super) async fn has_any(connection: &impl ConnectionTrait, user_id: &str) -> Result<bool> {
    let any = of_user(user_id).select_only().column(Column::IdentityId).limit(1).into_tuple::<String>();
    Ok(any.one(connection).await?.is_some())
}

/// How many the user has.
async fn count(connection: &impl ConnectionTrait, user_id: &str) -> Result<u64> {
    Ok(of_user(user_id).count(connection).await?)
}
