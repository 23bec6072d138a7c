//! Organizations: what is said of them in [`super::resources`], who is a member, and how one goes.

mod clear;
mod list;
mod member;

pub(super) use clear::Clearing;
pub(super) use list::{ids_of, members, owner};
pub use member::{AddMembers, RemoveMembers};
pub(super) use member::{join, members_among};

use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Select};

use super::resources::{Resource, Stamps};
use super::{Level, Tx};
use crate::entity::api_key;
use crate::entity::organization::{ActiveModel, Column, Entity, Model};
use crate::error::{Error, Result};
use crate::proto::OrganizationDto;

/// The kind of resource that an organization is. Its key is the level that stands in it, as far as the caller reaches.
#[derive(Clone, Copy, Debug)]
pub struct Organizations;

/// Those that are there: one that is deleted is gone for everybody, also while its rows still are.
fn there() -> Select<Entity> {
    Entity::find().filter(Column::DeletedAt.is_null())
}

impl Resource for Organizations {
    type Entity = Entity;
    type Model = Model;
    type Row = ActiveModel;
    type Column = Column;
    type Dto = OrganizationDto;
    type Key = Level;

    const NAME: &'static str = "organization";
    const ID: Column = Column::OrganizationId;
    /// Who writes in it keeps its row: of those there may always be some, and a stronger lock would wait for a moment without.
    const CHANGE: LockType = LockType::NoKeyUpdate;
    const STAMPS: Option<Stamps<Column>> =
        Some(Stamps { etag: Column::Etag, created_at: Column::CreatedAt, updated_at: Column::UpdatedAt });

    fn find(key: &Level) -> Select<Entity> {
        there().filter(key.is(Column::OrganizationId))
    }

    fn not_found(_: &Level) -> Error {
        Error::OrganizationNotFound
    }

    async fn require(_: &impl ConnectionTrait, _: &Level) -> Result<()> {
        Ok(())
    }

    async fn keep(_: &Tx, _: &Level) -> Result<()> {
        Ok(())
    }

    fn stand(_: &mut ActiveModel, _: &Level) -> Result<()> {
        Ok(())
    }

    /// Marks it, and revokes the keys that are bound to it, which nobody makes meanwhile. The rest is cleared behind it, also what
    /// those make who are at work in it now.
    async fn delete(tx: &Tx, stored: &Model) -> Result<()> {
        let mark = Entity::update_many().col_expr(Column::DeletedAt, Expr::value(tx.now));
        mark.filter(Column::OrganizationId.eq(&stored.organization_id)).exec(&tx.connection).await?;
        let revoke = api_key::Entity::update_many().col_expr(api_key::Column::RevokedAt, Expr::value(tx.now));
        let bound = api_key::Column::OrganizationId.eq(&stored.organization_id);
        revoke.filter(bound).filter(api_key::Column::RevokedAt.is_null()).exec(&tx.connection).await?;
        Ok(())
    }
}
