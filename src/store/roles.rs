//! Roles: what is said of them in [`super::collections`].

use sea_orm::{ConnectionTrait, Select};

use super::collections::{self, Collection, Holder, Peopled, Place};
use super::resources::{Resource, Stamps};
use super::standing::{self, Standing};
use super::{Level, Store, Tx};
use crate::entity::role::{self, member};
use crate::error::{Error, Result};
use crate::proto::RoleDto;

/// The kind of set that a role is.
#[derive(Clone, Copy, Debug)]
pub struct Roles;

impl Resource for Roles {
    type Entity = role::Entity;
    type Model = role::Model;
    type Row = role::ActiveModel;
    type Column = role::Column;
    type Dto = RoleDto;
    type Key = Place;

    const NAME: &'static str = "role";
    const ID: role::Column = role::Column::RoleId;
    const STAMPS: Option<Stamps<role::Column>> =
        Some(Stamps { etag: role::Column::Etag, created_at: role::Column::CreatedAt, updated_at: role::Column::UpdatedAt });

    fn find(key: &Place) -> Select<role::Entity> {
        collections::find::<Self>(key)
    }

    fn not_found(key: &Place) -> Error {
        Error::RoleNotFound(key.code.clone())
    }

    async fn require(connection: &impl ConnectionTrait, key: &Place) -> Result<()> {
        key.level.require(connection).await
    }

    async fn keep(tx: &Tx, key: &Place) -> Result<()> {
        key.level.keep(tx).await
    }

    fn stand(row: &mut role::ActiveModel, level: &Level) -> Result<()> {
        standing::stand::<Self>(row, level)
    }
}

impl Standing for Roles {
    const LEVEL: role::Column = role::Column::Level;
    const ORGANIZATION_ID: role::Column = role::Column::OrganizationId;
    const ORDER: role::Column = role::Column::Code;
}

impl Collection for Roles {
    const CODE: role::Column = role::Column::Code;
}

impl Peopled for Roles {
    type Members = member::Entity;
    type MemberColumn = member::Column;

    const MEMBER_OF: member::Column = member::Column::RoleId;
    const MEMBER: member::Column = member::Column::UserId;
    const MEMBER_LEVEL: member::Column = member::Column::Level;
}

impl Store {
    /// Whether a user holds any of the roles; a code that none has is not held.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`], [`Error::UserNotFound`].
    pub async fn has_any_role(&self, holder: &Holder, codes: &[String]) -> Result<bool> {
        match self.gathered_roles(&holder.tenant, &holder.user, &holder.level).await? {
            Some(held) => Ok(codes.iter().any(|code| held.contains(code))),
            None => self.holds_any::<Roles>(holder, codes).await,
        }
    }
}
