//! What a write says of a user's identifiers, normalised: the same forms that lookups match by.

use sea_orm::ActiveValue::Set;

use crate::entity::user::{ActiveModel, Model};
use crate::error::{Error, Result};
use crate::normalize::email::Email;
use crate::normalize::phone::{CallingCode, Phone, PhoneError};
use crate::normalize::{external_id, username};
use crate::proto::UserDto;
use crate::validate::Violations;
use crate::validate::fields::Purpose;

/// Paths of the two fields that make a phone number.
const PHONE: &str = "user.phone";
const CODE: &str = "user.phone_country_code";

/// What a write does to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

/// What a write does to the phone, whose two fields depend on each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum PhoneChange {
    #[default]
    Keep,
    Clear,
    Set(Phone),
    /// National digits under the stored code, or the default one where none is stored.
    Number(String),
    /// Another code for the stored digits.
    Code(CallingCode),
}

/// What a write does to each identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identifiers {
    email: Change<Email>,
    username: Change<String>,
    external_id: Change<String>,
    phone: PhoneChange,
}

impl Identifiers {
    /// Reads them from the user that a request brings; what is wrong with them goes to `violations`.
    pub(super) fn read(user: &UserDto, purpose: Purpose<'_>, default: CallingCode, violations: &mut Violations) -> Self {
        let before = violations.count();
        let phone = change(user.phone.as_deref(), "phone", purpose, violations, |written| {
            Phone::check(written).map(|()| written.to_owned())
        });
        let code = change(user.phone_country_code.as_deref(), "phone_country_code", purpose, violations, CallingCode::parse);
        // Where one of the two is wrong, nothing can be said of them together.
        let (phone, code) = if violations.count() > before { (Change::Keep, Change::Keep) } else { (phone, code) };
        Self {
            email: change(user.email.as_deref(), "email", purpose, violations, Email::parse),
            username: change(user.username.as_deref(), "username", purpose, violations, username::parse),
            external_id: change(user.external_id.as_deref(), "external_id", purpose, violations, external_id::parse),
            phone: phone_change(phone, code, default, violations),
        }
    }

    /// For a user that is not stored yet: a number without a code is of the default one, a code needs a number.
    pub(super) fn for_new(self, default: CallingCode, violations: &mut Violations) -> Self {
        let phone = match self.phone {
            PhoneChange::Number(written) => {
                take_phone(Phone::parse(&written, None, default), violations).map_or(PhoneChange::Keep, PhoneChange::Set)
            }
            PhoneChange::Code(_) => {
                violations.add(CODE, "has no phone to belong to");
                PhoneChange::Keep
            }
            settled => settled,
        };
        Self { phone, ..self }
    }

    /// Puts the changes into the row, keys included.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the phone does not fit the stored one.
    pub(super) fn write(&self, row: &mut ActiveModel, stored: Option<&Model>, default: CallingCode) -> Result<()> {
        match &self.email {
            Change::Keep => {}
            Change::Clear => (row.email, row.email_key) = (Set(None), Set(None)),
            Change::Set(Email { stored, key }) => {
                (row.email, row.email_key) = (Set(Some(stored.clone())), Set(Some(key.clone())));
            }
        }
        match &self.username {
            Change::Keep => {}
            Change::Clear => row.username = Set(None),
            Change::Set(username) => row.username = Set(Some(username.clone())),
        }
        match &self.external_id {
            Change::Keep => {}
            Change::Clear => row.external_id = Set(None),
            Change::Set(external_id) => row.external_id = Set(Some(external_id.clone())),
        }
        match self.settle_phone(stored, default)? {
            Change::Keep => {}
            Change::Clear => (row.phone, row.phone_country_code, row.phone_key) = (Set(None), Set(None), Set(None)),
            Change::Set(Phone { code, national, e164 }) => {
                row.phone = Set(Some(national));
                row.phone_country_code = Set(Some(code.to_string()));
                row.phone_key = Set(Some(e164));
            }
        }
        Ok(())
    }

    /// The phone as it will be, given the one that is stored.
    fn settle_phone(&self, stored: Option<&Model>, default: CallingCode) -> Result<Change<Phone>> {
        let stored_code = stored.and_then(|stored| stored.phone_country_code.as_deref());
        let stored_code = stored_code.and_then(|code| CallingCode::parse(code).ok());
        let parsed = match &self.phone {
            PhoneChange::Keep => return Ok(Change::Keep),
            PhoneChange::Clear => return Ok(Change::Clear),
            PhoneChange::Set(phone) => return Ok(Change::Set(phone.clone())),
            PhoneChange::Number(written) => Phone::parse(written, stored_code, default),
            PhoneChange::Code(code) => match stored.and_then(|stored| stored.phone.as_deref()) {
                // The number was good under its old code, so that what is wrong is the new one.
                Some(national) => Phone::parse(national, Some(*code), default).map_err(|error| match error {
                    PhoneError::Phone(_) => PhoneError::Code("does not fit the stored phone".to_owned()),
                    code @ PhoneError::Code(_) => code,
                }),
                None => Err(PhoneError::Code("has no phone to belong to".to_owned())),
            },
        };
        let mut violations = Violations::default();
        let phone = take_phone(parsed, &mut violations);
        phone.map(Change::Set).ok_or(Error::Invalid(violations))
    }
}

fn change<T>(
    value: Option<&str>,
    name: &str,
    purpose: Purpose<'_>,
    violations: &mut Violations,
    parse: impl Fn(&str) -> std::result::Result<T, String>,
) -> Change<T> {
    let absent = match purpose {
        Purpose::Masked(mask) if !mask.names(name) => return Change::Keep,
        Purpose::Masked(_) => Change::Clear,
        Purpose::Create | Purpose::Update => Change::Keep,
    };
    let Some(written) = value else { return absent };
    violations.take(&format!("user.{name}"), parse(written)).map_or(Change::Keep, Change::Set)
}

fn phone_change(
    phone: Change<String>,
    code: Change<CallingCode>,
    default: CallingCode,
    violations: &mut Violations,
) -> PhoneChange {
    match (phone, code) {
        (Change::Keep, Change::Keep) => PhoneChange::Keep,
        (Change::Keep, Change::Set(code)) => PhoneChange::Code(code),
        (Change::Clear, Change::Keep | Change::Clear) => PhoneChange::Clear,
        (Change::Clear, Change::Set(_)) => refuse_code(violations, "has no phone to belong to: update_mask clears it"),
        (Change::Keep, Change::Clear) => refuse_code(violations, "cannot be cleared alone: clear phone, which clears both"),
        (Change::Set(written), Change::Keep) if !is_international(&written) => PhoneChange::Number(written),
        (Change::Set(written), Change::Clear) if !is_international(&written) => {
            refuse_code(violations, "cannot be cleared while phone is set")
        }
        (Change::Set(written), code) => {
            let code = if let Change::Set(code) = code { Some(code) } else { None };
            take_phone(Phone::parse(&written, code, default), violations).map_or(PhoneChange::Keep, PhoneChange::Set)
        }
    }
}

fn is_international(written: &str) -> bool {
    written.trim_start().starts_with('+')
}

fn refuse_code(violations: &mut Violations, problem: &str) -> PhoneChange {
    violations.add(CODE, problem);
    PhoneChange::Keep
}

fn take_phone(parsed: std::result::Result<Phone, PhoneError>, violations: &mut Violations) -> Option<Phone> {
    match parsed {
        Ok(phone) => return Some(phone),
        Err(PhoneError::Phone(problem)) => violations.add(PHONE, problem),
        Err(PhoneError::Code(problem)) => violations.add(CODE, problem),
    }
    None
}
