//! The table `password_guesses`: wrong passwords, by the id that they were tried for.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// How many wrong passwords there were for an id.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "password_guesses")]
pub struct Model {
    /// SHA-256 of whose keys check it and of the id, in base64.
    #[sea_orm(primary_key, auto_increment = false)]
    pub guessed_id: String,
    /// How many.
    pub guesses: i32,
    /// From when on they count no more.
    pub ends_at: Timestamp,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
