//! Changing a user.

use sea_orm::ActiveValue::{self, Set};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::identifiers::Identifiers;
use super::{View, conflicts, custom_data, ownership, read, stamp};
use crate::entity::{StringList, user};
use crate::error::{Error, Result};
use crate::normalize::phone::CallingCode;
use crate::proto::reflect::Reflect;
use crate::proto::{UpdateUserRequest, UserDto};
use crate::store::credentials::Credential;
use crate::store::{Identifier, Level, Mutation, Store, Tenant, Tx, changes, etag, identities, lookup, organizations, tokens};
use crate::validate::fields::{self, Purpose};
use crate::validate::{Violations, mask::Mask};

/// Changes a user.
#[derive(Clone, Debug)]
pub struct UpdateUser {
    target: Identifier,
    etag: Option<String>,
    user: UserDto,
    mask: Option<Mask>,
    identifiers: Identifiers,
    custom_data: custom_data::Change,
    calling_code: CallingCode,
    /// The organization that is to own the user.
    owner: Option<Level>,
    /// Whose data may be seen.
    tenant: Tenant,
    credential: Option<Credential>,
    /// Whether the user's tokens stay good although the password is new.
    keep_tokens: bool,
}

impl UpdateUser {
    /// Holds what a caller sent against the rules; `target` is the user that the request names, if it names one well.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(
        request: UpdateUserRequest,
        target: Option<Identifier>,
        tenant: &Tenant,
        calling_code: CallingCode,
        mut violations: Violations,
    ) -> Result<Self, Violations> {
        let mut user = request.user.unwrap_or_default();
        let mask = Mask::read(request.update_mask.as_ref(), user.fields(), &mut violations);
        let purpose = mask.as_ref().map_or(Purpose::Update, Purpose::Masked);
        fields::resource(&user, "user", purpose, &mut violations);
        let identifiers = Identifiers::read(&user, purpose, calling_code, &mut violations);
        let owner = ownership::on_update(&user, tenant, mask.as_ref(), &mut violations);
        let replaced = match purpose {
            Purpose::Masked(mask) if mask.names("custom_data") => Some(user.custom_data.take().unwrap_or_default()),
            Purpose::Masked(_) => None,
            _ => user.custom_data.take(),
        };
        let set = request.custom_data_set.unwrap_or_default();
        let custom_data = custom_data::Change::read(replaced, set, request.custom_data_unset, &mut violations);
        let etag = request.etag.or(mask.is_some().then(|| user.etag.clone()).flatten());
        let target = violations.none_or_some(target)?;
        let (tenant, keep_tokens) = (tenant.clone(), request.keep_tokens);
        let update = Self {
            target,
            etag,
            user,
            mask,
            identifiers,
            custom_data,
            calling_code,
            owner,
            tenant,
            credential: None,
            keep_tokens,
        };
        Ok(update)
    }

    /// The same change, with a new password if there is one.
    #[must_use]
    pub fn with(self, credential: Option<Credential>) -> Self {
        Self { credential, ..self }
    }

    /// Makes the row tell of a new password, which needs no other one at the next login unless the request says so.
    fn describe_credential(&self, row: &mut user::ActiveModel, stored: &user::Model, tx: &Tx) {
        let Some(credential) = &self.credential else { return };
        credential.describe(row, tx);
        let named = match &self.mask {
            Some(mask) => mask.names("reset_password_on_next_login"),
            None => self.user.reset_password_on_next_login.is_some(),
        };
        if !named && stored.reset_password_on_next_login == Some(true) {
            row.reset_password_on_next_login = Set(Some(false));
        }
        if !self.keep_tokens {
            tokens::end_all(row, stored);
        }
    }

    /// The columns that change, given what is stored.
    fn row(&self, stored: &user::Model) -> Result<user::ActiveModel> {
        let mut row = self.user.clone().into_active_model();
        if !self.user.register_source.is_empty() {
            row.register_source = Set(Some(StringList(self.user.register_source.clone())));
        }
        changes::apply_mask(&mut row, stored, self.mask.as_ref())?;
        self.identifiers.write(&mut row, Some(stored), self.calling_code)?;
        reset_verified(&mut row, stored);
        changes::keep_differing(&mut row, stored);
        Ok(row)
    }

    /// The custom data before and after; nothing is read where nothing changes.
    async fn custom_data(&self, tx: &Tx, user_id: &str) -> Result<(custom_data::Stored, custom_data::Stored)> {
        if self.custom_data == custom_data::Change::Keep {
            return Ok(Default::default());
        }
        let before = custom_data::Stored::read(&tx.connection, user_id).await?;
        let after = before.changed(&self.custom_data);
        after.check_size().map_err(|problem| Error::invalid(self.custom_data.field(), problem))?;
        Ok((before, after))
    }
}

