//! Users: who they are, whether they exist, and their life from creation to deletion.

mod batch_create;
mod batch_delete;
mod batch_insert;
mod conflicts;
mod create;
mod custom_data;
mod delete;
mod exists;
mod identifiers;
mod list;
pub(super) mod ownership;
mod row;
mod search;
mod update;
mod view;

pub use batch_create::{BatchCreateUsers, CreatedUser};
pub use batch_delete::BatchDeleteUsers;
pub use create::CreateUser;
pub use delete::DeleteUser;
pub use exists::{Probe, Probed};
pub(super) use list::Lists;
pub use row::Met;
pub(super) use row::{Brief, EncodedRow, UserRow};
pub use search::Search;
pub use update::UpdateUser;
pub(super) use update::require_identifier;
pub use view::View;
pub(super) use view::show;

use prost::Message;
use prost::bytes::Bytes;
use sea_orm::{ActiveValue::Set, ConnectionTrait};

use super::engine::Reading;
use super::lookup::Asked;
use super::{Identifier, Store, Tenant, Tx, etag, lookup};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::proto::{UserDto, UserStatus};
use view::gather;

/// Whether a user of this state can log in (contract §3): the only thing that `status` and `blocked` decide.
pub(super) fn is_active(status: i32, blocked: Option<bool>) -> bool {
    status == i32::from(UserStatus::Activated) && blocked != Some(true)
}

/// Stamps a change of a user's row.
pub(super) fn stamp(row: &mut user::ActiveModel, stored: &user::Model, tx: &Tx) {
    // A clock may be set back, and the clocks of replicas differ a little.
    row.updated_at = Set(tx.now.max(stored.created_at));
    row.etag = Set(etag::new());
}

impl Store {
    /// The user who has the identifier: `UserDto` on the wire.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] if nobody has it whom the tenant sees; [`Error::OrganizationNotFound`] for the view's level.
    pub async fn user(&self, tenant: &Tenant, identifier: &Identifier, view: &View) -> Result<Bytes> {
        if view.is_plain() {
            return Ok(self.look(tenant, identifier, Asked::Profile).await?.bytes);
        }
        // The profile and what hangs on it are of one moment, so that its etag stands for both.
        self.gathered_user(tenant, identifier, view).await
    }

    /// The users who have the identifiers, in their order, or why there is none. Fewer where these already make more than a
    /// message holds.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`] for the view's level.
    pub async fn users(&self, tenant: &Tenant, identifiers: &[Identifier], view: &View) -> Result<Vec<Result<Bytes>>> {
        let (tenant, identifiers, view) = (tenant.clone(), identifiers.to_vec(), view.clone());
        let read = move |reading: Reading| {
            let (tenant, identifiers, view) = (tenant.clone(), identifiers.clone(), view.clone());
            async move {
                view.level.require(&reading.connection()).await?;
                shown(&reading.connection(), &tenant, &identifiers, &view).await
            }
        };
        self.engine.scan(read).await
    }
}

/// As [`Store::users`], at a level that is there.
pub(super) async fn shown(
    connection: &impl ConnectionTrait,
    tenant: &Tenant,
    identifiers: &[Identifier],
    view: &View,
) -> Result<Vec<Result<Bytes>>> {
    let found = lookup::find::<EncodedRow>(connection, tenant, identifiers).await?;
    let mut rows = Vec::with_capacity(found.len());
    let mut show = |row: EncodedRow| row.shown_to(tenant).map(|row| rows.push(row));
    let found: Vec<Result<()>> = found.into_iter().map(|row| row.and_then(&mut show)).collect();
    let mut users = gather(connection, tenant, rows, view).await?.into_iter();
    let user = |found: Result<()>| match found {
        Ok(()) => users.next().map(|user| Ok(user.bytes.freeze())),
        Err(error) => Some(Err(error)),
    };
    Ok(found.into_iter().map_while(user).collect())
}

/// The user as the transaction at hand sees them.
async fn read(connection: &impl ConnectionTrait, tenant: &Tenant, identifier: &Identifier, view: &View) -> Result<UserDto> {
    let user = lookup::find_one::<UserRow>(connection, tenant, identifier).await?.into_dto(tenant);
    let user = gather(connection, tenant, vec![user.into()], view).await?.pop().ok_or(Error::MessageTooLarge { fit: None })?;
    UserDto::decode(user.bytes).map_err(Error::internal)
}
