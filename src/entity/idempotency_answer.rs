//! The table `idempotency_answers`: what a repeat is answered with.

use sea_orm::entity::prelude::*;

/// An answer; one that shows a user goes with the user.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_answers")]
pub struct Model {
    /// The call's record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: String,
    /// The user whom it shows.
    pub user_id: Option<String>,
    /// The message in base64.
    pub answer: String,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
