//! API keys: who may call. They are read from the database on every call, so that a revoked one is refused by the next.

mod callers;
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

use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait};

use super::engine::keys::any_of;
use super::engine::prepared::Prepared;
use super::engine::reads::{KeyRow, KeyTicket};
use super::{Store, Tenant};
use crate::api_key::Secret;
use crate::entity::{api_key, api_key_secret};
use crate::error::{Error, Result};
use crate::proto::Timestamp;
use crate::scope::{Scope, Scopes};

pub(super) use callers::Callers;
pub use create::{CreateApiKey, CreatedApiKey};
pub use revoke::RevokeApiKey;
pub use root::{EnsureApiKey, EnsureRootKey, Ensured, HandOver};
pub use rotate::RotateApiKey;
pub use update::UpdateApiKey;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Begins to find out who presents the key.
    ///
    /// # Errors
    /// [`Error::ApiKeyInvalid`] for what cannot be one.
    pub fn check_key(&self, presented: &str) -> Result<Check> {
        let secret = Secret::presented(presented).ok_or(Error::ApiKeyInvalid)?;
        let hash = secret.hash();
        let ticket = self.reads.key(hash.clone());
        Ok(Check { hash, ticket })
    }

    /// Who it most likely is: whoever it was the last time.
    #[must_use]
    pub fn guess(&self, check: &Check) -> Option<Caller> {
        self.callers.get(&check.hash)
    }

    /// Who it is.
    ///
    /// # Errors
    /// [`Error::ApiKeyInvalid`], [`Error::ApiKeyRevoked`] or [`Error::ApiKeyExpired`].
    pub async fn caller(&self, check: Check) -> Result<Caller> {
        let Check { hash, ticket } = check;
        let caller = self.admit(ticket.answer().await?);
        self.callers.note(hash, caller.as_ref().ok());
        caller
    }

    /// The caller who presents the key: [`Store::check_key`] to its end.
    ///
    /// # Errors
    /// As [`Store::caller`].
    pub async fn authenticate(&self, presented: &str) -> Result<Caller> {
        self.caller(self.check_key(presented)?).await
    }

    /// Who has the key that was found.
    fn admit(&self, found: Option<Arc<KeyRow>>) -> Result<Caller> {
        let key = found.ok_or(Error::ApiKeyInvalid)?;
        let now = self.clock.now();
        require_good(key.revoked_at, key.expires_at, now)?;
        if key.secret_expires_at.is_some_and(|end| end <= now) {
            return Err(Error::ApiKeyExpired);
        }
        let scopes = key.scopes.parse().map_err(Error::internal)?;
        let tenant = Tenant::of(key.organization_id.as_deref());
        let caller = Caller { api_key_id: key.api_key_id.as_str().into(), scopes, expires_at: key.expires_at, tenant };
        self.last_used.note(caller.api_key_id.clone(), now);
        Ok(caller)
    }
}

/// A check of a key that is under way.
#[derive(Debug)]
pub struct Check {
    hash: String,
    ticket: KeyTicket,
}

/// The key of a secret's hash, as [`KeyRow`] reads it.
pub(super) fn by_secret(connection: &impl ConnectionTrait) -> Prepared {
    Prepared::new(connection, false, |hashes, _| {
        let secrets = api_key_secret::Entity::find().select_only().column(api_key_secret::Column::SecretHash);
        let key = [api_key::Column::ApiKeyId, api_key::Column::Scopes, api_key::Column::OrganizationId];
        let times = [api_key::Column::RevokedAt, api_key::Column::ExpiresAt];
        let secrets = secrets.inner_join(api_key::Entity).columns(key).columns(times);
        let secrets = secrets.column_as(api_key_secret::Column::ExpiresAt, "secret_expires_at");
        secrets.filter(any_of(connection, api_key_secret::Column::SecretHash, hashes)).into_query()
    })
}

/// Refuses a key that was revoked or whose time is over.
fn require_good(revoked_at: Option<Timestamp>, expires_at: Option<Timestamp>, now: Timestamp) -> Result<()> {
    match (revoked_at, expires_at) {
        (Some(_), _) => Err(Error::ApiKeyRevoked),
        (None, Some(end)) if end <= now => Err(Error::ApiKeyExpired),
        _ => Ok(()),
    }
}
