//! Taking an identity from its user.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::identity::{Column, Entity};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::store::engine::keys::is;
use crate::store::users::{ownership, require_identifier};
use crate::store::{Identifier, Mutation, Tx, lookup};

/// Takes an identity from its user, with its tokens.
#[derive(Clone, Debug)]
pub struct UnlinkIdentity {
    /// Its id.
    pub identity_id: String,
}

impl Mutation for UnlinkIdentity {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        let this = is(Column::IdentityId, &self.identity_id);
        let found = Entity::find().filter(this.clone()).one(&tx.connection).await?.ok_or(Error::IdentityNotFound)?;
        let whose = Identifier::UserId(found.user_id);
        let user = lookup::find_one_to_change::<user::Model>(tx, &whose).await.map_err(|error| match error {
            // Of a user whom the caller does not see it is as absent as any other.
            Error::UserNotFound => Error::IdentityNotFound,
            error => error,
        })?;
        ownership::require(tx.tenant(), user.tenant_id.as_deref())?;
        // It may have gone while this waited for the user.
        let deleted = Entity::delete_many().filter(this).filter(Column::UserId.eq(&user.user_id)).exec(&tx.connection).await?;
        if deleted.rows_affected == 0 {
            return Err(Error::IdentityNotFound);
        }
        require_identifier(tx, &user::ActiveModel::default(), &user).await
    }
}
