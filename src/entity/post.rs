//! The tables `posts` and `post_members`.

use sea_orm::entity::prelude::*;

/// A post.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "posts")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub post_id: String,
    /// Where it stands: empty at the pool's own level, else the organization's id.
    pub level: String,
    /// The organization that it stands in, made of the level by the database.
    pub organization_id: Option<String>,
    /// What it is called by; unique at its level.
    pub code: Option<String>,
    /// What people call it.
    pub name: Option<String>,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Who holds which.
pub mod member {
    use sea_orm::entity::prelude::*;

    /// A user with a post.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post_members")]
    pub struct Model {
        /// The post.
        #[sea_orm(primary_key, auto_increment = false)]
        pub post_id: String,
        /// The user.
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: String,
        /// That of the post.
        pub level: String,
        /// The organization that both are in, made of the level by the database.
        pub organization_id: Option<String>,
    }

    /// None are followed through sea-orm.
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
