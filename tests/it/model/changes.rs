//! Users created and changed: what is wrong with a user that is sent, and what becomes of the stored one.

use std::collections::BTreeMap;

use prost_reflect::DynamicMessage;
use prost_types::{Struct, Value};
use roster::proto::{self, Gender, UserDto, UserSourceType, UserStatus, WorkStatus};
use tonic::Code;

use super::answer::Refused;
use super::caller::{Cx, Step, stop};
use super::pools::{self, Phone, Wrong};
use super::resource::{self, Purpose, USER};
use super::rpcs::Response;
use super::state::{Bent, User, World, identifier};
use super::users::View;
use crate::dto::{changeable, descriptor};
use prost::Message;

/// What Create and Update answer with.
const WRITTEN: View = View { custom_data: true, flat: false, groups: false, roles: false };

/// The identifiers and their like: what has rules of its own.
const APART: &[&str] = &["email", "phone", "phone_country_code", "username", "external_id", "custom_data"];

/// What a write does to the phone.
#[derive(Clone, Debug, PartialEq)]
enum Phoning {
    Keep,
    Clear,
    Set(Phone),
    /// Digits of the stored code's country.
    Digits(String),
    /// Another code for the stored digits.
    Code(String),
}

impl World {
    pub(super) fn create_user(&mut self, cx: &mut Cx<'_>, request: &proto::CreateUserRequest) -> Step<Response> {
        let read = cx.take(new_user(request.user.as_ref()));
        self.settle(cx)?;
        let user = self.insert(cx, read.unwrap(), 0)?;
        Ok(Response::CreateUser(proto::CreateUserResponse { user: Some(self.shown(&user, &WRITTEN)) }))
    }

    /// Stores a new user; `place` is theirs among those made by the call.
    fn insert(&mut self, cx: &Cx<'_>, mut user: User, place: usize) -> Result<User, Refused> {
        self.check_claims(&user, None)?;
        if user.dto.user_id.is_none() {
            user.dto.user_id = Some(self.seen.id(cx.made, place));
        }
        user.dto.etag = Some(self.seen.etag(cx.made, place));
        (user.dto.created_at, user.dto.updated_at, user.dto.status_changed_at) =
            (Some(self.now), Some(self.now), Some(self.now));
        self.created += 1;
        user.number = self.created;
        self.users.insert(user.dto.user_id().to_owned(), user.clone());
        Ok(user)
    }

    /// Refuses a user who claims what others have.
    fn check_claims(&self, user: &User, own: Option<&str>) -> Result<(), Refused> {
        let others = |(reason, id)| self.owner(&id).filter(|owner| own != Some(owner.as_str())).map(|_| reason);
        let taken: Vec<_> = user.claims().into_iter().filter_map(others).collect();
        if taken.is_empty() { Ok(()) } else { Err(Refused::taken(&taken)) }
    }

    pub(super) fn batch_create(&mut self, cx: &mut Cx<'_>, request: &proto::BatchCreateUsersRequest) -> Step<Response> {
        if request.users.is_empty() {
            cx.fault("users");
        }
        let read: Vec<_> = request.users.iter().map(|item| new_user(item.user.as_ref())).collect();
        if request.atomic {
            let wrong = read.iter().enumerate().filter_map(|(index, read)| Some((index, read.as_ref().err()?)));
            let paths = wrong.flat_map(|(index, fields)| fields.iter().map(move |field| format!("users[{index}].{field}")));
            cx.faults.extend(paths.collect::<Vec<_>>());
        }
        self.settle(cx)?;
        let before = self.users.clone();
        let mut results = Vec::new();
        for (index, read) in read.into_iter().enumerate() {
            let created = read.map_err(Refused::invalid).and_then(|user| self.insert(cx, user, index));
            results.push(match created {
                Ok(User { dto, .. }) => proto::BatchCreateUsersResult { user_id: dto.user_id, etag: dto.etag, error: None },
                Err(refused) if request.atomic => {
                    self.users = before;
                    return stop(refused.with("item", format!("users[{index}]")));
                }
                Err(refused) => proto::BatchCreateUsersResult { error: Some(refused.status()), ..Default::default() },
            });
        }
        Ok(Response::BatchCreateUsers(proto::BatchCreateUsersResponse { results }))
    }

