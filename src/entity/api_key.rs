//! The table `api_keys`: who may call. Rows are never deleted, so that what a key did stays attributable.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// An API key without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: String,
    /// What people call it.
    pub name: String,
    /// Scope names parted by spaces.
    pub scopes: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The key that made it; none: the command line or the configuration.
    pub created_by: Option<String>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, up to some seconds late.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is refused for good.
    pub revoked_at: Option<Timestamp>,
    /// The organization that it is bound to; none: it is good for the whole pool.
    pub organization_id: Option<String>,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
