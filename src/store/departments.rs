//! Departments: trees of sets of users, at the pool's own level or in an organization. What is said of them in
//! [`super::resources`], how they make a tree, and who is in which.

mod list;
mod member;
mod tree;

pub use member::{AddDepartmentMembers, RemoveDepartmentMembers};
pub(super) use member::{Held, held};

use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Select};

use super::collections::Peopled;
use super::engine::locks;
use super::resources::{Resource, Stamps};
use super::standing::{self, Located, Standing};
use super::{Level, Tx};
use crate::entity::department::{ActiveModel, Column, Entity, Model, member as members};
use crate::error::{Error, Result};
use crate::proto::DepartmentDto;

/// The kind of resource that a department is.
#[derive(Clone, Copy, Debug)]
pub struct Departments;

impl Resource for Departments {
    type Entity = Entity;
    type Model = Model;
    type Row = ActiveModel;
    type Column = Column;
    type Dto = DepartmentDto;
    type Key = Located;

    const NAME: &'static str = "department";
    const ID: Column = Column::DepartmentId;
    const STAMPS: Option<Stamps<Column>> =
        Some(Stamps { etag: Column::Etag, created_at: Column::CreatedAt, updated_at: Column::UpdatedAt });

    fn find(key: &Located) -> Select<Entity> {
        standing::find::<Self>(key)
    }

    fn not_found(_: &Located) -> Error {
        Error::DepartmentNotFound
    }

    async fn require(connection: &impl ConnectionTrait, key: &Located) -> Result<()> {
        standing::require(connection, key).await
    }

    async fn keep(tx: &Tx, key: &Located) -> Result<()> {
        standing::keep::<Self>(tx, key).await
    }

    fn stand(row: &mut ActiveModel, level: &Level) -> Result<()> {
        standing::stand::<Self>(row, level)
    }

    /// Of two that are put below each other at once, neither would see where the other goes.
    async fn wait(tx: &Tx, gives: &(dyn Fn(&str) -> bool + Sync)) -> Result<()> {
        if gives("parent_department_id") { locks::alone(&tx.connection, "move_departments").await } else { Ok(()) }
    }

    /// Whatever is put under another keeps the tree a tree, of so many levels at most.
    async fn settle(tx: &Tx, row: &ActiveModel, stored: Option<&Model>) -> Result<()> {
        let ActiveValue::Set(Some(parent)) = &row.parent_department_id else { return Ok(()) };
        let level = match (stored, &row.level) {
            (Some(stored), _) => &stored.level,
            (None, ActiveValue::Set(level)) => level,
            (None, _) => return Err(Error::internal("a new department has no level")),
        };
        tree::check(tx, level, parent, stored.map(|stored| stored.department_id.as_str())).await
    }

    async fn complete(connection: &impl ConnectionTrait, rows: Vec<DepartmentDto>) -> Result<Vec<DepartmentDto>> {
        member::with_leaders(connection, rows).await
    }

    /// Whoever makes one below it waits for its row, as this has waited for them.
    async fn delete(tx: &Tx, stored: &Model) -> Result<()> {
        let children = Entity::find().select_only().column(Column::DepartmentId);
        let children = children.filter(Column::ParentDepartmentId.eq(&stored.department_id)).limit(1);
        if children.into_tuple::<String>().one(&tx.connection).await?.is_some() {
            return Err(Error::NotEmpty);
        }
        Entity::delete_by_id(&stored.department_id).exec(&tx.connection).await?;
        Ok(())
    }
}

impl Standing for Departments {
    const LEVEL: Column = Column::Level;
    const ORGANIZATION_ID: Column = Column::OrganizationId;
    const ORDER: Column = Column::DepartmentId;
}

impl Peopled for Departments {
    type Members = members::Entity;
    type MemberColumn = members::Column;

    const MEMBER_OF: members::Column = members::Column::DepartmentId;
    const MEMBER: members::Column = members::Column::UserId;
    const MEMBER_LEVEL: members::Column = members::Column::Level;
}
