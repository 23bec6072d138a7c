//! Whether a token is good: what it says of itself, and then what only the database knows.

use sea_orm::EntityTrait;

use super::Subject;
use crate::entity::signing_key;
use crate::error::{Error, Result};
use crate::store::engine::Reading;
use crate::store::users::is_active;
use crate::store::{Identifier, Store, Tenant};
use crate::user_token::{self, Refused, TokenId, Verified};

/// Whose good token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndUser {
    /// The user's id.
    pub user_id: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// From when on it is refused, in seconds since 1970.
    pub exp: i64,
}

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inactive {
    /// Its time is over.
    Expired,
    /// It was ended before its time.
    Revoked,
    /// Its user cannot log in now.
    UserNotActive,
    /// Anything else: not one of ours, or of nobody whom the tenant sees.
    Invalid,
}

impl Store {
    /// Whose token it is, if it is good and the tenant sees the user.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn verify_user_token(&self, tenant: &Tenant, token: &str) -> Result<Result<EndUser, Inactive>> {
        let Some(kid) = user_token::kid_of(token) else { return Ok(Err(Inactive::Invalid)) };
        // Asked for each time: a key that was taken away is refused by the next call.
        let query = signing_key::Entity::find_by_id(&kid);
        let read = move |reading: Reading| {
            let query = query.clone();
            async move { Ok(query.one(&reading.connection()).await?) }
        };
        let Some(key) = self.engine.read(read).await? else { return Ok(Err(Inactive::Invalid)) };
        let (issuer, audience) = (&self.user_tokens.issuer, &self.user_tokens.audience);
        let Verified { claims, id } = match user_token::verify(token, &kid, &key.public_key, issuer, audience, self.clock.now())
        {
            Ok(verified) => verified,
            Err(Refused::Expired) => return Ok(Err(Inactive::Expired)),
            Err(Refused::Invalid) => return Ok(Err(Inactive::Invalid)),
        };
        let whose = Identifier::UserId(claims.sub);
        let user = match self.lookup::<Subject>(tenant, std::slice::from_ref(&whose)).await?.pop() {
            Some(Ok(user)) => user,
            Some(Err(Error::UserNotFound)) | None => return Ok(Err(Inactive::Invalid)),
            Some(Err(error)) => return Err(error),
        };
        Ok(self.held_against(&user, &id).map(|()| EndUser { user_id: user.user_id, iat: claims.iat, exp: claims.exp }))
    }

    /// Refuses what the user's row refuses.
    fn held_against(&self, user: &Subject, token: &TokenId) -> Result<(), Inactive> {
        // Somebody had this id before, and is gone.
        if token.user_created != user.created_at {
            return Err(Inactive::Invalid);
        }
        if !is_active(user.status, user.blocked) {
            return Err(Inactive::UserNotActive);
        }
        let now = self.clock.now();
        let passed = user.token_expired_at.filter(|passed| *passed <= now);
        let refused_before = passed.max(user.tokens_refused_before);
        let refused = refused_before.is_some_and(|moment| token.issued < moment);
        if refused || token.generation != user.token_generation { Err(Inactive::Revoked) } else { Ok(()) }
    }
}
