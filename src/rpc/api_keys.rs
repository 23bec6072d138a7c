//! `ApiKeyService`: who may call.

use std::time::Duration;

use tonic::Request;

use super::paging::Paging;
use super::{Call, Reply, identifiers, reply, write};
use crate::limits;
use crate::proto::api_key_service_server::ApiKeyService;
use crate::proto::{
    CreateApiKeyRequest, CreateApiKeyResponse, GetApiKeyRequest, GetApiKeyResponse, GetCallerApiKeyRequest,
    GetCallerApiKeyResponse, ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest, RevokeApiKeyResponse,
    RotateApiKeyRequest, RotateApiKeyResponse, UpdateApiKeyRequest, UpdateApiKeyResponse,
};
use crate::store::api_keys::{CreateApiKey, RevokeApiKey, RotateApiKey, UpdateApiKey};
use crate::store::{Level, Store};
use crate::validate::Violations;

/// Implements `ApiKeyService`.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    store: Store,
}

impl ApiKeys {
    /// The service on the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl ApiKeyService for ApiKeys {
    async fn create_api_key(&self, request: Request<CreateApiKeyRequest>) -> Reply<CreateApiKeyResponse> {
        let Call { message, mut violations, caller, context, .. } = Call::open(request)?;
        let sent = message.api_key;
        let level = sent.as_ref().map(|sent| identifiers::level("api_key.", sent, &caller.tenant, &mut violations));
        let create = CreateApiKey::read(sent, level.unwrap_or_default(), &caller, violations)?;
        write(&self.store, context, create, |created| {
            let secret = created.secret.expose().to_owned();
            CreateApiKeyResponse { api_key: Some(created.api_key), secret }
        })
        .await
    }

    async fn update_api_key(&self, request: Request<UpdateApiKeyRequest>) -> Reply<UpdateApiKeyResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let id = identifiers::api_key_id(message.api_key_id.as_deref(), &mut violations);
        let (api_key, mask) = (message.api_key.unwrap_or_default(), message.update_mask.as_ref());
        let update = UpdateApiKey::read(id, api_key, mask, violations)?;
        write(&self.store, context, update, |api_key| UpdateApiKeyResponse { api_key: Some(api_key) }).await
    }

    async fn list_api_keys(&self, request: Request<ListApiKeysRequest>) -> Reply<ListApiKeysResponse> {
        let Call { message, violations, caller, .. } = Call::open(request)?;
        let paging = Paging::read(&self.store, &message, &caller.tenant, &Level::Pool, &[], violations).await?;
        let listed = self.store.list_api_keys(&caller, &paging.page).await?;
        reply(paging.answer(listed).await?.into())
    }

    async fn get_api_key(&self, request: Request<GetApiKeyRequest>) -> Reply<GetApiKeyResponse> {
        let Call { message, mut violations, caller, .. } = Call::open(request)?;
        let id = identifiers::api_key_id(message.api_key_id.as_deref(), &mut violations);
        let id = violations.none_or_some(id)?;
        reply(GetApiKeyResponse { api_key: Some(self.store.api_key(&caller, &id).await?) })
    }

    async fn get_caller_api_key(&self, request: Request<GetCallerApiKeyRequest>) -> Reply<GetCallerApiKeyResponse> {
        let Call { caller, .. } = Call::open(request)?;
        reply(GetCallerApiKeyResponse { api_key: Some(self.store.api_key(&caller, &caller.api_key_id).await?) })
    }

    async fn rotate_api_key(&self, request: Request<RotateApiKeyRequest>) -> Reply<RotateApiKeyResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let id = identifiers::api_key_id(message.api_key_id.as_deref(), &mut violations);
        let overlap = overlap(message.overlap, &mut violations);
        let api_key_id = violations.none_or_some(id)?;
        write(&self.store, context, RotateApiKey { api_key_id, overlap }, |rotated| {
            let secret = rotated.secret.expose().to_owned();
            RotateApiKeyResponse { api_key: Some(rotated.api_key), secret }
        })
        .await
    }

    async fn revoke_api_key(&self, request: Request<RevokeApiKeyRequest>) -> Reply<RevokeApiKeyResponse> {
        let Call { message, mut violations, context, .. } = Call::open(request)?;
        let id = identifiers::api_key_id(message.api_key_id.as_deref(), &mut violations);
        let api_key_id = violations.none_or_some(id)?;
        let revoke = RevokeApiKey { api_key_id, with_descendants: message.with_descendants };
        write(&self.store, context, revoke, |api_key| RevokeApiKeyResponse { api_key: Some(api_key) }).await
    }
}

/// How long a rotated secret is to live on.
fn overlap(asked: Option<prost_types::Duration>, violations: &mut Violations) -> Duration {
    let Some(asked) = asked else { return limits::DEFAULT_OVERLAP };
    // prost's own conversion overflows for the least number of seconds.
    let parts = u64::try_from(asked.seconds).ok().zip(u32::try_from(asked.nanos).ok());
    let overlap = parts.filter(|(_, nanos)| *nanos < 1_000_000_000).map(|(seconds, nanos)| Duration::new(seconds, nanos));
    overlap.filter(|overlap| *overlap <= limits::OVERLAP).unwrap_or_else(|| {
        violations.add("overlap", "must be 0 seconds to 7 days");
        limits::DEFAULT_OVERLAP
    })
}
