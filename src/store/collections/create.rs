//! Creating a group or role.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::{Collection, read};
use crate::error::Result;
use crate::proto::reflect::Reflect;
use crate::store::{Mutation, Tx, etag};
use crate::validate::Violations;
use crate::validate::fields::{self, Purpose};

/// Creates a group or role.
pub struct Create<C: Collection>(C::Dto);

impl<C: Collection> Create<C> {
    /// Holds what a caller sent against the rules.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(sent: Option<C::Dto>, mut violations: Violations) -> Result<Self, Violations> {
        match &sent {
            None => violations.add(C::NAME, "must be given"),
            Some(sent) => {
                fields::resource(sent, C::NAME, Purpose::Create, &mut violations);
                if !sent.get("code").is_present() {
                    violations.add(format!("{}.code", C::NAME), "must be given");
                }
            }
        }
        violations.none_or_some(sent).map(Self)
    }
}

impl<C: Collection> Mutation for Create<C> {
    type Answer = C::Dto;

    async fn apply(&self, tx: &Tx) -> Result<C::Dto> {
        let id = tx.clock.new_id();
        let mut row = self.0.clone().into_active_model();
        row.set(C::ID, id.clone().into());
        row.set(C::ETAG, etag::new().into());
        row.set(C::CREATED_AT, tx.now.into());
        row.set(C::UPDATED_AT, tx.now.into());
        C::Entity::insert(row).exec_without_returning(&tx.connection).await?;
        read::<C>(&tx.connection, &id).await
    }
}