impl Mutation for UpdateUser {
    type Answer = UserDto;

    async fn apply(&self, tx: &Tx) -> Result<UserDto> {
        // Before the user is locked, as by everybody who locks both; an organization is missed when the user was found.
        let kept = if let Some(owner) = &self.owner { owner.keep(tx).await } else { Ok(()) };
        let stored = lookup::find_one_to_change::<user::Model>(tx, &self.target).await?;
        kept?;
        ownership::require(tx.tenant(), stored.tenant_id.as_deref())?;
        etag::require(self.etag.as_deref(), &stored.etag)?;
        let mut row = self.row(&stored)?;
        tokens::end_by_change(&mut row, &stored, tx.now);
        self.describe_credential(&mut row, &stored, tx);
        require_identifier(tx, &row, &stored).await?;
        let (before, after) = self.custom_data(tx, &stored.user_id).await?;
        if row.is_changed() || after != before {
            if row.status.is_set() {
                row.status_changed_at = Set(tx.now);
            }
            stamp(&mut row, &stored, tx);
            let whose = user::Column::UserId.eq(&stored.user_id);
            user::Entity::update_many().set(row).filter(whose).exec(&tx.connection).await?;
            after.write(&tx.connection, &stored.user_id, &before).await?;
        }
        if let Some(credential) = &self.credential {
            credential.replace(tx, &self.target, &stored).await?;
        }
        if let Some(owner) = &self.owner {
            organizations::join(tx, owner, std::slice::from_ref(&stored.user_id)).await?;
        }
        read(&tx.connection, tx.tenant(), &Identifier::UserId(stored.user_id), &View::written()).await
    }

    fn shown(answer: &UserDto) -> Option<&str> {
        answer.user_id.as_deref()
    }

    fn credentials(&self) -> Vec<(usize, &Credential)> {
        self.credential.iter().map(|credential| (0, credential)).collect()
    }

    async fn explain(&self, store: &Store, error: Error) -> Error {
        if !matches!(error, Error::AlreadyExists(_)) {
            return error;
        }
        let Ok(found) = store.lookup::<user::Model>(&self.tenant, std::slice::from_ref(&self.target)).await else {
            return error;
        };
        let Some(Ok(stored)) = found.into_iter().next() else { return error };
        match self.row(&stored) {
            Ok(row) => conflicts::explain(store, conflicts::claims(&row), Some(&stored.user_id), error).await,
            Err(_) => error,
        }
    }
}

/// A new email or phone is not verified unless the write says so (contract §2).
fn reset_verified(row: &mut user::ActiveModel, stored: &user::Model) {
    let changes = |key: &ActiveValue<Option<String>>, stored: &Option<String>| matches!(key, Set(key) if key != stored);
    if changes(&row.email_key, &stored.email_key) && row.email_verified.is_not_set() {
        row.email_verified = Set(false);
    }
    if changes(&row.phone_key, &stored.phone_key) && row.phone_verified.is_not_set() {
        row.phone_verified = Set(false);
    }
}

/// A user, who is locked, keeps at least one identifier, so that somebody can still find them by a name of theirs.
pub(in crate::store) async fn require_identifier(tx: &Tx, row: &user::ActiveModel, stored: &user::Model) -> Result<()> {
    let left = |value: &ActiveValue<Option<String>>, stored: &Option<String>| match value {
        Set(value) => value.is_some(),
        _ => stored.is_some(),
    };
    let any = left(&row.username, &stored.username)
        || left(&row.email, &stored.email)
        || left(&row.phone, &stored.phone)
        || left(&row.external_id, &stored.external_id);
    if any || identities::has_any(&tx.connection, &stored.user_id).await? { Ok(()) } else { Err(Error::LastIdentifier) }
}
