//! The table `users`: the one Rust spelling of the profile. The wire's `UserDto` reads from it and writes to it by field name;
//! what the wire does not have are the keys that make identifiers unique (contract §2).

use sea_orm::entity::prelude::*;

use super::StringList;
use crate::proto::Timestamp;

/// A user, in the order of `UserDto`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
#[expect(missing_docs, reason = "the columns are documented as fields of `UserDto` in user.proto")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub status: i32,
    pub work_status: i32,
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub phone_country_code: Option<String>,
    pub username: Option<String>,
    pub name: Option<String>,
    pub nickname: Option<String>,
    pub photo: Option<String>,
    pub logins_count: Option<i32>,
    pub last_login: Option<Timestamp>,
    pub last_ip: Option<String>,
    pub gender: i32,
    pub email_verified: bool,
    pub phone_verified: bool,
    pub birthdate: Option<String>,
    pub country: Option<String>,
    pub province: Option<String>,
    pub city: Option<String>,
    pub address: Option<String>,
    pub street_address: Option<String>,
    pub postal_code: Option<String>,
    pub company: Option<String>,
    pub browser: Option<String>,
    pub device: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub middle_name: Option<String>,
    pub profile: Option<String>,
    pub preferred_username: Option<String>,
    pub website: Option<String>,
    pub zoneinfo: Option<String>,
    pub locale: Option<String>,
    pub formatted: Option<String>,
    pub region: Option<String>,
    pub locality: Option<String>,
    pub user_source_type: i32,
    pub user_source_id: Option<String>,
    pub last_login_app: Option<String>,
    pub last_mfa_time: Option<Timestamp>,
    pub register_source: Option<StringList>,
    pub identity_number: Option<String>,
    pub status_changed_at: Timestamp,
    pub unionid: Option<String>,
    pub openid: Option<String>,
    pub signed_up: Option<Timestamp>,
    pub blocked: Option<bool>,
    pub etag: String,
    /// What `email` is matched by.
    pub email_key: Option<String>,
    /// What `phone` is matched by: E.164.
    pub phone_key: Option<String>,
    pub tenant_id: Option<String>,
    pub password_last_set_at: Option<Timestamp>,
    pub password_security_level: Option<i32>,
    pub reset_password_on_next_login: Option<bool>,
    pub token_expired_at: Option<Timestamp>,
    /// What tokens that are good name: others were ended.
    pub token_generation: i64,
    /// The latest `token_expired_at` that came and was taken away.
    pub tokens_refused_before: Option<Timestamp>,
}

/// None are followed through sea-orm.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
