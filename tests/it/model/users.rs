//! What is asked about users: whether they exist, who they are, lists, searches; and their deletion.

use std::collections::BTreeMap;

use prost_types::{Struct, Value, value::Kind as Json};
use roster::proto::find_user_request::By;
use roster::proto::{self, UserDto, UserExistsMatch, UserIdType, UserStatus};
use tonic::Code;

use super::answer::Refused;
use super::caller::{Cx, Step, stop};
use super::pages::{Order, Page, asked, listed};
use super::pools::{self, Wrong};
use super::rpcs::{Request, Response};
use super::state::{Id, Kind, User, World, identifier, plain};

/// What of users is shown beside their profiles.
#[expect(clippy::struct_excessive_bools, reason = "as the requests have them")]
pub(super) struct View {
    pub(super) custom_data: bool,
    pub(super) flat: bool,
    pub(super) groups: bool,
    pub(super) roles: bool,
}

macro_rules! view {
    ($request:expr) => {
        $crate::model::users::View {
            custom_data: $request.with_custom_data,
            flat: $request.flat_custom_data,
            groups: $request.with_groups,
            roles: $request.with_roles,
        }
    };
}
pub(super) use view;

impl World {
    pub(super) fn about_users(&mut self, cx: &mut Cx<'_>, request: &Request) -> Option<Step<Response>> {
        Some(match request {
            Request::UserExists(request) => self.user_exists(cx, request),
            Request::BatchUserExists(request) => self.batch_user_exists(cx, request),
            Request::CheckUser(request) => self.check_user(cx, request),
            Request::CheckUsernameAvailability(request) => self.availability(cx, request),
            Request::GetUser(request) => {
                let id = cx.take(identifier(request.user_id.as_deref(), request.user_id_type));
                let user = self.one(cx, id.as_ref(), &view!(request));
                user.map(|user| Response::GetUser(proto::GetUserResponse { user: Some(user) }))
            }
            Request::FindUser(request) => self.find_user(cx, request),
            Request::BatchGetUsers(request) => self.batch_get(cx, request),
            Request::ListUsers(request) => {
                let page = self.list(cx, &asked!(request, String::new()), &view!(request), |_| true);
                page.map(|page| listed!(ListUsers ListUsersResponse { users: page }))
            }
            Request::SearchUsers(request) => self.search(cx, request),
            Request::CreateUser(request) => self.create_user(cx, request),
            Request::BatchCreateUsers(request) => self.batch_create(cx, request),
            Request::UpdateUser(request) => self.update_user(cx, request),
            Request::DeleteUser(request) => self.delete_user(cx, request),
            Request::BatchDeleteUsers(request) => self.batch_delete(cx, request),
            Request::RefreshUserToken(request) => self.refresh_token(cx, request),
            _ => return None,
        })
    }

    /// The user as an answer shows them.
    pub(super) fn shown(&self, user: &User, view: &View) -> UserDto {
        let mut dto = user.dto.clone();
        let codes = |kind| self.sets_of(kind, user.dto.user_id()).into_iter().filter_map(|set| set.code).collect();
        if view.groups {
            dto.group_codes = codes(Kind::Group);
        }
        if view.roles {
            dto.role_codes = codes(Kind::Role);
        }
        if view.flat {
            flatten(&user.custom_data, "", &mut dto.flat_custom_data);
        } else if view.custom_data && !user.custom_data.is_empty() {
            dto.custom_data = Some(Struct { fields: user.custom_data.clone() });
        }
        dto
    }

    /// The user of the id, once the call is settled.
    pub(super) fn one(&self, cx: &Cx<'_>, id: Option<&Id>, view: &View) -> Step<UserDto> {
        self.settle(cx)?;
        let user_id = self.owner(id.unwrap()).ok_or_else(Refused::no_user)?;
        Ok(self.shown(&self.users[user_id], view))
    }

    /// A token, here the id of its user.
    fn refresh_token(&self, cx: &mut Cx<'_>, request: &proto::RefreshUserTokenRequest) -> Step<Response> {
        let id = cx.take(identifier(request.user_id.as_deref(), request.user_id_type));
        self.settle(cx)?;
        let user = &self.users[self.owner(&id.unwrap()).ok_or_else(Refused::no_user)?].dto;
        if user.status() != UserStatus::Activated || user.blocked() {
            return stop(Refused::new(Code::FailedPrecondition, "USER_NOT_ACTIVE"));
        }
        let (token, iat) = (user.user_id().to_owned(), self.now.seconds);
        Ok(Response::RefreshUserToken(proto::RefreshUserTokenResponse { token, iat, exp: iat + 3_600 }))
    }

