//! Changing what a key is called and when it ends.

use prost_types::FieldMask;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use super::reach;
use super::row::{self, NAMELESS};
use crate::entity::api_key;
use crate::error::{Error, Result};
use crate::proto::ApiKeyDto;
use crate::proto::reflect::Reflect;
use crate::store::{Mutation, Tx, changes};
use crate::validate::fields::{self, Purpose};
use crate::validate::{Violations, mask::Mask};

/// Changes an API key.
#[derive(Clone, Debug)]
pub struct UpdateApiKey {
    api_key_id: String,
    api_key: ApiKeyDto,
    mask: Option<Mask>,
}

impl UpdateApiKey {
    /// Holds what a caller sent against the rules; `api_key_id` is what the request names, if it names one well.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(
        api_key_id: Option<String>,
        api_key: ApiKeyDto,
        mask: Option<&FieldMask>,
        mut violations: Violations,
    ) -> Result<Self, Violations> {
        let mask = Mask::read(mask, api_key.fields(), &mut violations);
        let purpose = mask.as_ref().map_or(Purpose::Update, Purpose::Masked);
        fields::resource(&api_key, "api_key", purpose, &mut violations);
        if mask.as_ref().is_none_or(|mask| mask.names("name")) {
            row::check_name(&api_key, &mut violations);
        }
        let api_key_id = violations.none_or_some(api_key_id)?;
        Ok(Self { api_key_id, api_key, mask })
    }

    /// Holds a new end against the caller's own; an earlier one than the stored is nobody's gain.
    fn settle_end(tx: &Tx, row: &mut api_key::ActiveModel, stored: &api_key::Model) -> Result<()> {
        let Set(asked) = row.expires_at else { return Ok(()) };
        let sooner = asked.is_some_and(|asked| stored.expires_at.is_none_or(|stored| asked <= stored));
        if !sooner {
            let end = reach::end(tx.context.caller.as_ref(), asked);
            row.expires_at = Set(end.map_err(|problem| Error::invalid(reach::EXPIRES_AT, problem))?);
        }
        Ok(())
    }
}

impl Mutation for UpdateApiKey {
    type Answer = ApiKeyDto;

    async fn apply(&self, tx: &Tx) -> Result<ApiKeyDto> {
        let stored = reach::find(tx, &self.api_key_id).await?;
        let mut row = self.api_key.clone().into_active_model();
        if self.mask.as_ref().is_some_and(|mask| mask.names("name")) && self.api_key.name.is_none() {
            row.name = Set(NAMELESS.to_owned());
        }
        changes::apply_mask(&mut row, &stored, self.mask.as_ref())?;
        Self::settle_end(tx, &mut row, &stored)?;
        changes::keep_differing(&mut row, &stored);
        if row.is_changed() {
            row.api_key_id = sea_orm::ActiveValue::Unchanged(stored.api_key_id.clone());
            api_key::Entity::update(row).exec(&tx.connection).await?;
        }
        reach::read(&tx.connection, tx.context.caller.as_ref(), &stored.api_key_id).await
    }
}
