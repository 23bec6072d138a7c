//! The table `identities`: what users are known as at providers.

use sea_orm::entity::prelude::*;

use super::StringList;

/// A user's account at a provider.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identities")]
pub struct Model {
    /// Its id: a UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identity_id: String,
    /// Whose it is.
    pub user_id: String,
    /// Which provider's.
    pub ext_idp_id: String,
    /// What kind of provider that is, by its number on the wire.
    pub provider: i32,
    /// What kind of identity it is.
    pub r#type: String,
    /// What the provider calls the user.
    pub user_id_in_idp: String,
    /// What the provider says of the user, as compact JSON.
    pub user_info_in_idp: String,
    /// The connections that it came by.
    pub origin_conn_ids: StringList,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
