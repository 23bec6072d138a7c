//! `TokenService`: user tokens, held against what is known of them, and ended.

use tonic::Request;

use super::{Call, Reply, identifiers, reply, write};
use crate::error::Error;
use crate::proto::token_service_server::TokenService;
use crate::proto::{
    GetJwksRequest, GetJwksResponse, RevokeUserTokensRequest, RevokeUserTokensResponse, TokenInactiveReason,
    VerifyUserTokenRequest, VerifyUserTokenResponse,
};
use crate::store::Store;
use crate::store::tokens::{EndUser, Inactive, RevokeUserTokens};

/// Implements `TokenService`.
#[derive(Clone, Debug)]
pub struct Tokens {
    store: Store,
}

impl Tokens {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl TokenService for Tokens {
    async fn verify_user_token(&self, request: Request<VerifyUserTokenRequest>) -> Reply<VerifyUserTokenResponse> {
        let Call { message, violations, caller, .. } = Call::open(request)?;
        violations.none_or(())?;
        let token = message.token.ok_or_else(|| Error::invalid("token", "must be given"))?;
        reply(match self.store.verify_user_token(&caller.tenant, &token).await? {
            Ok(EndUser { user_id, iat, exp }) => {
                let (user_id, iat, exp) = (Some(user_id), Some(iat), Some(exp));
                VerifyUserTokenResponse { active: true, inactive_reason: None, user_id, iat, exp }
            }
            Err(inactive) => VerifyUserTokenResponse { inactive_reason: Some(reason(inactive).into()), ..Default::default() },
        })
    }

    async fn get_jwks(&self, request: Request<GetJwksRequest>) -> Reply<GetJwksResponse> {
        Call::open(request)?;
        reply(GetJwksResponse { keys: self.store.jwks().await? })
    }

    async fn revoke_user_tokens(&self, request: Request<RevokeUserTokensRequest>) -> Reply<RevokeUserTokensResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let target = identifiers::user(&message, &self.store, &mut violations);
        let target = violations.none_or_some(target)?;
        write(&self.store, context, RevokeUserTokens { target }, |()| RevokeUserTokensResponse {}).await
    }
}

fn reason(inactive: Inactive) -> TokenInactiveReason {
    match inactive {
        Inactive::Expired => TokenInactiveReason::Expired,
        Inactive::Revoked => TokenInactiveReason::Revoked,
        Inactive::UserNotActive => TokenInactiveReason::UserNotActive,
        Inactive::Invalid => TokenInactiveReason::Invalid,
    }
}
