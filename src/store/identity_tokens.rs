//! What providers gave for identities. It is encrypted, and read by nobody but who asks for it.

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, QueryFilter};

use super::engine::{Reading, keys::is};
use super::{Mutation, Store, Tx};
use crate::entity::identity_token::{ActiveModel, Column, Entity};
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

impl Store {
    /// The tokens of the identity; absent where it has none.
    ///
    /// # Errors
    /// [`Error::SecretKeyMissing`] where there are some and the master key is not at hand, or is another one.
    pub async fn provider_tokens(&self, identity_id: &str) -> Result<ProviderTokens> {
        let (identity_id, secrets) = (identity_id.to_owned(), self.secrets.clone());
        let read = move |reading: Reading| {
            let (identity_id, secrets) = (identity_id.clone(), secrets.clone());
            async move {
                let connection = reading.connection();
                let row = Entity::find().filter(is(Column::IdentityId, &identity_id)).one(&connection).await?;
                let Some(row) = row else { return Ok(ProviderTokens::default()) };
                let columns = [(Column::AccessToken, row.access_token), (Column::RefreshToken, row.refresh_token)];
                let columns = columns.each_ref().map(|(column, text)| (*column, text.as_deref()));
                let opened = secrets.open::<Entity, _>(&connection, &identity_id, &row.key_id, columns).await?;
                let [access_token, refresh_token] = opened.map(|bytes| bytes.map(String::from_utf8).transpose());
                Ok(ProviderTokens {
                    access_token: access_token.map_err(|_| Error::internal("a provider token is not UTF-8"))?,
                    refresh_token: refresh_token.map_err(|_| Error::internal("a provider token is not UTF-8"))?,
                })
            }
        };
        self.engine.snapshot(read).await
    }
}
