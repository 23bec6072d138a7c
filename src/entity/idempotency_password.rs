//! The table `idempotency_passwords`: what the passwords of a repeat have to fit.

use sea_orm::entity::prelude::*;

/// The hash of a password that a call brought; it goes with the user who got it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_passwords")]
pub struct Model {
    /// The call's record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: String,
    /// Which item of the call's batch brought it, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub item: i32,
    /// The user who got it, if one did.
    pub user_id: Option<String>,
    /// The hash: argon2id.
    pub password_hash: String,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
