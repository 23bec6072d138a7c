//! Users: who they are, whether they exist, and their life from creation to deletion.

mod batch_create;
mod batch_delete;
mod conflicts;
mod create;
mod custom_data;
mod delete;
mod exists;
mod identifiers;
mod list;
mod row;
mod search;
mod update;
mod view;

pub use batch_create::{BatchCreateUsers, CreatedUser};
pub use batch_delete::BatchDeleteUsers;
pub use create::CreateUser;
pub use delete::DeleteUser;
pub use exists::{Probe, Probed};
pub(super) use row::{Brief, UserRow};
pub use search::Search;
pub use update::UpdateUser;
pub use view::View;
pub(super) use view::show;

use sea_orm::ConnectionTrait;

use super::engine::Reading;
use super::{Identifier, Store, lookup};
use crate::error::{Error, Result};
use crate::proto::{Timestamp, UserDto};
use view::gather;

impl Store {
    /// The user who has the identifier.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] if nobody has it.
    pub async fn user(&self, identifier: &Identifier, view: View) -> Result<UserDto> {
        if view == View::default() {
            let found = self.lookup::<UserRow>(std::slice::from_ref(identifier)).await?.pop().flatten();
            return Ok(found.ok_or(Error::UserNotFound)?.into_dto());
        }
        // The profile and what hangs on it are of one moment, so that its etag stands for both.
        let identifier = identifier.clone();
        let read = move |reading: Reading| {
            let identifier = identifier.clone();
            async move { read(&reading.connection(), &identifier, view).await }
        };
        self.engine.snapshot(read).await
    }

    /// The users who have the identifiers, in their order; `None`: nobody has it. Fewer where these already make more than a
    /// message holds.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn users(&self, identifiers: &[Identifier], view: View) -> Result<Vec<Option<UserDto>>> {
        let identifiers = identifiers.to_vec();
        let read = move |reading: Reading| {
            let identifiers = identifiers.clone();
            async move {
                let found = lookup::find::<UserRow>(&reading.connection(), &identifiers).await?;
                let rows = found.iter().flatten().map(|row| row.clone().into_dto()).collect();
                let mut users = gather(&reading.connection(), rows, view).await?.into_iter();
                let user = |found: &Option<UserRow>| match found {
                    Some(_) => users.next().map(Some),
                    None => Some(None),
                };
                Ok(found.iter().map_while(user).collect())
            }
        };
        self.engine.scan(read).await
    }

    /// When the user who has the identifier was created; `None`: nobody has it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn user_created_at(&self, identifier: &Identifier) -> Result<Option<Timestamp>> {
        let found = self.lookup::<Brief>(std::slice::from_ref(identifier)).await?.pop().flatten();
        Ok(found.map(|brief| brief.created_at))
    }
}

/// The user as the transaction at hand sees them.
async fn read(connection: &impl ConnectionTrait, identifier: &Identifier, view: View) -> Result<UserDto> {
    let found = lookup::find_one::<UserRow>(connection, identifier).await?;
    let user = found.ok_or(Error::UserNotFound)?.into_dto();
    gather(connection, vec![user], view).await?.pop().ok_or(Error::MessageTooLarge { fit: None })
}
