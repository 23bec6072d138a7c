//! The table `idempotency_records`: which calls were made under an idempotency key.

use sea_orm::entity::prelude::*;

use crate::proto::Timestamp;

/// A call that was answered with OK.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_records")]
pub struct Model {
    /// SHA-256 of the API key's id and the idempotency key, in base64.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: String,
    /// The method's path.
    pub method: String,
    /// SHA-256 of the request, in base64.
    pub request_hash: String,
    /// When it was answered.
    pub created_at: Timestamp,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
