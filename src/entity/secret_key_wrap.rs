//! The table `secret_key_wraps`: data keys, each encrypted with the master keys that may open it.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// A data key under a master key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "secret_key_wraps")]
pub struct Model {
    /// Which data key it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: String,
    /// The fingerprint of the master key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub master_id: String,
    /// The data key, encrypted, in base64.
    pub wrapped: String,
    /// When this was made; later than for the master keys before.
    pub created_at: Timestamp,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
