//! What a call is answered with, in a form in which the server's answer and the model's can be compared as a whole.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use prost::Message;
use roster::proto;
use tonic::Code;
use tonic_types::pb;
use uuid::Uuid;

use super::rpcs::{Call, Response};
use crate::harness::Refusal;
use crate::wire::Answer;

/// More violations than this are counted and not all told.
const TOLD: usize = 20;

/// A refusal, as far as callers may rely on it: words are not a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refused {
    pub(super) code: Code,
    pub(super) reason: String,
    pub(super) metadata: BTreeMap<String, String>,
    /// The fields of the violations, in their order by name.
    pub(super) fields: Vec<String>,
}

impl Refused {
    pub(super) fn new(code: Code, reason: &str) -> Self {
        Self { code, reason: reason.to_owned(), metadata: BTreeMap::new(), fields: Vec::new() }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }

    /// A request with violations of these fields.
    pub(super) fn invalid(mut fields: Vec<String>) -> Self {
        let count = fields.len();
        fields.sort_unstable();
        if count >= TOLD {
            fields.clear();
        }
        let refused = Self::new(Code::InvalidArgument, "INVALID_FIELD").with("violations", count.to_string());
        Self { fields, ..refused }
    }

    /// Identifiers that are taken.
    pub(super) fn taken(reasons: &[&str]) -> Self {
        Self::new(Code::AlreadyExists, reasons[0]).with("conflicts", reasons.join(","))
    }

    pub(super) fn no_user() -> Self {
        Self::new(Code::NotFound, "USER_NOT_FOUND")
    }

    /// As it stands in a row of a batch.
    pub(super) fn status(&self) -> pb::Status {
        let message = format!("{} {:?} {:?}", self.reason, self.metadata, self.fields);
        pb::Status { code: self.code.into(), message, details: Vec::new() }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let mut fields: Vec<_> = refusal.violations.into_iter().map(|(field, _)| field).collect();
        fields.sort_unstable();
        if fields.len() >= TOLD {
            fields.clear();
        }
        let metadata = refusal.metadata.into_iter().collect();
        Self { code: refusal.code, reason: refusal.reason, metadata, fields }
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) answer: Result<Response, Refused>,
    pub(super) replayed: bool,
}

impl Outcome {
    /// That of an answer of the server.
    pub(super) fn of(call: &Call, answer: &Answer) -> Self {
        let replayed = answer.headers.get("x-roster-replayed").is_some_and(|value| value == "true");
        let answer = match answer.status.code() {
            Code::Ok => Ok(call.request.read(answer)),
            _ => Err(answer.refusal().into()),
        };
        Self { answer, replayed }
    }
}

/// Takes off an answer what no model can foresee and nobody may rely on.
pub(super) trait Canonical {
    fn canonical(&mut self) {}
}

fn plain(error: &mut Option<pb::Status>) {
    if let Some(status) = error {
        let details = status.encode_to_vec().into();
        let told = tonic::Status::with_details(Code::from(status.code), status.message.clone(), details);
        *status = Refused::from(Refusal::from(told)).status();
    }
}

/// When a key was last used is told some seconds late.
fn unused(api_key: &mut Option<proto::ApiKeyDto>) {
    if let Some(api_key) = api_key {
        assert!(api_key.last_used_at.is_none_or(|at| api_key.created_at.is_some_and(|made| made <= at)), "{api_key:?}");
        api_key.last_used_at = None;
    }
}

macro_rules! canonical {
    (as they are: $($whole:ident)* ; rows: $($batch:ident)* ; keys: $($key:ident)*) => {
        $(impl Canonical for proto::$whole {})*
        $(impl Canonical for proto::$batch {
            fn canonical(&mut self) {
                self.results.iter_mut().for_each(|result| plain(&mut result.error));
            }
        })*
        $(impl Canonical for proto::$key {
            fn canonical(&mut self) {
                unused(&mut self.api_key);
            }
        })*
    };
}

canonical! {
    as they are: UserExistsResponse CheckUserResponse CheckUsernameAvailabilityResponse GetUserResponse FindUserResponse
        ListUsersResponse SearchUsersResponse CreateUserResponse UpdateUserResponse DeleteUserResponse ListUserGroupsResponse
        AddUserToGroupResponse RemoveUserFromGroupResponse ListUserRolesResponse AddUserRolesResponse RemoveUserRolesResponse
        CreateGroupResponse GetGroupResponse UpdateGroupResponse DeleteGroupResponse ListGroupsResponse
        ListGroupMembersResponse CreateRoleResponse GetRoleResponse UpdateRoleResponse DeleteRoleResponse ListRolesResponse
        ListRoleMembersResponse HasAnyRoleResponse GetLimitsResponse GetVersionResponse;
    rows: BatchUserExistsResponse BatchGetUsersResponse BatchCreateUsersResponse BatchDeleteUsersResponse
        AddGroupMembersResponse RemoveGroupMembersResponse AddRoleMembersResponse RemoveRoleMembersResponse;
    keys: CreateApiKeyResponse UpdateApiKeyResponse GetApiKeyResponse GetCallerApiKeyResponse RotateApiKeyResponse
        RevokeApiKeyResponse
}

