//! The table `identity_tokens`: what providers gave for identities, encrypted.

use sea_orm::entity::prelude::*;

/// The tokens of an identity; each opens with the row's data key alone, and in its own place alone.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_tokens")]
pub struct Model {
    /// Whose they are.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity_id: String,
    /// The data key that they are encrypted with.
    pub key_id: String,
    /// The access token, encrypted, in base64.
    pub access_token: Option<String>,
    /// The refresh token, encrypted, in base64.
    pub refresh_token: Option<String>,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