    pub(super) fn update_user(&mut self, cx: &mut Cx<'_>, request: &proto::UpdateUserRequest) -> Step<Response> {
        let id = cx.take(identifier(request.user_id.as_deref(), request.user_id_type));
        let sent = request.user.clone().unwrap_or_default();
        let mask = cx.take(resource::mask(request.update_mask.as_ref(), &descriptor(), &USER)).flatten();
        let named = mask.as_deref();
        let purpose = if request.update_mask.as_ref().is_some_and(|mask| !mask.paths.is_empty()) {
            Purpose::Masked(mask_of(request))
        } else {
            Purpose::Update
        };
        cx.faults.extend(resource::faults(&sent.encode_to_vec(), &descriptor(), "user", &purpose, &USER));
        let (phoning, wrong) = identifiers(&sent, &purpose);
        cx.faults.extend(wrong);
        cx.faults.extend(custom_data_faults(request, &purpose));
        self.settle(cx)?;
        let user_id = self.owner(&id.unwrap()).ok_or_else(Refused::no_user)?.clone();
        let stored = self.users[&user_id].clone();
        let etag = request.etag.as_deref().or(sent.etag.as_deref().filter(|_| named.is_some()));
        self.check_etag(etag, stored.dto.etag())?;
        let mut user = self.changed(&stored, &sent, named, phoning)?;
        if user.is_nameless() {
            return stop(Refused::new(Code::FailedPrecondition, "LAST_IDENTIFIER"));
        }
        user.custom_data = new_custom_data(&stored, request, &purpose);
        self.check_claims(&user, Some(&user_id))?;
        if user.dto != stored.dto || user.custom_data != stored.custom_data {
            if user.dto.status != stored.dto.status {
                user.dto.status_changed_at = Some(self.now);
            }
            user.dto.updated_at = Some(self.now);
            user.dto.etag = Some(self.seen.etag(cx.made, 0));
        }
        self.users.insert(user_id, user.clone());
        Ok(Response::UpdateUser(proto::UpdateUserResponse { user: Some(self.shown(&user, &WRITTEN)) }))
    }

    /// The stored user as the one sent changes them, custom data aside.
    fn changed(&self, stored: &User, sent: &UserDto, mask: Option<&[String]>, phoning: Phoning) -> Step<User> {
        let names = |field: &str| mask.map(|mask| mask.iter().any(|path| path == field));
        let mut user = User { dto: overlay(&stored.dto, sent, &names), ..stored.clone() };
        let put = |target: &mut Option<String>, name: &str, value: Option<String>| match names(name) {
            Some(false) => {}
            None if value.is_none() => {}
            _ => *target = value,
        };
        put(&mut user.dto.email, "email", sent.email.as_ref().and_then(|email| Some(pools::email(email)?.0)));
        put(&mut user.dto.username, "username", sent.username.as_deref().map(pools::username));
        put(&mut user.dto.external_id, "external_id", sent.external_id.clone());
        let phone = settle_phone(stored.phone(), phoning).map_err(|field| Refused::invalid(vec![field.to_owned()]))?;
        (user.dto.phone_country_code, user.dto.phone) = phone.map(|phone| (phone.code, phone.national)).unzip();
        let said = |name: &str, value: Option<bool>| names(name).unwrap_or(value.is_some());
        if user.email_key() != stored.email_key()
            && !said("email_verified", sent.email_verified)
            && self.bent != Some(Bent::VerifiedStays)
        {
            user.dto.email_verified = Some(false);
        }
        if user.phone() != stored.phone() && !said("phone_verified", sent.phone_verified) {
            user.dto.phone_verified = Some(false);
        }
        Ok(user)
    }
}

fn mask_of(request: &proto::UpdateUserRequest) -> Vec<String> {
    request.update_mask.as_ref().map(|mask| mask.paths.clone()).unwrap_or_default()
}