/// Of a token, whose it is.
impl Canonical for proto::RefreshUserTokenResponse {
    fn canonical(&mut self) {
        let claims = BASE64_URL_SAFE_NO_PAD.decode(self.token.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        self.token = claims["sub"].as_str().unwrap().to_owned();
    }
}

impl Canonical for proto::ListApiKeysResponse {
    fn canonical(&mut self) {
        for api_key in &mut self.api_keys {
            let mut shown = Some(std::mem::take(api_key));
            unused(&mut shown);
            *api_key = shown.unwrap();
        }
    }
}

/// The values that the server makes up, each of them good for once.
#[derive(Default)]
pub(super) struct Made {
    /// The ids and etags of an answer by the place of what they belong to.
    rows: Vec<(Option<String>, Option<String>)>,
    secret: String,
    token: String,
}

impl Made {
    /// Those of an answer.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let mut made = Self::default();
        let Ok(response) = &outcome.answer else { return made };
        macro_rules! row {
            ($resource:expr, $id:ident) => {
                made.rows.extend($resource.iter().map(|made| (made.$id.clone(), made.etag.clone())))
            };
        }
        match response {
            Response::CreateUser(response) => row!(response.user, user_id),
            Response::UpdateUser(response) => row!(response.user, user_id),
            Response::BatchCreateUsers(response) => row!(response.results, user_id),
            Response::CreateGroup(response) => row!(response.group, code),
            Response::UpdateGroup(response) => row!(response.group, code),
            Response::CreateRole(response) => row!(response.role, code),
            Response::UpdateRole(response) => row!(response.role, code),
            Response::CreateApiKey(response) => {
                made.secret.clone_from(&response.secret);
                made.rows.extend(response.api_key.iter().map(|key| (key.api_key_id.clone(), None)));
            }
            Response::RotateApiKey(response) => made.secret.clone_from(&response.secret),
            _ => made.token = token(response).unwrap_or_default().to_owned(),
        }
        made
    }
}

fn token(response: &Response) -> Option<&str> {
    macro_rules! lists {
        ($($list:ident)*) => {
            match response {
                $(Response::$list(response) => Some(&response.next_page_token),)*
                _ => None,
            }
        };
    }
    lists!(ListUsers SearchUsers ListUserGroups ListUserRoles ListGroups ListGroupMembers ListRoles ListRoleMembers ListApiKeys)
}

/// All that was ever made up: nothing comes twice.
#[derive(Default)]
pub(super) struct Seen {
    values: BTreeSet<String>,
    /// The etags in their order.
    etags: Vec<String>,
    missing: usize,
}

impl Seen {
    pub(super) fn id(&mut self, made: &Made, place: usize) -> String {
        let id = made.rows.get(place).and_then(|(id, _)| id.clone()).unwrap_or_default();
        let good = Uuid::parse_str(&id).is_ok_and(|uuid| uuid.get_version_num() == 7 && uuid.to_string() == id);
        self.first(id, good)
    }

    pub(super) fn etag(&mut self, made: &Made, place: usize) -> String {
        let etag = self.first(made.rows.get(place).and_then(|(_, etag)| etag.clone()).unwrap_or_default(), true);
        self.etags.push(etag.clone());
        etag
    }

    pub(super) fn secret(&mut self, made: &Made) -> String {
        self.first(made.secret.clone(), made.secret.starts_with("rk_"))
    }

    pub(super) fn token(&mut self, made: &Made) -> String {
        self.first(made.token.clone(), true)
    }

    /// The value, or one that stands for what should have been a new one: no two are equal.
    fn first(&mut self, value: String, good: bool) -> String {
        if good && !value.is_empty() && self.values.insert(value.clone()) {
            return value;
        }
        self.missing += 1;
        format!("not {value:?} but a new one, {}", self.missing)
    }

    /// One of all etags, most of them stale.
    pub(super) fn any_etag(&self, number: usize) -> Option<&String> {
        self.etags.get(number % self.etags.len().max(1))
    }
}
