//! User tokens: handed out, held against what the database knows, and ended before their time.
//!
//! A token names the generation of its user's tokens that it is of. What ends all tokens of a user begins the next one: then no
//! clock decides whether a token was handed out before.

mod revoke;
mod signing_keys;
mod verify;

pub use revoke::RevokeUserTokens;
pub use verify::{EndUser, Inactive};

use sea_orm::{ActiveValue::Set, DerivePartialModel, EntityTrait, PartialModelTrait, QuerySelect, Select};

use super::lookup::Shape;
use super::users::{is_active, ownership};
use super::{Identifier, Store, Tenant, organizations};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::user_token::{Claims, TokenId};

/// A token that was handed out.
#[derive(Clone)]
pub struct UserToken {
    /// The JWT. Never shown but to who asked for it.
    pub token: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// From when on it is refused, in seconds since 1970.
    pub exp: i64,
}

/// What tokens are made of and held against.
#[derive(Clone, DerivePartialModel)]
#[sea_orm(entity = "user::Entity")]
struct Subject {
    user_id: String,
    created_at: Timestamp,
    status: i32,
    blocked: Option<bool>,
    tenant_id: Option<String>,
    /// As `tenant_id`, unless that organization is deleted.
    #[sea_orm(from_expr = "organizations::owner()")]
    owner: Option<String>,
    token_generation: i64,
    token_expired_at: Option<Timestamp>,
    tokens_refused_before: Option<Timestamp>,
}

impl Shape for Subject {
    fn select() -> Select<user::Entity> {
        Self::select_cols(user::Entity::find().select_only())
    }
}

/// Ends all tokens of a user whose row is locked.
pub(super) fn end_all(row: &mut user::ActiveModel, stored: &user::Model) {
    row.token_generation = Set(stored.token_generation.wrapping_add(1));
}

/// Ends what a change of the user ends: all tokens when they are active no more; and what `token_expired_at` refuses by now stays
/// refused when that is changed.
pub(super) fn end_by_change(row: &mut user::ActiveModel, stored: &user::Model, now: Timestamp) {
    let status = row.status.try_as_ref().copied().unwrap_or(stored.status);
    let blocked = row.blocked.try_as_ref().copied().unwrap_or(stored.blocked);
    if is_active(stored.status, stored.blocked) && !is_active(status, blocked) {
        end_all(row, stored);
    }
    let passed = stored.token_expired_at.filter(|passed| *passed <= now);
    if row.token_expired_at.is_set() && passed > stored.tokens_refused_before {
        row.tokens_refused_before = Set(passed);
    }
}

impl Store {
    /// A new token of the user who has the identifier.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::IdentityAmbiguous`]; [`Error::NotOwned`] where the tenant does not own the user;
    /// [`Error::UserNotActive`]; [`Error::SecretKeyMissing`].
    pub async fn refresh_user_token(&self, tenant: &Tenant, identifier: &Identifier) -> Result<UserToken> {
        let found = self.lookup::<Subject>(tenant, std::slice::from_ref(identifier)).await?.pop();
        let user = found.unwrap_or(Err(Error::UserNotFound))?;
        ownership::require(tenant, user.tenant_id.as_deref())?;
        if !is_active(user.status, user.blocked) {
            return Err(Error::UserNotActive);
        }
        let key = self.signing_key().await?;
        let now = self.clock.now();
        let (iat, exp) = (now.seconds, now.plus(self.user_tokens.ttl).seconds);
        let jti = TokenId::new(user.created_at, user.token_generation, now).to_string();
        let (iss, aud) = (self.user_tokens.issuer.clone(), self.user_tokens.audience.clone());
        let org = tenant.organization_id().map(ToOwned::to_owned);
        let claims = Claims { iss, aud, sub: user.user_id, iat, exp, jti, tenant_id: user.owner, org };
        Ok(UserToken { token: key.sign(&claims)?, iat, exp })
    }
}
