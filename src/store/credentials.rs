//! What users prove to be themselves by: passwords, kept as hashes. The one place that reads them.

mod guesses;
mod set;
mod verify;

pub use set::SetPassword;
pub use verify::Verified;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{Identifier, Store, Tx};
use crate::entity::user;
use crate::entity::user_credential::{ActiveModel, Column, Entity};
use crate::error::Result;
use crate::limits;
use crate::password::{Level, Password, PasswordHash, Place, Work};
use crate::proto::PasswordSecurityLevel;
use crate::proto::reflect::Reflect;
use crate::validate::Violations;

/// A password as a caller gives it.
#[derive(Clone, Debug)]
pub enum GivenPassword {
    /// In clear.
    Clear(Password),
    /// As another system has hashed it.
    Hash(PasswordHash),
}

/// A password that can be stored.
#[derive(Clone, Debug)]
pub struct Credential {
    hash: PasswordHash,
    /// In clear, where it was given so.
    clear: Option<Password>,
}

impl GivenPassword {
    /// Reads the fields `password` and, if there is one, `password_hash` of a message; its rules field by field have been checked.
    pub fn read(message: &impl Reflect, violations: &mut Violations) -> Option<Self> {
        let (clear, hash) = (message.get("password").as_text(), message.get("password_hash").as_text());
        match (clear, hash) {
            (Some(_), Some(_)) => violations.refuse("password_hash", "must not stand beside password"),
            (Some(""), None) => violations.refuse("password", "must not be empty"),
            (Some(clear), None) if clear.len() <= limits::PASSWORD_BYTES => Some(Self::Clear(Password::new(clear))),
            (None, Some(hash)) if hash.len() <= limits::PASSWORD_HASH_BYTES => {
                violations.take("password_hash", PasswordHash::import(hash)).map(Self::Hash)
            }
            // Absent, or longer than the rules allow.
            _ => None,
        }
    }
}

impl Credential {
    /// The password in clear, where it was given so, and its hash.
    pub(super) fn clear(&self) -> Option<(&Password, &PasswordHash)> {
        self.clear.as_ref().map(|clear| (clear, &self.hash))
    }

    /// Makes the user's row tell of the password.
    pub(super) fn describe(&self, row: &mut user::ActiveModel, tx: &Tx) {
        let level = self.clear.as_ref().map(|clear| match clear.level() {
            Level::Low => PasswordSecurityLevel::Low,
            Level::Medium => PasswordSecurityLevel::Medium,
            Level::High => PasswordSecurityLevel::High,
        });
        row.password_last_set_at = Set(Some(tx.now));
        row.password_security_level = Set(level.map(Into::into));
    }

    /// Puts it in the place of what the user has, whom the target names, and forgets what was guessed of that.
    pub(super) async fn replace(&self, tx: &Tx, target: &Identifier, user: &user::Model) -> Result<()> {
        guesses::forget_all(tx, target, user).await?;
        self.write(tx, &user.user_id).await
    }

    /// Puts it in the place of what the user has.
    pub(super) async fn write(&self, tx: &Tx, user_id: &str) -> Result<()> {
        let row = ActiveModel { user_id: Set(user_id.to_owned()), password_hash: Set(self.hash.as_str().to_owned()) };
        let replace = OnConflict::column(Column::UserId).update_column(Column::PasswordHash).to_owned();
        Entity::insert(row).on_conflict(replace).exec_without_returning(&tx.connection).await?;
        Ok(())
    }
}

impl Store {
    /// Makes passwords ready to be stored, in their order: those in clear are hashed, one after the other.
    ///
    /// # Errors
    /// [`crate::error::Error::Overloaded`] when too many are being hashed.
    pub async fn credentials(&self, given: Vec<Option<GivenPassword>>) -> Result<Vec<Option<Credential>>> {
        let mut place = None;
        let mut credentials = Vec::with_capacity(given.len());
        for given in given {
            credentials.push(match given {
                Some(given) => Some(self.hash(given, Work::Batch, &mut place).await?),
                None => None,
            });
        }
        Ok(credentials)
    }

    /// As [`Store::credentials`], for one.
    ///
    /// # Errors
    /// As [`Store::credentials`].
    pub async fn credential(&self, given: GivenPassword) -> Result<Credential> {
        self.hash(given, Work::Set, &mut None).await
    }

    /// The place is taken by the first that has to be hashed.
    async fn hash(&self, given: GivenPassword, work: Work, place: &mut Option<Place>) -> Result<Credential> {
        let clear = match given {
            GivenPassword::Hash(hash) => return Ok(Credential { hash, clear: None }),
            GivenPassword::Clear(clear) => clear,
        };
        let place = match place {
            Some(place) => place,
            None => place.insert(self.hashing.place(work)?),
        };
        Ok(Credential { hash: place.hash(clear.clone()).await?, clear: Some(clear) })
    }

    /// How many argon2id hashes of the configured parameters or more were computed: for tests, which count the work of a check.
    #[must_use]
    pub fn computed_hashes(&self) -> u64 {
        self.hashing.computed()
    }
}
