//! Creating a resource.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use super::{Resource, read};
use crate::error::Result;
use crate::proto::reflect::Reflect;
use crate::store::{Level, Mutation, Tx, etag};
use crate::validate::Violations;
use crate::validate::fields::{self, Purpose};

/// Creates a resource.
pub struct Create<R: Resource> {
    dto: R::Dto,
    level: Level,
}

impl<R: Resource> Create<R> {
    /// Holds what a caller sent against the rules; it will stand at the level.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(sent: Option<R::Dto>, level: Level, mut violations: Violations) -> Result<Self, Violations> {
        match &sent {
            None => violations.add(R::NAME, "must be given"),
            Some(sent) => {
                fields::resource(sent, R::NAME, Purpose::Create, &mut violations);
                let code = sent.fields().iter().find(|field| field.name == "code");
                if code.is_some_and(|code| code.never_absent) && !sent.get("code").is_present() {
                    violations.add(format!("{}.code", R::NAME), "must be given");
                }
            }
        }
        violations.none_or_some(sent).map(|dto| Self { dto, level })
    }
}

impl<R: Resource> Mutation for Create<R> {
    type Answer = R::Dto;

    async fn apply(&self, tx: &Tx) -> Result<R::Dto> {
        R::wait(tx, &|field| self.dto.get(field).is_present()).await?;
        self.level.keep(tx).await?;
        let id = tx.clock.new_id();
        let mut row = self.dto.clone().into_active_model();
        R::stand(&mut row, &self.level)?;
        row.set(R::ID, id.clone().into());
        if let Some(stamps) = R::STAMPS {
            row.set(stamps.etag, etag::new().into());
            row.set(stamps.created_at, tx.now.into());
            row.set(stamps.updated_at, tx.now.into());
        }
        R::settle(tx, &row, None).await?;
        R::Entity::insert(row).exec_without_returning(&tx.connection).await?;
        read::<R>(&tx.connection, &id).await
    }
}
