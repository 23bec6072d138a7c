//! What providers gave for identities. It is encrypted, and read by nobody but who asks for it.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::engine::{Reading, keys::is};
use super::secrets::Secrets;
use super::users::{Brief, ownership};
use super::{Identifier, Mutation, Store, Tenant, Tx, lookup};
use crate::entity::identity;
use crate::entity::identity_token::{ActiveModel, Column, Entity, Model};
use crate::error::{Error, Result};

/// The tokens of an identity. Never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ProviderTokens {
    /// With it the provider is called.
    pub access_token: Option<String>,
    /// With it another one is had.
    pub refresh_token: Option<String>,
}

impl std::fmt::Debug for ProviderTokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("<provider tokens>")
    }
}

/// Puts these tokens in the place of what the identities have.
#[derive(Clone, Debug)]
pub struct SetProviderTokens(
    /// Ids of identities, and their tokens.
    pub Vec<(String, ProviderTokens)>,
);

impl Mutation for SetProviderTokens {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        for (identity_id, tokens) in &self.0 {
            set(tx, identity_id, tokens).await?;
        }
        Ok(())
    }
}

/// Puts the tokens in the place of what the identity has; none at all need no key.
pub(super) async fn set(tx: &Tx, identity_id: &str, tokens: &ProviderTokens) -> Result<()> {
    if *tokens == ProviderTokens::default() {
        Entity::delete_many().filter(is(Column::IdentityId, identity_id)).exec(&tx.connection).await?;
        return Ok(());
    }
    let columns = [(Column::AccessToken, &tokens.access_token), (Column::RefreshToken, &tokens.refresh_token)];
    let columns = columns.map(|(column, token)| (column, token.as_ref().map(String::as_bytes)));
    let sealed = tx.sealer().await?.seal::<Entity, _>(identity_id, columns)?;
    let [access_token, refresh_token] = sealed.columns;
    let row = ActiveModel {
        identity_id: Set(identity_id.to_owned()),
        key_id: Set(sealed.key_id),
        access_token: Set(access_token),
        refresh_token: Set(refresh_token),
    };
    let replace = OnConflict::column(Column::IdentityId)
        .update_columns([Column::KeyId, Column::AccessToken, Column::RefreshToken])
        .to_owned();
    Entity::insert(row).on_conflict(replace).exec_without_returning(&tx.connection).await?;
    Ok(())
}

/// Puts the tokens that are given in the place of what the identity has of them; the others stay. The identity's user is locked.
pub(super) async fn renew(tx: &Tx, identity_id: &str, given: &ProviderTokens) -> Result<()> {
    if *given == ProviderTokens::default() {
        return Ok(());
    }
    let mut tokens = given.clone();
    if given.access_token.is_none() || given.refresh_token.is_none() {
        // The key first and then the row, as a rotation has them.
        tx.sealer().await?;
        let stored = Entity::find().filter(is(Column::IdentityId, identity_id)).lock_exclusive().one(&tx.connection).await?;
        if let Some(stored) = stored {
            let stored = open(&tx.secrets, &tx.connection, stored).await?;
            tokens.access_token = tokens.access_token.or(stored.access_token);
            tokens.refresh_token = tokens.refresh_token.or(stored.refresh_token);
        }
    }
    set(tx, identity_id, &tokens).await
}

/// The user whom the tenant sees and whose identity it is.
async fn whose(connection: &impl ConnectionTrait, tenant: &Tenant, identity_id: &str) -> Result<Brief> {
    let found = identity::Entity::find().filter(is(identity::Column::IdentityId, identity_id)).one(connection).await?;
    let user_id = found.ok_or(Error::IdentityNotFound)?.user_id;
    lookup::find_one::<Brief>(connection, tenant, &Identifier::UserId(user_id)).await.map_err(|error| match error {
        // Of a user whom the tenant does not see it is as absent as any other.
        Error::UserNotFound => Error::IdentityNotFound,
        error => error,
    })
}

/// The tokens of a row.
async fn open(secrets: &Secrets, connection: &impl ConnectionTrait, row: Model) -> Result<ProviderTokens> {
    let columns = [(Column::AccessToken, row.access_token), (Column::RefreshToken, row.refresh_token)];
    let columns = columns.each_ref().map(|(column, text)| (*column, text.as_deref()));
    let opened = secrets.open::<Entity, _>(connection, &row.identity_id, &row.key_id, columns).await?;
    let [access_token, refresh_token] = opened.map(|bytes| bytes.map(String::from_utf8).transpose());
    Ok(ProviderTokens {
        access_token: access_token.map_err(|_| Error::internal("a provider token is not UTF-8"))?,
        refresh_token: refresh_token.map_err(|_| Error::internal("a provider token is not UTF-8"))?,
    })
}

impl Store {
    /// The tokens of an identity of the user whom the caller acts for; absent where it has none.
    ///
    /// # Errors
    /// [`Error::IdentityNotFound`] where the tenant sees no such identity; [`Error::UserTokenInvalid`] where it is another user's;
    /// [`Error::NotOwned`] where the tenant does not own the user; [`Error::SecretKeyMissing`] where there are some and the master
    /// key is not at hand, or is another one.
    pub async fn provider_tokens(&self, tenant: &Tenant, end_user: &str, identity_id: &str) -> Result<ProviderTokens> {
        let (tenant, end_user) = (tenant.clone(), end_user.to_owned());
        let (identity_id, secrets) = (identity_id.to_owned(), self.secrets.clone());
        let read = move |reading: Reading| {
            let (tenant, end_user) = (tenant.clone(), end_user.clone());
            let (identity_id, secrets) = (identity_id.clone(), secrets.clone());
            async move {
                let connection = reading.connection();
                let user = whose(&connection, &tenant, &identity_id).await?;
                if user.user_id != end_user {
                    return Err(Error::UserTokenInvalid);
                }
                ownership::require(&tenant, user.tenant_id.as_deref())?;
                let row = Entity::find().filter(is(Column::IdentityId, &identity_id)).one(&connection).await?;
                let Some(row) = row else { return Ok(ProviderTokens::default()) };
                open(&secrets, &connection, row).await
            }
        };
        self.engine.snapshot(read).await
    }
}
