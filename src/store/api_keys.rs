//! API keys: who may call. They are read from the database on every call, so that a revoked one is refused by the next.

mod create;
pub(super) mod last_used;
mod list;
mod reach;
mod revoke;
mod root;
mod rotate;
mod row;
mod update;

use std::sync::Arc;

use sea_orm::EntityTrait;

use super::engine::Reading;
use super::{Store, Tenant};
use crate::api_key::Secret;
use crate::entity::{api_key, api_key_secret};
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::scope::{Scope, Scopes};

pub use create::{CreateApiKey, CreatedApiKey};
pub use revoke::RevokeApiKey;
pub use root::{EnsureApiKey, EnsureRootKey, Ensured, HandOver};
pub use rotate::RotateApiKey;
pub use update::UpdateApiKey;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The id of their API key.
    pub api_key_id: Arc<str>,
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// Whose data it may see.
    pub tenant: Tenant,
}

impl Caller {
    /// # Errors
    /// [`Error::ScopeDenied`] when the key lacks the scope.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.allows(scope) { Ok(()) } else { Err(Error::ScopeDenied(scope.name())) }
    }
}

impl Store {
    /// The caller who presents the key.
    ///
    /// # Errors
    /// [`Error::ApiKeyInvalid`], [`Error::ApiKeyRevoked`] or [`Error::ApiKeyExpired`].
    pub async fn authenticate(&self, presented: &str) -> Result<Caller> {
        let secret = Secret::presented(presented).ok_or(Error::ApiKeyInvalid)?;
        let query = api_key_secret::Entity::find_by_id(secret.hash()).find_also_related(api_key::Entity);
        let read = move |reading: Reading| {
            let query = query.clone();
            async move { Ok(query.one(&reading.connection()).await?) }
        };
        let Some((secret, Some(key))) = self.engine.read(read).await? else { return Err(Error::ApiKeyInvalid) };
        let now = self.clock.now();
        require_good(&key, now)?;
        if secret.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::ApiKeyExpired);
        }
        let scopes = key.scopes.parse().map_err(Error::internal)?;
        let tenant = Tenant::of(key.organization_id.as_deref());
        let caller = Caller { api_key_id: key.api_key_id.into(), scopes, expires_at: key.expires_at, tenant };
        self.last_used.note(caller.api_key_id.clone(), now);
        Ok(caller)
    }
}

/// Refuses a key that was revoked or whose time is over.
fn require_good(key: &api_key::Model, now: Timestamp) -> Result<()> {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => Err(Error::ApiKeyRevoked),
        (None, Some(end)) if end <= now => Err(Error::ApiKeyExpired),
        _ => Ok(()),
    }
}
