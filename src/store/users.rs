//! Users: who they are, whether they exist, and their life from creation to deletion.

mod conflicts;
mod create;
mod custom_data;
mod delete;
mod exists;
mod identifiers;
mod row;
mod update;

pub use create::CreateUser;
pub use delete::DeleteUser;
pub use exists::{Probe, Probed};
pub use update::UpdateUser;

use sea_orm::ConnectionTrait;

use super::{Identifier, Store, lookup};
use crate::error::{Error, Result};
use crate::proto::{Timestamp, UserDto};
use row::{Brief, UserRow};

/// What a read answers with beside the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// How custom data is shown.
    pub custom_data: CustomDataView,
}

/// How a read shows custom data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CustomDataView {
    /// Not at all.
    #[default]
    None,
    /// As it was written, in `custom_data`.
    Nested,
    /// With dotted keys, in `flat_custom_data`.
    Flat,
}

impl View {
    /// What Create and Update answer with.
    const WRITTEN: Self = Self { custom_data: CustomDataView::Nested };

    /// The view that a request asks for.
    #[must_use]
    pub fn of(with_custom_data: bool, flat_custom_data: bool) -> Self {
        let custom_data = match (with_custom_data, flat_custom_data) {
            (_, true) => CustomDataView::Flat,
            (true, false) => CustomDataView::Nested,
            (false, false) => CustomDataView::None,
        };
        Self { custom_data }
    }
}

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
        let snapshot = self.engine.snapshot().await?;
        let user = read(&snapshot, identifier, view).await;
        snapshot.rollback().await?;
        user
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
    let mut user = found.ok_or(Error::UserNotFound)?.into_dto();
    if let (Some(user_id), true) = (&user.user_id, view.custom_data != CustomDataView::None) {
        let stored = custom_data::Stored::read(connection, user_id).await?;
        stored.show(view.custom_data, &mut user)?;
    }
    Ok(user)
}
