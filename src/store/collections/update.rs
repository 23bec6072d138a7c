//! Changing a group or role.

use prost_types::FieldMask;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter};

use super::{Collection, find_to_change, id, read, text};
use crate::error::Result;
use crate::proto::Timestamp;
use crate::proto::reflect::Reflect;
use crate::store::{Mutation, Tx, changes, etag};
use crate::validate::fields::{self, Purpose};
use crate::validate::{Violations, mask::Mask};

/// Changes a group or role.
pub struct Update<C: Collection> {
    code: String,
    dto: C::Dto,
    mask: Option<Mask>,
    etag: Option<String>,
}

impl<C: Collection> Update<C> {
    /// Holds what a caller sent against the rules; `code` is what the request names, if it names one well.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(
        code: Option<String>,
        dto: C::Dto,
        mask: Option<&FieldMask>,
        etag: Option<String>,
        mut violations: Violations,
    ) -> Result<Self, Violations> {
        let mask = Mask::read(mask, dto.fields(), &mut violations);
        let purpose = mask.as_ref().map_or(Purpose::Update, Purpose::Masked);
        fields::resource(&dto, C::NAME, purpose, &mut violations);
        let sent_back = mask.is_some().then(|| dto.get("etag").as_text().map(ToOwned::to_owned)).flatten();
        let code = violations.none_or_some(code)?;
        Ok(Self { code, dto, mask, etag: etag.or(sent_back) })
    }
}

impl<C: Collection> Mutation for Update<C> {
    type Answer = C::Dto;

    async fn apply(&self, tx: &Tx) -> Result<C::Dto> {
        let stored = find_to_change::<C>(tx, &self.code).await?;
        etag::require(self.etag.as_deref(), &text(&stored, C::ETAG))?;
        let id = id::<C>(&stored);
        let mut row = self.dto.clone().into_active_model();
        changes::apply_mask(&mut row, &stored, self.mask.as_ref())?;
        changes::keep_differing(&mut row, &stored);
        if row.is_changed() {
            row.set(C::ETAG, etag::new().into());
            // A clock may be set back, and the clocks of replicas differ a little.
            let created_at = stored.get(C::CREATED_AT).unwrap::<Option<Timestamp>>().unwrap_or(tx.now);
            row.set(C::UPDATED_AT, tx.now.max(created_at).into());
            C::Entity::update_many().set(row).filter(C::ID.eq(&id)).exec(&tx.connection).await?;
        }
        read::<C>(&tx.connection, &id).await
    }
}
