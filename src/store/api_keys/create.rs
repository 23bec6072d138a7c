//! Making an API key.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};

use super::{Caller, reach, row};
use crate::api_key::Secret;
use crate::entity::{api_key, api_key_secret};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto::{ApiKeyDto, Timestamp};
use crate::scope::Scopes;
use crate::store::{Level, Mutation, Tx};
use crate::validate::fields::{self, Purpose};
use crate::validate::{Violations, quote};

/// Makes an API key.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// What people will call it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// From when on it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// The organization that it is bound to, or the pool's level where it is bound to none.
    pub level: Level,
}

/// A key as it is known to whoever made it.
#[derive(Clone, Debug)]
pub struct CreatedApiKey {
    /// The key without its secret.
    pub api_key: ApiKeyDto,
    /// The whole key; it cannot be had again.
    pub secret: Secret,
}

impl Mutation for CreateApiKey {
    type Answer = CreatedApiKey;

    async fn apply(&self, tx: &Tx) -> Result<CreatedApiKey> {
        self.level.keep_unmarked(tx).await?;
        reach::require_good(tx).await?;
        let api_key_id = tx.clock.new_id();
        let secret = Secret::generate(&api_key_id);
        self.insert(tx, api_key_id, secret).await
    }
}

impl CreateApiKey {
    /// Holds what a caller sent against the rules and against the caller's own key; it will be bound to the level's organization.
    ///
    /// # Errors
    /// [`Error::ScopeDenied`] for a scope that the caller lacks, else all that is wrong with it.
    pub fn read(sent: Option<ApiKeyDto>, level: Level, caller: &Caller, mut violations: Violations) -> Result<Self> {
        let sent = sent.ok_or_else(|| Error::invalid("api_key", "must be given"))?;
        fields::resource(&sent, "api_key", Purpose::Create, &mut violations);
        row::check_name(&sent, &mut violations);
        let mut scopes = Scopes::default();
        // That there are too many is among the violations already.
        for (index, scope) in sent.scopes.iter().enumerate().take(limits::SCOPES) {
            let known = scopes.grant(scope).map_err(|_| format!("{} is not a scope", quote(scope)));
            violations.take(&format!("api_key.scopes[{index}]"), known);
        }
        if let Some(lacking) = caller.scopes.lacking(scopes) {
            return Err(Error::ScopeDenied(lacking));
        }
        let expires_at = violations.take(reach::EXPIRES_AT, reach::end(Some(caller), sent.expires_at)).flatten();
        let name = sent.name.unwrap_or_else(|| row::NAMELESS.to_owned());
        Ok(violations.none_or(Self { name, scopes, expires_at, level })?)
    }

    /// Stores the key under the id and the secret.
    pub(super) async fn insert(&self, tx: &Tx, api_key_id: String, secret: Secret) -> Result<CreatedApiKey> {
        let row = api_key::ActiveModel {
            api_key_id: Set(api_key_id.clone()),
            name: Set(self.name.clone()),
            scopes: Set(self.scopes.to_string()),
            created_at: Set(tx.now),
            created_by: Set(tx.context.caller.as_ref().map(|caller| caller.api_key_id.to_string())),
            expires_at: Set(self.expires_at),
            last_used_at: Set(None),
            revoked_at: Set(None),
            organization_id: Set(self.level.organization_id().map(ToOwned::to_owned)),
        };
        api_key::Entity::insert(row).exec_without_returning(&tx.connection).await?;
        insert_secret(tx, api_key_id.clone(), &secret).await?;
        let api_key = reach::read(&tx.connection, tx.context.caller.as_ref(), &api_key_id).await?;
        Ok(CreatedApiKey { api_key, secret })
    }
}

/// Stores what a key is known by.
pub(super) async fn insert_secret(tx: &Tx, api_key_id: String, secret: &Secret) -> Result<()> {
    let row = api_key_secret::ActiveModel {
        secret_hash: Set(secret.hash()),
        api_key_id: Set(api_key_id),
        created_at: Set(tx.now),
        expires_at: Set(None),
    };
    row.insert(&tx.connection).await?;
    Ok(())
}
