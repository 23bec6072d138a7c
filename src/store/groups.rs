//! Groups: what is said of them in [`super::collections`].

use sea_orm::{ConnectionTrait, Select};

use super::collections::{self, Collection, Peopled, Place};
use super::resources::{Resource, Stamps};
use super::standing::{self, Standing};
use super::{Level, Tx};
use crate::entity::group::{self, member};
use crate::error::{Error, Result};
use crate::proto::GroupDto;

/// The kind of set that a group is.
#[derive(Clone, Copy, Debug)]
pub struct Groups;

impl Resource for Groups {
    type Entity = group::Entity;
    type Model = group::Model;
    type Row = group::ActiveModel;
    type Column = group::Column;
    type Dto = GroupDto;
    type Key = Place;

    const NAME: &'static str = "group";
    const ID: group::Column = group::Column::GroupId;
    const STAMPS: Option<Stamps<group::Column>> =
        Some(Stamps { etag: group::Column::Etag, created_at: group::Column::CreatedAt, updated_at: group::Column::UpdatedAt });

    fn find(key: &Place) -> Select<group::Entity> {
        collections::find::<Self>(key)
    }

    fn not_found(key: &Place) -> Error {
        Error::GroupNotFound(key.code.clone())
    }

    async fn require(connection: &impl ConnectionTrait, key: &Place) -> Result<()> {
        key.level.require(connection).await
    }

    async fn keep(tx: &Tx, key: &Place) -> Result<()> {
        key.level.keep(tx).await
    }

    fn stand(row: &mut group::ActiveModel, level: &Level) -> Result<()> {
        standing::stand::<Self>(row, level)
    }
}

impl Standing for Groups {
    const LEVEL: group::Column = group::Column::Level;
    const ORGANIZATION_ID: group::Column = group::Column::OrganizationId;
    const ORDER: group::Column = group::Column::Code;
}

impl Collection for Groups {
    const CODE: group::Column = group::Column::Code;
}

impl Peopled for Groups {
    type Members = member::Entity;
    type MemberColumn = member::Column;

    const MEMBER_OF: member::Column = member::Column::GroupId;
    const MEMBER: member::Column = member::Column::UserId;
    const MEMBER_LEVEL: member::Column = member::Column::Level;
}
