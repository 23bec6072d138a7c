//! The table `secret_keys`: the data keys, by name. What they are lies in `secret_key_wraps`.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// A data key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "secret_keys")]
pub struct Model {
    /// What rows call it: a UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: String,
    /// When it was made; later than all that were there.
    pub created_at: Timestamp,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
