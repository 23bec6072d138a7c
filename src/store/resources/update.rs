//! Changing a resource.

use prost_types::FieldMask;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter};

use super::{Resource, find_to_change, id, read};
use crate::error::Result;
use crate::proto::Timestamp;
use crate::proto::reflect::Reflect;
use crate::store::{Mutation, Tx, changes, etag};
use crate::validate::fields::{self, Purpose};
use crate::validate::{Violations, mask::Mask};

/// Changes a resource.
pub struct Update<R: Resource> {
    key: R::Key,
    dto: R::Dto,
    mask: Option<Mask>,
    etag: Option<String>,
}

impl<R: Resource> Update<R> {
    /// Holds what a caller sent against the rules; `key` is what the request names, if it names one well.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(
        key: Option<R::Key>,
        dto: R::Dto,
        mask: Option<&FieldMask>,
        etag: Option<String>,
        mut violations: Violations,
    ) -> Result<Self, Violations> {
        let mask = Mask::read(mask, dto.fields(), &mut violations);
        let purpose = mask.as_ref().map_or(Purpose::Update, Purpose::Masked);
        fields::resource(&dto, R::NAME, purpose, &mut violations);
        let sent_back = mask.is_some().then(|| dto.get("etag").as_text().map(ToOwned::to_owned)).flatten();
        let key = violations.none_or_some(key)?;
        Ok(Self { key, dto, mask, etag: etag.or(sent_back) })
    }
}

impl<R: Resource> Mutation for Update<R> {
    type Answer = R::Dto;

    async fn apply(&self, tx: &Tx) -> Result<R::Dto> {
        let named = |field: &str| self.mask.as_ref().is_none_or(|mask| mask.names(field));
        R::wait(tx, &|field| named(field) && self.dto.get(field).is_present()).await?;
        let stored = find_to_change::<R>(tx, &self.key).await?;
        if let Some(stamps) = R::STAMPS {
            stamps.require(self.etag.as_deref(), &stored)?;
        }
        let id = id::<R>(&stored);
        let mut row = self.dto.clone().into_active_model();
        changes::apply_mask(&mut row, &stored, self.mask.as_ref())?;
        changes::keep_differing(&mut row, &stored);
        if row.is_changed() {
            R::settle(tx, &row, Some(&stored)).await?;
            if let Some(stamps) = R::STAMPS {
                row.set(stamps.etag, etag::new().into());
                // A clock may be set back, and the clocks of replicas differ a little.
                let created_at = stored.get(stamps.created_at).unwrap::<Option<Timestamp>>().unwrap_or(tx.now);
                row.set(stamps.updated_at, tx.now.max(created_at).into());
            }
            R::Entity::update_many().set(row).filter(R::ID.eq(&id)).exec(&tx.connection).await?;
        }
        read::<R>(&tx.connection, &id).await
    }
}
