//! Does this user exist: the answers of seeds 000, 001 and 002.

use crate::error::{Error, Result};
use crate::limits;
use crate::normalize::phone::CallingCode;
use crate::normalize::username;
use crate::proto::{
    BatchUserExistsRequest, BatchUserExistsResponse, CheckUserCode, CheckUserRequest, CheckUserResponse,
    CheckUsernameAvailabilityRequest, CheckUsernameAvailabilityResponse, UserExistsMatch, UserExistsRequest,
    UserExistsResponse, UserExistsResult, UserIdType, UsernameUnavailableReason,
};
use crate::rpc::{Call, identifiers};
use crate::store::users::Probed;
use crate::store::{Identifier, Store, Tenant};
use crate::validate::{Violations, fields};

/// Seed 000, `is_user_exists`.
pub(super) async fn user_exists(store: &Store, call: Call<UserExistsRequest>) -> Result<UserExistsResponse> {
    let (probe, types) = read_check(&call.message, store.calling_code(), call.violations)?;
    let found = store.probe_users(&call.caller.tenant, &[probe]).await?.pop().unwrap_or_default();
    Ok(UserExistsResponse { exists: !found.taken.is_empty(), matches: matches(&found, &types), same_user: found.same_user })
}

/// Seed 000 for many: a check that is bad has its error in its own place.
pub(super) async fn batch_user_exists(store: &Store, call: Call<BatchUserExistsRequest>) -> Result<BatchUserExistsResponse> {
    let checks = &call.message.checks;
    let mut violations = call.violations;
    violations.check_items("checks", checks.len(), limits::BATCH_ITEMS);
    violations.none_or(())?;
    let read = |check: &UserExistsRequest| {
        let mut violations = Violations::default();
        fields::request(check, &mut violations);
        read_check(check, store.calling_code(), violations)
    };
    let (mut probes, mut results) = (Vec::new(), Vec::new());
    let mut good = Vec::new();
    for (place, check) in checks.iter().enumerate() {
        let mut result = UserExistsResult::default();
        match read(check) {
            Ok((probe, types)) => {
                probes.push(probe);
                good.push((place, types));
            }
            Err(violations) => result.error = Some(Error::from(violations).into()),
        }
        results.push(result);
    }
    for ((place, types), found) in good.into_iter().zip(store.probe_users(&call.caller.tenant, &probes).await?) {
        let (exists, matches) = (!found.taken.is_empty(), matches(&found, &types));
        results[place] = UserExistsResult { exists, matches, same_user: found.same_user, error: None };
    }
    Ok(BatchUserExistsResponse { results })
}

/// Seed 001, `check-user`: the email decides, and then the phone number is not looked at.
pub(super) async fn check_user(store: &Store, call: Call<CheckUserRequest>) -> Result<CheckUserResponse> {
    let mut violations = call.violations;
    let (target, code, message) = match (&call.message.email, &call.message.phone_number) {
        (Some(email), _) => {
            let email = identifiers::email("email", email, &mut violations);
            (email, CheckUserCode::EmailExists, "Email already exists")
        }
        (None, Some(number)) => {
            const FIELD: &str = "phone_number";
            let phone = identifiers::phone(FIELD, FIELD, number, None, store.calling_code(), &mut violations);
            (phone, CheckUserCode::PhoneNumberExists, "Phone number already exists")
        }
        (None, None) => {
            return Err(Error::Required { message: "Email or phone number is required.", field: "email" });
        }
    };
    let met = store.meet_user(&call.caller.tenant, &violations.none_or_some(target)?).await?;
    let (code, message) = match met {
        Some(_) => (code, message),
        None => (CheckUserCode::UserNotFound, "User does not exist"),
    };
    Ok(CheckUserResponse {
        exists: met.is_some(),
        code: code.into(),
        message: message.to_owned(),
        created_at: met.as_ref().map(|met| met.created_at),
        // Of the whole pool nobody is a member.
        exists_in_current_organization: met.map(|met| met.seen && call.caller.tenant.organization_id().is_some()),
    })
}

/// Seed 002, `check-user-existence`.
pub(super) async fn check_username_availability(
    store: &Store,
    call: Call<CheckUsernameAvailabilityRequest>,
) -> Result<CheckUsernameAvailabilityResponse> {
    let end_user = call.authorization.user(store, &call.caller.tenant).await?;
    let written = call.message.username.ok_or_else(|| Error::invalid("username", "must be given"))?;
    let reason = match username::parse(&written) {
        Err(_) => Some(UsernameUnavailableReason::Invalid),
        Ok(username) => {
            let owner = store.meet_user(&Tenant::Pool, &Identifier::Username(username)).await?;
            let other = owner.filter(|owner| Some(&owner.user_id) != end_user.as_ref());
            other.map(|_| UsernameUnavailableReason::Taken)
        }
    };
    Ok(CheckUsernameAvailabilityResponse { available: reason.is_none(), reason: reason.map(Into::into) })
}

/// The identifiers that a check names, and what kind each of them is.
fn read_check(
    check: &UserExistsRequest,
    default: CallingCode,
    mut violations: Violations,
) -> Result<(Vec<Identifier>, Vec<UserIdType>), Violations> {
    let found = &mut violations;
    let code = check.phone_country_code.as_deref();
    let username = check.username.as_deref().and_then(|written| identifiers::username("username", written, found));
    let email = check.email.as_deref().and_then(|written| identifiers::email("email", written, found));
    let phone = check.phone.as_deref();
    let phone = phone.and_then(|written| identifiers::phone("phone", "phone_country_code", written, code, default, found));
    let external_id = check.external_id.as_deref().and_then(|written| identifiers::external_id("external_id", written, found));
    if code.is_some() && check.phone.is_none() {
        violations.add("phone_country_code", "has no phone to belong to");
    }
    if check.username.is_none() && check.email.is_none() && check.phone.is_none() && check.external_id.is_none() {
        violations.add("username", "must be given, or email, phone or external_id");
    }
    let named = [
        (username, UserIdType::Username),
        (email, UserIdType::Email),
        (phone, UserIdType::Phone),
        (external_id, UserIdType::ExternalId),
    ];
    violations.none_or(named.into_iter().filter_map(|(identifier, kind)| Some((identifier?, kind))).unzip())
}

fn matches(found: &Probed, types: &[UserIdType]) -> Vec<UserExistsMatch> {
    found.taken.iter().filter_map(|place| types.get(*place)).map(|kind| UserExistsMatch { r#type: (*kind).into() }).collect()
}