/// The user to be created, or the fields that are wrong.
fn new_user(sent: Option<&UserDto>) -> Result<User, Vec<String>> {
    let Some(sent) = sent else { return Err(vec!["user".to_owned()]) };
    let mut faults = resource::faults(&sent.encode_to_vec(), &descriptor(), "user", &Purpose::Create, &USER);
    let (phoning, wrong) = identifiers(sent, &Purpose::Create);
    faults.extend(wrong);
    let phone = settle_phone(None, phoning).map_err(|field| faults.push(field.to_owned())).ok().flatten();
    let named = [&sent.username, &sent.email, &sent.phone, &sent.external_id];
    if named.into_iter().all(Option::is_none) {
        faults.push("user".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut dto = overlay(&UserDto::default(), sent, &|_| None);
    dto.user_id.clone_from(&sent.user_id);
    dto.email = sent.email.as_ref().and_then(|email| Some(pools::email(email)?.0));
    dto.username = sent.username.as_deref().map(pools::username);
    dto.external_id.clone_from(&sent.external_id);
    (dto.phone_country_code, dto.phone) = phone.map(|phone| (phone.code, phone.national)).unzip();
    dto.status.get_or_insert(UserStatus::Activated.into());
    dto.work_status.get_or_insert(WorkStatus::Active.into());
    dto.gender.get_or_insert(Gender::U.into());
    dto.user_source_type.get_or_insert(UserSourceType::AdminCreated.into());
    dto.email_verified.get_or_insert(false);
    dto.phone_verified.get_or_insert(false);
    Ok(User { dto, custom_data: sent.custom_data.clone().unwrap_or_default().fields, number: 0 })
}

/// The stored user with the plain fields of the one sent: those present, or those that are named.
fn overlay(stored: &UserDto, sent: &UserDto, names: &impl Fn(&str) -> Option<bool>) -> UserDto {
    let dynamic = |user: &UserDto| DynamicMessage::decode(descriptor(), user.encode_to_vec().as_slice()).unwrap();
    let (mut result, from) = (dynamic(stored), dynamic(sent));
    for field in changeable().filter(|field| !APART.contains(&field.name())) {
        let present = from.has_field(&field);
        match (names(field.name()), present) {
            (Some(false), _) | (None, false) => {}
            (_, true) => result.set_field(&field, from.get_field(&field).into_owned()),
            (Some(true), false) => result.clear_field(&field),
        }
    }
    let mut user = UserDto::decode(result.encode_to_vec().as_slice()).unwrap();
    let times = [&mut user.last_login, &mut user.last_mfa_time, &mut user.signed_up, &mut user.token_expired_at];
    for time in times.into_iter().flatten() {
        time.nanos = time.nanos / 1_000 * 1_000;
    }
    user
}

/// What is done to the phone, and the identifiers that are wrong.
fn identifiers(sent: &UserDto, purpose: &Purpose) -> (Phoning, Vec<String>) {
    let mut faults = Vec::new();
    let looked_at = |name: &str| purpose.looks_at(name);
    let mut check = |name: &str, value: &Option<String>, good: &dyn Fn(&str) -> bool| {
        if looked_at(name) && value.as_deref().is_some_and(|value| !good(value)) {
            faults.push(format!("user.{name}"));
        }
    };
    check("email", &sent.email, &|email| pools::email(email).is_some());
    check("username", &sent.username, &pools::is_storable);
    check("external_id", &sent.external_id, &|id| pools::EXTERNAL_IDS[..pools::STORABLE_EXTERNAL_IDS].contains(&id));
    check("phone", &sent.phone, &pools::looks_like_phone);
    check("phone_country_code", &sent.phone_country_code, &|code| pools::calling_code(code).is_some());
    let wrong = |name: &str| faults.iter().any(|fault| fault.strip_prefix("user.") == Some(name));
    let phoning = if wrong("phone") || wrong("phone_country_code") { Ok(Phoning::Keep) } else { phoning(sent, purpose) };
    let phoning = phoning.unwrap_or_else(|field| {
        faults.push(field.to_owned());
        Phoning::Keep
    });
    (phoning, faults)
}

/// What two fields that are good alone do together.
fn phoning(sent: &UserDto, purpose: &Purpose) -> Result<Phoning, &'static str> {
    const CODE: &str = "user.phone_country_code";
    let clears = |name: &str| matches!(purpose, Purpose::Masked(mask) if mask.iter().any(|path| path == name));
    let phone = sent.phone.as_deref().filter(|_| purpose.looks_at("phone"));
    let written = sent.phone_country_code.as_deref().filter(|_| purpose.looks_at("phone_country_code"));
    let code = written.and_then(pools::calling_code);
    let clears_phone = phone.is_none() && clears("phone");
    let clears_code = code.is_none() && clears("phone_country_code");
    match (phone, code) {
        (None, None) if clears_phone => Ok(Phoning::Clear),
        (None, None) if clears_code => Err(CODE),
        (None, None) => Ok(Phoning::Keep),
        (None, Some(_)) if clears_phone => Err(CODE),
        (None, Some(code)) => Ok(Phoning::Code(code)),
        (Some(phone), None) if phone.starts_with('+') => parsed(phone, None),
        (Some(_), None) if clears_code => Err(CODE),
        (Some(phone), None) => Ok(Phoning::Digits(phone.to_owned())),
        (Some(phone), Some(code)) => parsed(phone, Some(&code)),
    }
}

fn parsed(phone: &str, code: Option<&str>) -> Result<Phoning, &'static str> {
    pools::phone(phone, code).map(Phoning::Set).map_err(|wrong| match wrong {
        Wrong::Phone => "user.phone",
        Wrong::Code => "user.phone_country_code",
    })
}

