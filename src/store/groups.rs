//! Groups: what is said of them in [`super::collections`].

use sea_orm::{ConnectionTrait, Select};

use super::collections::{self, Collection, Place};
use super::resources::Resource;
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
    const ETAG: group::Column = group::Column::Etag;
    const CREATED_AT: group::Column = group::Column::CreatedAt;
    const UPDATED_AT: group::Column = group::Column::UpdatedAt;

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
        collections::stand::<Self>(row, level)
    }
}

impl Collection for Groups {
    type Members = member::Entity;
    type MemberColumn = member::Column;

    const LEVEL: group::Column = group::Column::Level;
    const ORGANIZATION_ID: group::Column = group::Column::OrganizationId;
    const CODE: group::Column = group::Column::Code;
    const MEMBER_OF: member::Column = member::Column::GroupId;
    const MEMBER: member::Column = member::Column::UserId;
    const MEMBER_LEVEL: member::Column = member::Column::Level;
}
