//! `IdentityService`: what users are known as at identity providers.

use tonic::Request;

use super::paging::Paging;
use super::{Call, Reply, identifiers, reply, write};
use crate::error::Error;
use crate::proto::identity_service_server::IdentityService;
use crate::proto::{
    GetIdentityTokensRequest, GetIdentityTokensResponse, LinkIdentityRequest, LinkIdentityResponse, ListIdentitiesRequest,
    ListIdentitiesResponse, UnlinkIdentityRequest, UnlinkIdentityResponse,
};
use crate::store::identities::{LinkIdentity, UnlinkIdentity};
use crate::store::identity_tokens::ProviderTokens;
use crate::store::{Identifier, Level, Store};

/// Implements `IdentityService`.
#[derive(Clone, Debug)]
pub struct Identities {
    store: Store,
}

impl Identities {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl IdentityService for Identities {
    async fn link_identity(&self, request: Request<LinkIdentityRequest>) -> Reply<LinkIdentityResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let target = identifiers::user(&message, &self.store, &mut violations);
        let link = LinkIdentity::read(message.identity, target, violations)?;
        write(&self.store, context, link, |linked| LinkIdentityResponse { identity: Some(linked.identity) }).await
    }

    async fn unlink_identity(&self, request: Request<UnlinkIdentityRequest>) -> Reply<UnlinkIdentityResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let id = identifiers::identity_id(message.identity_id.as_deref(), &mut violations);
        let identity_id = violations.none_or_some(id)?;
        write(&self.store, context, UnlinkIdentity { identity_id }, |()| UnlinkIdentityResponse {}).await
    }

    async fn get_identity_tokens(&self, request: Request<GetIdentityTokensRequest>) -> Reply<GetIdentityTokensResponse> {
        let Call { message, mut violations, caller, authorization, .. } = Call::open(request)?;
        let end_user = authorization.user(&self.store, &caller.tenant).await?.ok_or(Error::UserTokenInvalid)?;
        let id = identifiers::identity_id(message.identity_id.as_deref(), &mut violations);
        let identity_id = violations.none_or_some(id)?;
        let ProviderTokens { access_token, refresh_token } =
            self.store.provider_tokens(&caller.tenant, &end_user, &identity_id).await?;
        reply(GetIdentityTokensResponse { access_token, refresh_token })
    }

    async fn list_identities(&self, request: Request<ListIdentitiesRequest>) -> Reply<ListIdentitiesResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let user = identifiers::user(&message, &self.store, &mut violations);
        let (kind, key) = user.as_ref().map(Identifier::parts).unwrap_or_default();
        let paging = Paging::read(&self.store, &message, &caller.tenant, &Level::Pool, &[kind, key], violations).await?;
        // Without a user there were violations.
        let user = user.as_ref().ok_or(Error::UserNotFound)?;
        reply(paging.answer(self.store.identities(&caller.tenant, user, &paging.page).await?).await?.into())
    }
}