/// The phone after the write, or the field that does not fit what is stored.
fn settle_phone(stored: Option<Phone>, phoning: Phoning) -> Result<Option<Phone>, &'static str> {
    match phoning {
        Phoning::Keep => Ok(stored),
        Phoning::Clear => Ok(None),
        Phoning::Set(phone) => Ok(Some(phone)),
        Phoning::Digits(digits) => {
            let code = stored.as_ref().map(|phone| phone.code.as_str());
            pools::phone(&digits, code).map(Some).map_err(|_| "user.phone")
        }
        Phoning::Code(code) => {
            let national = stored.ok_or("user.phone_country_code")?.national;
            pools::phone(&national, Some(&code)).map(Some).map_err(|_| "user.phone_country_code")
        }
    }
}

/// What replaces all custom data, if anything does.
fn replaced(request: &proto::UpdateUserRequest, purpose: &Purpose) -> Option<Struct> {
    let sent = request.user.as_ref().and_then(|user| user.custom_data.clone());
    match purpose {
        Purpose::Masked(mask) => mask.iter().any(|path| path == "custom_data").then(|| sent.unwrap_or_default()),
        _ => sent,
    }
}

fn custom_data_faults(request: &proto::UpdateUserRequest, purpose: &Purpose) -> Vec<String> {
    let mut faults = Vec::new();
    let set = request.custom_data_set.clone().unwrap_or_default();
    resource::json_faults("custom_data_set", &set, &mut faults);
    for (index, key) in request.custom_data_unset.iter().enumerate() {
        let field = format!("custom_data_unset[{index}]");
        if !resource::is_key(key) {
            faults.push(field.clone());
        }
        if set.fields.contains_key(key) {
            faults.push(field);
        }
    }
    if replaced(request, purpose).is_some() {
        if !set.fields.is_empty() {
            faults.push("custom_data_set".to_owned());
        }
        if !request.custom_data_unset.is_empty() {
            faults.push("custom_data_unset".to_owned());
        }
    }
    faults
}

fn new_custom_data(stored: &User, request: &proto::UpdateUserRequest, purpose: &Purpose) -> BTreeMap<String, Value> {
    if let Some(data) = replaced(request, purpose) {
        return data.fields;
    }
    let mut data = stored.custom_data.clone();
    data.retain(|key, _| !request.custom_data_unset.contains(key));
    data.extend(request.custom_data_set.clone().unwrap_or_default().fields);
    data
}
