//! The table `signing_keys`: what user tokens are signed with.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// A key; the private part opens with the row's data key alone, and in its own place alone.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    /// What tokens name it by: a UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// From when on it signs, until a later one does.
    pub active_from: Timestamp,
    /// For how many microseconds a token that it signs is good, at most.
    pub token_ttl: i64,
    /// The public part, in base64url.
    pub public_key: String,
    /// The data key that the private part is encrypted with.
    pub key_id: String,
    /// The private part, encrypted, in base64.
    pub private_key: String,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
