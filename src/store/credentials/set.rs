//! Setting a password.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Credential;
use crate::entity::user;
use crate::error::Result;
use crate::store::users::{self, ownership};
use crate::store::{Identifier, Mutation, Tx, lookup, tokens};

/// Gives a user a password in the place of what they had.
#[derive(Clone, Debug)]
pub struct SetPassword {
    /// Whom.
    pub target: Identifier,
    /// Which.
    pub credential: Credential,
    /// Whether the user has to choose another one at their next login.
    pub reset_on_next_login: bool,
    /// Whether the user's tokens stay good.
    pub keep_tokens: bool,
}

impl Mutation for SetPassword {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let stored = lookup::find_one_to_change::<user::Model>(tx, &self.target).await?;
        ownership::require(tx.tenant(), stored.tenant_id.as_deref())?;
        let mut row = user::ActiveModel::default();
        self.credential.describe(&mut row, tx);
        row.reset_password_on_next_login = Set(Some(self.reset_on_next_login));
        if !self.keep_tokens {
            tokens::end_all(&mut row, &stored);
        }
        users::stamp(&mut row, &stored, tx);
        let whose = user::Column::UserId.eq(&stored.user_id);
        user::Entity::update_many().set(row).filter(whose).exec(&tx.connection).await?;
        self.credential.replace(tx, &self.target, &stored).await
    }
}
