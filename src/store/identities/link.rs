//! Linking an account at a provider to a user.

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

use super::{IdentityRow, NewIdentity, count, insert, of_user};
use crate::entity::identity::{Column, Entity, Model};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto::IdentityDto;
use crate::store::engine::keys::is;
use crate::store::users::{Brief, ownership};
use crate::store::{Identifier, Mutation, Tx, changes, identity_tokens, lookup};
use crate::validate::Violations;
use crate::validate::fields::{self, Purpose};

/// The request's field.
const FIELD: &str = "identity";

/// Links an account to a user. Where it is linked to them already, it takes on what is given.
#[derive(Clone, Debug)]
pub struct LinkIdentity {
    target: Identifier,
    identity: NewIdentity,
}

/// An identity that was linked.
#[derive(Clone, Debug)]
pub struct Linked {
    /// Whose it is.
    pub user_id: String,
    /// The identity, without its tokens.
    pub identity: IdentityDto,
}

impl LinkIdentity {
    /// Holds what a caller sent against the rules; `target` is the user that the request names, if it names one well.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(
        identity: Option<IdentityDto>,
        target: Option<Identifier>,
        mut violations: Violations,
    ) -> Result<Self, Violations> {
        let Some(identity) = identity else {
            violations.add(FIELD, "must be given");
            return Err(violations);
        };
        fields::resource(&identity, FIELD, Purpose::Create, &mut violations);
        let identity = NewIdentity::read(identity, FIELD, &mut violations);
        let target = violations.none_or_some(target)?;
        Ok(Self { target, identity })
    }

    /// The identity's id, where the user has it already.
    async fn stored(&self, tx: &Tx, user_id: &str) -> Result<Option<Model>> {
        let (ext_idp_id, user_id_in_idp) = self.identity.parts();
        let same = of_user(user_id).filter(is(Column::UserIdInIdp, user_id_in_idp)).filter(is(Column::ExtIdpId, ext_idp_id));
        Ok(same.one(&tx.connection).await?)
    }

    async fn refresh(&self, tx: &Tx, stored: &Model) -> Result<()> {
        let mut row = self.identity.given();
        changes::keep_differing(&mut row, stored);
        if row.is_changed() {
            let this = Column::IdentityId.eq(&stored.identity_id);
            Entity::update_many().set(row).filter(this).exec(&tx.connection).await?;
        }
        identity_tokens::renew(tx, &stored.identity_id, &self.identity.tokens()).await
    }

    async fn link(&self, tx: &Tx, user_id: &str) -> Result<String> {
        // The user is locked, so that nobody else links to them meanwhile.
        if count(&tx.connection, user_id).await? >= limits::IDENTITIES as u64 {
            return Err(Error::invalid(
                FIELD,
                format!("would be one more than the {} that a user has at most", limits::IDENTITIES),
            ));
        }
        insert(tx, user_id, std::slice::from_ref(&self.identity))
            .await?
            .pop()
            .ok_or_else(|| Error::internal("no identity was made"))
    }
}

impl Mutation for LinkIdentity {
    type Answer = Linked;

    async fn apply(&self, tx: &Tx) -> Result<Linked> {
        let user = lookup::find_one_to_change::<Brief>(tx, &self.target).await?;
        ownership::require(tx.tenant(), user.tenant_id.as_deref())?;
        let identity_id = if let Some(stored) = self.stored(tx, &user.user_id).await? {
            self.refresh(tx, &stored).await?;
            stored.identity_id
        } else {
            self.link(tx, &user.user_id).await?
        };
        let row = IdentityRow::select().filter(Column::IdentityId.eq(identity_id)).into_model::<IdentityRow>();
        let row = row.one(&tx.connection).await?.ok_or_else(|| Error::internal("a row is gone within its transaction"))?;
        Ok(Linked { user_id: user.user_id, identity: row.into_dto()? })
    }

    fn shown(answer: &Linked) -> Option<&str> {
        Some(&answer.user_id)
    }
}
