//! The tables `departments` and `department_members`.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// A department.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "departments")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub department_id: String,
    /// Where it stands: empty at the pool's own level, else the organization's id.
    pub level: String,
    /// The organization that it stands in, made of the level by the database.
    pub organization_id: Option<String>,
    /// What it is a part of, of the same level.
    pub parent_department_id: Option<String>,
    /// What it is called by; unique at its level.
    pub code: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Changes with every change of the row.
    pub etag: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Who is in which.
pub mod member {
    use sea_orm::entity::prelude::*;

    /// A user in a department.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "department_members")]
    pub struct Model {
        /// The department.
        #[sea_orm(primary_key, auto_increment = false)]
        pub department_id: String,
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        /// That of the department.
        pub level: String,
        /// The organization that both are in, made of the level by the database.
        pub organization_id: Option<String>,
        /// Whether the user leads it.
        pub is_leader: bool,
        /// Whether it is the user's main one at the level.
        pub is_main: bool,
    }

    /// None are followed through sea-orm.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