    fn find_user(&self, cx: &mut Cx<'_>, request: &proto::FindUserRequest) -> Step<Response> {
        let code = request.phone_country_code.as_deref();
        if code.is_some() && !matches!(request.by, Some(By::Phone(_))) {
            cx.fault("phone_country_code");
        }
        let id = match &request.by {
            Some(By::Username(name)) => or_fault(plain(&pools::username(name)).map(Id::Username), "username"),
            Some(By::Email(email)) => or_fault(pools::email(email).map(|(_, key)| Id::Email(key)), "email"),
            Some(By::Phone(phone)) => lookup_phone(phone, code),
            None => or_fault(None, "username"),
        };
        let id = cx.take(id);
        let user = self.one(cx, id.as_ref(), &view!(request))?;
        Ok(Response::FindUser(proto::FindUserResponse { user: Some(user) }))
    }

    fn batch_get(&self, cx: &mut Cx<'_>, request: &proto::BatchGetUsersRequest) -> Step<Response> {
        if request.users.is_empty() {
            cx.fault("users");
        }
        self.settle(cx)?;
        let one = |item: &proto::BatchGetUsersItem| {
            let id = identifier(item.user_id.as_deref(), item.user_id_type).map_err(Refused::invalid)?;
            let user_id = self.owner(&id).ok_or_else(Refused::no_user)?;
            Ok(self.shown(&self.users[user_id], &view!(request)))
        };
        let result = |item| match one(item) {
            Ok(user) => proto::BatchGetUsersResult { user: Some(user), error: None },
            Err::<_, Refused>(refused) => proto::BatchGetUsersResult { user: None, error: Some(refused.status()) },
        };
        Ok(Response::BatchGetUsers(proto::BatchGetUsersResponse { results: request.users.iter().map(result).collect() }))
    }

    fn list(
        &mut self,
        cx: &mut Cx<'_>,
        asked: &super::pages::Asked,
        view: &View,
        fits: impl Fn(&User) -> bool,
    ) -> Step<Page<UserDto>> {
        let start = self.start(cx, asked)?;
        let place = |user: &User| (user.dto.created_at.unwrap().micros(), user.dto.user_id().to_owned());
        let fitting = self.users.values().filter(|user| fits(user));
        let all = fitting.map(|user| (place(user), self.shown(user, view))).collect();
        Ok(self.page(cx, asked, start, Order::Down, all))
    }

