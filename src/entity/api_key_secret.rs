//! The table `api_key_secrets`: by what a key is known, and was known before it was rotated. Two are good at most, while a
//! rotation's overlap lasts.

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

/// Which rows it leads to.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    /// The key that it opens.
    #[sea_orm(belongs_to = "super::api_key::Entity", from = "Column::ApiKeyId", to = "super::api_key::Column::ApiKeyId")]
    ApiKey,
}

impl Related<super::api_key::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::ApiKey.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
