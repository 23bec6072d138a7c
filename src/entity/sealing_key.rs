//! The table `sealing_keys`: what the service seals things with that it hands out and takes back.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// A key and what it is for.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sealing_keys")]
pub struct Model {
    /// What it seals.
    #[sea_orm(primary_key, auto_increment = false)]
    pub purpose: String,
    /// 32 bytes in base64.
    pub key: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the key that seals {}", self.purpose)
    }
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
