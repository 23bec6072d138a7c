//! Identifiers as requests name them, read into the form that lookups match by.
//!
//! Any text of 1 to 256 characters is a well-formed id, username or external id here: what cannot be stored is found by nobody
//! (contract §1, "ids"). Emails and phones must be such, or they could not be normalised; identities must have two such parts.

use crate::limits;
use crate::normalize::email::Email;
use crate::normalize::phone::{CallingCode, Phone, PhoneError};
use crate::normalize::{identity, username};
use crate::proto::UserIdType;
use crate::proto::reflect::{Reflect, Value};
use crate::store::{Identifier, Level, Located, Store, Tenant};
use crate::validate::{Violations, text};

/// What an organization is named by.
const ORGANIZATION_ID: &str = "organization_id";

/// The user that the fields `user_id` and `user_id_type` of a request name.
pub(super) fn user(request: &impl Reflect, store: &Store, violations: &mut Violations) -> Option<Identifier> {
    let id_type = if let Value::Enum(id_type, _) = request.get("user_id_type") { id_type } else { 0 };
    target(request.get("user_id").as_text(), id_type, store.calling_code(), violations)
}

/// The user that an id of this type names.
fn target(id: Option<&str>, id_type: i32, default: CallingCode, violations: &mut Violations) -> Option<Identifier> {
    const FIELD: &str = "user_id";
    let Some(id) = id else {
        violations.add(FIELD, "must be given");
        return None;
    };
    // An unknown type is among the violations already, found by the rule of all enums.
    match UserIdType::try_from(id_type).ok()? {
        UserIdType::Unspecified | UserIdType::UserId => plain(FIELD, id, violations).map(Identifier::UserId),
        UserIdType::Phone => phone(FIELD, FIELD, id, None, default, violations),
        UserIdType::Email => email(FIELD, id, violations),
        UserIdType::Username => self::username(FIELD, id, violations),
        UserIdType::ExternalId => external_id(FIELD, id, violations),
        UserIdType::Identity => violations.take(FIELD, identity::split(id)).map(|(place, id)| Identifier::identity(place, id)),
        UserIdType::SyncRelation => {
            let (provider, id) = violations.take(FIELD, identity::split(id))?;
            violations.take(FIELD, identity::provider(provider)).map(|provider| Identifier::sync_relation(provider, id))
        }
    }
}

/// The level that the field `organization_id` of a message means, which stands at `path` in the request.
pub(super) fn level(path: &str, message: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Level {
    let field = format!("{path}{ORGANIZATION_ID}");
    match message.get(ORGANIZATION_ID).as_text() {
        Some(named) => plain(&field, named, violations).map_or_else(Level::default, |named| tenant.level(Some(&named))),
        None => tenant.level(None),
    }
}

/// What the request names by an id of its own: at the level of its `organization_id`, or wherever the tenant reaches.
pub(super) fn located(field: &str, request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Located> {
    let anywhere = *tenant == Tenant::Pool && !request.get(ORGANIZATION_ID).is_present();
    let level = level("", request, tenant, violations);
    let id = code(field, request.get(field).as_text(), violations)?;
    Some(Located { level: (!anywhere).then_some(level), id })
}

/// The organization that the field `organization_id` of a request names.
pub(super) fn organization(request: &impl Reflect, tenant: &Tenant, violations: &mut Violations) -> Option<Level> {
    let named = code(ORGANIZATION_ID, request.get(ORGANIZATION_ID).as_text(), violations)?;
    Some(tenant.level(Some(&named)))
}

/// The user that an item of a batch names.
///
/// # Errors
/// What is wrong with the item.
pub(super) fn item(id: Option<&str>, id_type: i32, default: CallingCode) -> Result<Identifier, Violations> {
    let mut violations = Violations::default();
    if UserIdType::try_from(id_type).is_err() {
        violations.add("user_id_type", format!("{id_type} is not a value of this enum"));
    }
    let target = target(id, id_type, default, &mut violations);
    violations.none_or_some(target)
}

/// The id of an API key; whether there is such a key, only the database knows.
pub(super) fn api_key_id(id: Option<&str>, violations: &mut Violations) -> Option<String> {
    code("api_key_id", id, violations)
}

/// The id of an identity; whether there is such an identity, only the database knows.
pub(super) fn identity_id(id: Option<&str>, violations: &mut Violations) -> Option<String> {
    code("identity_id", id, violations)
}

/// A code or an id; whether something has it, only the database knows.
pub(super) fn code(field: &str, code: Option<&str>, violations: &mut Violations) -> Option<String> {
    match code {
        Some(code) => plain(field, code, violations),
        None => violations.refuse(field, "must be given"),
    }
}

/// The codes of several; who names none asks for nothing.
pub(super) fn codes(field: &str, codes: &[String], most: usize, violations: &mut Violations) -> Vec<String> {
    if !violations.check_items(field, codes.len(), most) {
        return Vec::new();
    }
    let read = codes.iter().enumerate();
    read.filter_map(|(index, code)| self::code(&format!("{field}[{index}]"), Some(code), violations)).collect()
}

/// A username.
pub(super) fn username(field: &str, written: &str, violations: &mut Violations) -> Option<Identifier> {
    // Counted as it is matched, since one letter may be written with several characters; not so many, though.
    violations.take(field, text::at_most(written, 4 * limits::ID_CHARACTERS))?;
    plain(field, &username::key(written), violations).map(Identifier::Username)
}

/// An external id.
pub(super) fn external_id(field: &str, written: &str, violations: &mut Violations) -> Option<Identifier> {
    plain(field, written, violations).map(Identifier::ExternalId)
}

/// An email address.
pub(super) fn email(field: &str, written: &str, violations: &mut Violations) -> Option<Identifier> {
    violations.take(field, Email::parse(written)).map(|email| Identifier::Email(email.key))
}

/// A phone number with the code that stands beside it, if one does.
pub(super) fn phone(
    field: &str,
    code_field: &str,
    written: &str,
    code: Option<&str>,
    default: CallingCode,
    violations: &mut Violations,
) -> Option<Identifier> {
    let well_written = violations.take(field, Phone::check(written));
    let code = match code {
        Some(code) => Some(violations.take(code_field, CallingCode::parse(code))?),
        None => None,
    };
    well_written?;
    match Phone::parse(written, code, default) {
        Ok(phone) => return Some(Identifier::Phone(phone.e164)),
        Err(PhoneError::Phone(problem)) => violations.add(field, problem),
        Err(PhoneError::Code(problem)) => violations.add(code_field, problem),
    }
    None
}

fn plain(field: &str, written: &str, violations: &mut Violations) -> Option<String> {
    if written.is_empty() {
        violations.add(field, "must not be empty");
        return None;
    }
    violations.take(field, text::at_most(written, limits::ID_CHARACTERS)).map(|()| written.to_owned())
}
