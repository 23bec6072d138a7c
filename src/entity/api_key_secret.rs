//! The table `api_key_secrets`: by what a key is known. Two at most, while a rotation's overlap lasts.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// A secret of an API key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key_secrets")]
pub struct Model {
    /// SHA-256 of the whole key, lower-case hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub secret_hash: String,
    /// Whose it is.
    pub api_key_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; set by a rotation.
    pub expires_at: Option<Timestamp>,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
