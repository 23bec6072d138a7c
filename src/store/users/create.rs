//! Creating a user.

use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel};

use super::conflicts::Claims;
use super::custom_data::{self, CustomDataView};
use super::identifiers::Identifiers;
use super::row::UserRow;
use super::{CreatedUser, conflicts, ownership};
use crate::entity::{StringList, user};
use crate::error::{Conflict, Error, Result};
use crate::normalize::phone::CallingCode;
use crate::proto::{Gender, UserDto, UserSourceType, UserStatus, WorkStatus};
use crate::store::credentials::Credential;
use crate::store::identities::{self, NewIdentity};
use crate::store::{Level, Mutation, Store, Tenant, Tx, etag, organizations};
use crate::validate::Violations;
use crate::validate::fields::{self, Purpose};

/// Creates a user.
#[derive(Clone, Debug)]
pub struct CreateUser {
    user: UserDto,
    identifiers: Identifiers,
    custom_data: custom_data::Stored,
    identities: Vec<NewIdentity>,
    calling_code: CallingCode,
    /// The organization that will own the user.
    owner: Option<Level>,
    credential: Option<Credential>,
}

impl CreateUser {
    /// Holds what a caller sent against the rules; `calling_code` is that of a phone number that names none.
    ///
    /// # Errors
    /// All that is wrong with it, beside what `violations` holds already.
    pub fn read(
        user: Option<UserDto>,
        tenant: &Tenant,
        calling_code: CallingCode,
        mut violations: Violations,
    ) -> Result<Self, Violations> {
        let Some(mut user) = user else {
            violations.add("user", "must be given");
            return Err(violations);
        };
        fields::resource(&user, "user", Purpose::Create, &mut violations);
        let owner = ownership::on_create(&user, tenant, &mut violations);
        let identifiers =
            Identifiers::read(&user, Purpose::Create, calling_code, &mut violations).for_new(calling_code, &mut violations);
        let named = [&user.username, &user.email, &user.phone, &user.external_id];
        if named.iter().all(|identifier| identifier.is_none()) && user.identities.is_empty() {
            violations.add("user", "must have at least one of username, email, phone, external_id and identities");
        }
        let identities = NewIdentity::read_all(std::mem::take(&mut user.identities), "user.identities", &mut violations);
        let change = user.custom_data.take().map_or_else(Default::default, custom_data::Change::Replace);
        let custom_data = custom_data::Stored::default().changed(&change);
        violations.take(custom_data::FIELD, custom_data.check_size());
        violations.none_or(Self { user, identifiers, custom_data, identities, calling_code, owner, credential: None })
    }

    /// The same user, with a password if there is one.
    #[must_use]
    pub fn with(self, credential: Option<Credential>) -> Self {
        Self { credential, ..self }
    }

    /// The row, but for what only the moment of writing knows.
    fn row(&self) -> Result<user::ActiveModel> {
        let mut row = self.user.clone().into_active_model();
        self.identifiers.write(&mut row, None, self.calling_code)?;
        row.register_source =
            Set((!self.user.register_source.is_empty()).then(|| StringList(self.user.register_source.clone())));
        row.status = Set(self.user.status.unwrap_or(UserStatus::Activated.into()));
        row.work_status = Set(self.user.work_status.unwrap_or(WorkStatus::Active.into()));
        row.gender = Set(self.user.gender.unwrap_or(Gender::U.into()));
        row.user_source_type = Set(self.user.user_source_type.unwrap_or(UserSourceType::AdminCreated.into()));
        row.email_verified = Set(self.user.email_verified.unwrap_or_default());
        row.phone_verified = Set(self.user.phone_verified.unwrap_or_default());
        Ok(row)
    }
}

impl Mutation for CreateUser {
    type Answer = UserDto;

    async fn apply(&self, tx: &Tx) -> Result<UserDto> {
        if let Some(owner) = &self.owner {
            owner.keep(tx).await?;
        }
        let (row, CreatedUser { user_id, .. }) = self.new_row(tx)?;
        // What is answered is what was inserted, so that nothing has to be read.
        let mut user = UserRow::insert(&tx.connection, row).await?.into_dto(tx.tenant());
        self.insert_others(tx, &user_id).await?;
        if let Some(owner) = &self.owner {
            organizations::join(tx, owner, std::slice::from_ref(&user_id)).await?;
        }
        self.custom_data.show(CustomDataView::Nested, &mut user)?;
        Ok(user)
    }

    fn shown(answer: &UserDto) -> Option<&str> {
        answer.user_id.as_deref()
    }

    fn credentials(&self) -> Vec<(usize, &Credential)> {
        self.credential.iter().map(|credential| (0, credential)).collect()
    }

    async fn explain(&self, store: &Store, error: Error) -> Error {
        match self.claims() {
            Ok(claims) => conflicts::explain(store, claims, None, error).await,
            Err(_) => error,
        }
    }
}

impl CreateUser {
    /// The identifiers that the user lays claim to, in the contract's order.
    pub(super) fn claims(&self) -> Result<Claims> {
        let mut claims = conflicts::claims(&self.row()?);
        claims.extend(self.identities.iter().map(|identity| (Conflict::Identity, identity.account())));
        Ok(claims)
    }

    /// The password, if there is one.
    pub(super) fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// The organization that will own the user, and whose member the user has to become.
    pub(super) fn owner(&self) -> Option<&Level> {
        self.owner.as_ref()
    }

    /// The user's custom data.
    pub(super) fn custom_data(&self) -> &custom_data::Stored {
        &self.custom_data
    }

    /// The user's identities.
    pub(super) fn identities(&self) -> &[NewIdentity] {
        &self.identities
    }

    /// The row of the user alone, and what is told of it.
    pub(super) fn new_row(&self, tx: &Tx) -> Result<(user::ActiveModel, CreatedUser)> {
        let mut row = self.row()?;
        row.tenant_id = Set(self.owner.as_ref().and_then(Level::organization_id).map(ToOwned::to_owned));
        let user_id = self.user.user_id.clone().unwrap_or_else(|| tx.clock.new_id());
        if let Some(credential) = &self.credential {
            credential.describe(&mut row, tx);
        }
        row.user_id = Set(user_id.clone());
        row.created_at = Set(tx.now);
        row.updated_at = Set(tx.now);
        row.status_changed_at = Set(tx.now);
        let etag = etag::new();
        row.etag = Set(etag.clone());
        Ok((row, CreatedUser { user_id, etag }))
    }

    /// Makes the rows of the user. The transaction keeps the owner.
    pub(super) async fn insert(&self, tx: &Tx) -> Result<CreatedUser> {
        let (row, created) = self.new_row(tx)?;
        user::Entity::insert(row).exec_without_returning(&tx.connection).await?;
        self.insert_others(tx, &created.user_id).await?;
        Ok(created)
    }

    /// Makes the rows of other tables.
    async fn insert_others(&self, tx: &Tx, user_id: &str) -> Result<()> {
        self.custom_data.write(&tx.connection, user_id, &custom_data::Stored::default()).await?;
        identities::insert(tx, user_id, &self.identities).await?;
        match &self.credential {
            Some(credential) => credential.write(tx, user_id).await,
            None => Ok(()),
        }
    }
}