    fn search(&mut self, cx: &mut Cx<'_>, request: &proto::SearchUsersRequest) -> Step<Response> {
        let words: Vec<_> = request.query().split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            cx.fault("query");
        }
        for (index, _) in request.fields.iter().enumerate().filter(|(_, field)| !searched().contains(&field.as_str())) {
            cx.fault(&format!("fields[{index}]"));
        }
        let question = format!("{:?} {:?}", request.query().split_whitespace().collect::<Vec<_>>(), request.fields);
        let fields = request.fields.clone();
        let fits = move |user: &User| {
            let texts = texts(user, &fields);
            words.iter().all(|word| texts.iter().any(|text| text.to_lowercase().contains(word)))
        };
        let page = self.list(cx, &asked!(request, question), &view!(request), fits)?;
        Ok(listed!(SearchUsers SearchUsersResponse { users: page }))
    }

    fn exists(&self, check: &proto::UserExistsRequest) -> Result<proto::UserExistsResult, Vec<String>> {
        let code = check.phone_country_code.as_deref();
        let username = |name: &String| or_fault(plain(&pools::username(name)).map(Id::Username), "username");
        let email = |email: &String| or_fault(pools::email(email).map(|(_, key)| Id::Email(key)), "email");
        let external_id = |id: &String| or_fault(plain(id).map(Id::External), "external_id");
        let read = [
            (UserIdType::Username, check.username.as_ref().map(username)),
            (UserIdType::Email, check.email.as_ref().map(email)),
            (UserIdType::Phone, check.phone.as_ref().map(|phone| lookup_phone(phone, code))),
            (UserIdType::ExternalId, check.external_id.as_ref().map(external_id)),
        ];
        let (mut faults, mut named) = (Vec::new(), Vec::new());
        for (kind, id) in read {
            match id {
                Some(Ok(id)) => named.push((kind, id)),
                Some(Err(fields)) => faults.extend(fields),
                None => {}
            }
        }
        let none = named.is_empty() && faults.is_empty();
        if code.is_some() && check.phone.is_none() {
            faults.push("phone_country_code".to_owned());
        }
        if none {
            faults.push("username".to_owned());
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let taken: Vec<_> = named.iter().filter_map(|(kind, id)| Some((*kind, self.owner(id)?))).collect();
        let matches = taken.iter().map(|(kind, _)| UserExistsMatch { r#type: (*kind).into() }).collect();
        let same_user = taken.first().map(|(_, first)| taken.iter().all(|(_, owner)| owner == first));
        Ok(proto::UserExistsResult { exists: !taken.is_empty(), matches, same_user, error: None })
    }

    fn user_exists(&self, cx: &mut Cx<'_>, request: &proto::UserExistsRequest) -> Step<Response> {
        let found = cx.take(self.exists(request));
        self.settle(cx)?;
        let proto::UserExistsResult { exists, matches, same_user, .. } = found.unwrap();
        Ok(Response::UserExists(proto::UserExistsResponse { exists, matches, same_user }))
    }

    fn batch_user_exists(&self, cx: &mut Cx<'_>, request: &proto::BatchUserExistsRequest) -> Step<Response> {
        if request.checks.is_empty() {
            cx.fault("checks");
        }
        self.settle(cx)?;
        let error = |fields| Some(Refused::invalid(fields).status());
        let result = |check| {
            let failed = |fields| proto::UserExistsResult { error: error(fields), ..Default::default() };
            self.exists(check).unwrap_or_else(failed)
        };
        Ok(Response::BatchUserExists(proto::BatchUserExistsResponse { results: request.checks.iter().map(result).collect() }))
    }

    fn check_user(&self, cx: &mut Cx<'_>, request: &proto::CheckUserRequest) -> Step<Response> {
        use proto::CheckUserCode::{EmailExists, PhoneNumberExists, UserNotFound};
        let (id, field, found) = match (&request.email, &request.phone_number) {
            (Some(email), _) => {
                let id = pools::email(email).map(|(_, key)| Id::Email(key));
                (id, "email", (EmailExists, "Email already exists"))
            }
            (None, Some(phone)) => {
                let id = pools::phone(phone, None).ok().map(|phone| Id::Phone(phone.key()));
                (id, "phone_number", (PhoneNumberExists, "Phone number already exists"))
            }
            (None, None) => (None, "email", (UserNotFound, "")),
        };
        let id = cx.take(id.ok_or_else(|| vec![field.to_owned()]));
        self.settle(cx)?;
        let owner = self.owner(&id.unwrap());
        let (code, message) = if owner.is_some() { found } else { (UserNotFound, "User does not exist") };
        let created_at = owner.and_then(|user_id| self.users[user_id].dto.created_at);
        let (exists, code, message) = (owner.is_some(), code.into(), message.to_owned());
        let exists_in_current_organization = exists.then_some(false);
        let answer = proto::CheckUserResponse { exists, code, message, created_at, exists_in_current_organization };
        Ok(Response::CheckUser(answer))
    }

    fn availability(&self, cx: &mut Cx<'_>, request: &proto::CheckUsernameAvailabilityRequest) -> Step<Response> {
        use proto::UsernameUnavailableReason::{Invalid, Taken};
        if request.username.is_none() {
            cx.fault("username");
        }
        self.settle(cx)?;
        let name = request.username();
        let taken = self.owner(&Id::Username(pools::username(name))).is_some();
        let reason = if pools::is_storable(name) { taken.then_some(Taken) } else { Some(Invalid) };
        let (available, reason) = (reason.is_none(), reason.map(Into::into));
        Ok(Response::CheckUsernameAvailability(proto::CheckUsernameAvailabilityResponse { available, reason }))
    }

    fn delete_user(&mut self, cx: &mut Cx<'_>, request: &proto::DeleteUserRequest) -> Step<Response> {
        let id = cx.take(identifier(request.user_id.as_deref(), request.user_id_type));
        self.settle(cx)?;
        let user_id = self.owner(&id.unwrap()).ok_or_else(Refused::no_user)?.clone();
        self.check_etag(request.etag.as_deref(), self.users[&user_id].dto.etag())?;
        self.remove_user(&user_id);
        Ok(Response::DeleteUser(proto::DeleteUserResponse {}))
    }

    fn batch_delete(&mut self, cx: &mut Cx<'_>, request: &proto::BatchDeleteUsersRequest) -> Step<Response> {
        let ids = self.targets(cx, &request.user_ids, request.user_id_type)?;
        let mut results = Vec::new();
        for (sent, id) in request.user_ids.iter().zip(ids) {
            let owner = id.and_then(|id| self.owner(&id).cloned().ok_or_else(Refused::no_user));
            if let Ok(user_id) = &owner {
                self.remove_user(user_id);
            }
            results.push(proto::UserResult { user_id: sent.clone(), error: owner.err().map(|refused| refused.status()) });
        }
        Ok(Response::BatchDeleteUsers(proto::BatchDeleteUsersResponse { results }))
    }

    /// The users of a batch of ids of one type, once the call is settled.
    pub(super) fn targets(&self, cx: &mut Cx<'_>, ids: &[String], kind: i32) -> Step<Vec<Result<Id, Refused>>> {
        if ids.is_empty() {
            cx.fault("user_ids");
        }
        if UserIdType::try_from(kind).is_err() {
            cx.fault("user_id_type");
        }
        self.settle(cx)?;
        Ok(ids.iter().map(|id| identifier(Some(id), kind).map_err(Refused::invalid)).collect())
    }

    pub(super) fn check_etag(&self, sent: Option<&str>, stored: &str) -> Step<()> {
        let ignored = self.bent == Some(super::state::Bent::EtagsIgnored);
        if ignored || sent.is_none_or(|sent| sent == stored) {
            return Ok(());
        }
        stop(Refused::new(Code::Aborted, "ETAG_MISMATCH"))
    }
}

/// An identifier to look for, or the fields that are wrong.
type Read = Result<Id, Vec<String>>;

/// A phone to look for.
fn lookup_phone(phone: &str, code: Option<&str>) -> Read {
    let mut faults = Vec::new();
    if !pools::looks_like_phone(phone) {
        faults.push("phone".to_owned());
    }
    let code = code.map(pools::calling_code);
    if code == Some(None) {
        faults.push("phone_country_code".to_owned());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    pools::phone(phone, code.flatten().as_deref()).map(|phone| Id::Phone(phone.key())).map_err(|wrong| match wrong {
        Wrong::Phone => vec!["phone".to_owned()],
        Wrong::Code => vec!["phone_country_code".to_owned()],
    })
}

fn or_fault(id: Option<Id>, field: &str) -> Read {
    id.ok_or_else(|| vec![field.to_owned()])
}

fn searched() -> &'static [&'static str] {
    &pools::SEARCHED[..pools::SEARCHABLE]
}

/// The texts of the user that are searched: those of these fields, or of all eleven.
fn texts(user: &User, fields: &[String]) -> Vec<String> {
    let dto = &user.dto;
    let asked = |name: &str| fields.is_empty() || fields.iter().any(|field| field == name);
    let text = |name: &str| match name {
        "username" => dto.username.clone(),
        "nickname" => dto.nickname.clone(),
        "email" => dto.email.clone(),
        "phone" => dto.phone.clone(),
        "company" => dto.company.clone(),
        "name" => dto.name.clone(),
        "given_name" => dto.given_name.clone(),
        "family_name" => dto.family_name.clone(),
        "middle_name" => dto.middle_name.clone(),
        "profile" => dto.profile.clone(),
        _ => dto.preferred_username.clone(),
    };
    let mut texts: Vec<_> = searched().iter().filter(|name| asked(name)).filter_map(|name| text(name)).collect();
    texts.extend(user.phone().filter(|_| asked("phone")).map(|phone| phone.key()));
    texts
}

/// Members of objects under dotted keys; lists and empty objects stay values.
fn flatten(data: &BTreeMap<String, Value>, prefix: &str, flat: &mut BTreeMap<String, Value>) {
    for (key, value) in data {
        match &value.kind {
            Some(Json::StructValue(inner)) if !inner.fields.is_empty() => {
                flatten(&inner.fields, &format!("{prefix}{key}."), flat);
            }
            _ => drop(flat.insert(format!("{prefix}{key}"), value.clone())),
        }
    }
}
