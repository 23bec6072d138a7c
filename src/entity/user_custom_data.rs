//! The table `user_custom_data`: a row a top-level key, so that writers of different keys never collide and the profile row
//! stays short.

use sea_orm::entity::prelude::*;

/// A top-level key of a user's custom data.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_custom_data")]
pub struct Model {
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Its value as compact JSON.
    pub value: String,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
