//! Requests of every RPC, drawn.

use prost_types::{Duration, FieldMask};
use roster::proto::find_user_request::By;
use roster::proto::{self, GroupDto};

use super::draw::Draw;
use super::pools;
use super::rpcs::Request;
use super::sets::role;
use super::state::Kind;

/// A way to draw a request.
type Way = fn(&mut Draw<'_>) -> Request;

/// How often each kind of request is drawn.
const WEIGHTS: &[(usize, Way)] = &[
    (14, |draw| draw.create_user()),
    (6, |draw| draw.batch_create_users()),
    (16, |draw| draw.update_user()),
    (5, |draw| draw.delete_user()),
    (2, |draw| draw.batch_delete_users()),
    (5, |draw| draw.get_user()),
    (3, |draw| draw.find_user()),
    (4, |draw| draw.batch_get_users()),
    (6, |draw| draw.existence()),
    (5, |draw| draw.list_users()),
    (5, |draw| draw.search_users()),
    (9, |draw| draw.write_set()),
    (2, |draw| draw.delete_set()),
    (5, |draw| draw.read_set()),
    (11, |draw| draw.change_members()),
    (7, |draw| draw.lists_of_user()),
    (3, |draw| draw.refresh_user_token()),
    (3, |draw| draw.has_any_role()),
    (7, |draw| draw.write_key()),
    (5, |draw| draw.read_key()),
    (1, |draw| draw.meta()),
];

/// A request of a list with its page.
macro_rules! paged {
    ($draw:ident, $request:ident { $($field:ident: $value:expr),* }) => {{
        let (page, limit, count) = $draw.page();
        proto::$request { page, limit, count, $($field: $value,)* ..Default::default() }
    }};
}

/// A request whose answer shows users.
macro_rules! showing {
    ($draw:ident, $request:expr) => {{
        let mut request = $request;
        request.with_custom_data = $draw.chance.percent(40);
        request.flat_custom_data = $draw.chance.percent(20);
        request.with_groups = $draw.chance.percent(35);
        request.with_roles = $draw.chance.percent(35);
        request
    }};
}

impl Draw<'_> {
    pub(super) fn request(&mut self) -> Request {
        let all: usize = WEIGHTS.iter().map(|(weight, _)| weight).sum();
        let mut left = self.chance.below(all);
        for (weight, draw) in WEIGHTS {
            if left < *weight {
                return draw(self);
            }
            left -= weight;
        }
        unreachable!("the weights end here")
    }

    fn get_user(&mut self) -> Request {
        let (user_id, user_id_type) = self.user_id();
        Request::GetUser(showing!(self, proto::GetUserRequest { user_id, user_id_type, ..Default::default() }))
    }

    fn find_user(&mut self) -> Request {
        let mut drawn = (0..4).map(|_| self.user_id());
        let (id, kind) = drawn.find(|(_, kind)| [2, 3, 4].contains(kind)).unwrap_or_default();
        let by = id.map(|id| match kind {
            2 => By::Phone(id),
            3 => By::Email(id),
            _ => By::Username(id),
        });
        let phone_country_code = self.phone_country_code(if matches!(by, Some(By::Phone(_))) { 40 } else { 3 });
        Request::FindUser(showing!(self, proto::FindUserRequest { by, phone_country_code, ..Default::default() }))
    }

    fn phone_country_code(&mut self, percent: usize) -> Option<String> {
        self.chance.percent(percent).then(|| (*self.chance.mostly(pools::CALLING_CODES, 6)).to_owned())
    }

    fn batch_get_users(&mut self) -> Request {
        let item = |(user_id, user_id_type)| proto::BatchGetUsersItem { user_id, user_id_type };
        let users = (0..self.chance.below(5)).map(|_| item(self.user_id())).collect();
        Request::BatchGetUsers(showing!(self, proto::BatchGetUsersRequest { users, ..Default::default() }))
    }

    fn check(&mut self) -> proto::UserExistsRequest {
        let phone = self.chance.percent(40).then(|| (*self.chance.one(pools::PHONES)).to_owned());
        let phone_country_code = self.phone_country_code(if phone.is_some() { 40 } else { 4 });
        proto::UserExistsRequest {
            username: self.chance.percent(40).then(|| (*self.chance.one(pools::USERNAMES)).to_owned()),
            email: self.chance.percent(40).then(|| self.chance.mostly(pools::EMAILS, 12).0.to_owned()),
            external_id: self.chance.percent(30).then(|| (*self.chance.one(pools::EXTERNAL_IDS)).to_owned()),
            phone,
            phone_country_code,
        }
    }

    fn existence(&mut self) -> Request {
        match self.chance.below(4) {
            0 => Request::UserExists(self.check()),
            1 => {
                let checks = (0..self.chance.below(4)).map(|_| self.check()).collect();
                Request::BatchUserExists(proto::BatchUserExistsRequest { checks })
            }
            2 => {
                let mut check = self.check();
                check.email =
                    check.email.or_else(|| Some(self.chance.one(pools::EMAILS).0.to_owned()).filter(|_| check.phone.is_none()));
                Request::CheckUser(proto::CheckUserRequest { email: check.email, phone_number: check.phone })
            }
            _ => {
                let username = (!self.chance.percent(5)).then(|| (*self.chance.one(pools::USERNAMES)).to_owned());
                Request::CheckUsernameAvailability(proto::CheckUsernameAvailabilityRequest { username })
            }
        }
    }

    fn list_users(&mut self) -> Request {
        Request::ListUsers(showing!(self, paged!(self, ListUsersRequest {})))
    }

    fn search_users(&mut self) -> Request {
        let query = Some((*self.chance.mostly(pools::QUERIES, pools::QUERIES.len() - 2)).to_owned());
        let query = query.filter(|_| !self.chance.percent(2));
        let count = if self.chance.percent(60) { 0 } else { 1 + self.chance.below(3) };
        let fields = (0..count).map(|_| (*self.chance.mostly(pools::SEARCHED, pools::SEARCHABLE)).to_owned()).collect();
        Request::SearchUsers(showing!(self, paged!(self, SearchUsersRequest { query: query, fields: fields })))
    }

    fn delete_user(&mut self) -> Request {
        let (user_id, user_id_type) = self.user_id();
        let etag = self.etag_of_user(user_id.as_deref());
        Request::DeleteUser(proto::DeleteUserRequest { user_id, user_id_type, etag })
    }

    fn refresh_user_token(&mut self) -> Request {
        let (user_id, user_id_type) = self.user_id();
        Request::RefreshUserToken(proto::RefreshUserTokenRequest { user_id, user_id_type })
    }

    fn batch_delete_users(&mut self) -> Request {
        let (user_ids, user_id_type) = self.user_ids();
        Request::BatchDeleteUsers(proto::BatchDeleteUsersRequest { user_ids, user_id_type })
    }

    fn set(&mut self) -> GroupDto {
        let text = |number: usize| format!("text {number}");
        GroupDto {
            code: self.chance.percent(70).then(|| self.code()).flatten(),
            name: self
                .chance
                .percent(40)
                .then(|| if self.chance.percent(95) { text(self.chance.below(3)) } else { "\0".to_owned() }),
            description: self.chance.percent(30).then(|| text(self.chance.below(3))),
            etag: self.chance.percent(4).then(|| "sent".to_owned()),
            created_at: None,
            updated_at: self.chance.percent(2).then(|| self.time()),
            ..Default::default()
        }
    }

    fn kind(&mut self) -> Kind {
        if self.chance.percent(50) { Kind::Group } else { Kind::Role }
    }

    fn etag_of_set(&mut self, kind: Kind, code: Option<&str>) -> Option<String> {
        let set = self.world.sets[kind as usize].iter().find(|set| set.dto.code.as_deref() == code);
        self.etag(set.and_then(|set| set.dto.etag.clone()))
    }

    fn write_set(&mut self) -> Request {
        let (kind, sent) = (self.kind(), self.set());
        let given = !self.chance.percent(4);
        if self.chance.percent(55) {
            let sent = GroupDto { code: self.code(), ..sent };
            return match kind {
                Kind::Group => Request::CreateGroup(proto::CreateGroupRequest { group: given.then_some(sent) }),
                Kind::Role => Request::CreateRole(proto::CreateRoleRequest { role: given.then(|| role(sent)) }),
            };
        }
        let code = self.code_of(kind);
        let etag = self.etag_of_set(kind, code.as_deref());
        let paths = ["code", "name", "description", "etag", "created_at", "nope", "*"];
        let update_mask = self.chance.percent(50).then(|| FieldMask {
            paths: (0..self.chance.below(4)).map(|_| (*self.chance.mostly(&paths, 3)).to_owned()).collect(),
        });
        match kind {
            Kind::Group => Request::UpdateGroup(proto::UpdateGroupRequest {
                code,
                group: given.then_some(sent),
                update_mask,
                etag,
                ..Default::default()
            }),
            Kind::Role => Request::UpdateRole(proto::UpdateRoleRequest {
                code,
                role: given.then(|| role(sent)),
                update_mask,
                etag,
                ..Default::default()
            }),
        }
    }

    fn delete_set(&mut self) -> Request {
        let kind = self.kind();
        let code = self.code_of(kind);
        let etag = self.etag_of_set(kind, code.as_deref());
        match kind {
            Kind::Group => Request::DeleteGroup(proto::DeleteGroupRequest { code, etag, ..Default::default() }),
            Kind::Role => Request::DeleteRole(proto::DeleteRoleRequest { code, etag, ..Default::default() }),
        }
    }

    fn read_set(&mut self) -> Request {
        let kind = self.kind();
        let code = self.code_of(kind);
        match (kind, self.chance.below(3)) {
            (Kind::Group, 0) => Request::GetGroup(proto::GetGroupRequest { code, ..Default::default() }),
            (Kind::Role, 0) => Request::GetRole(proto::GetRoleRequest { code, ..Default::default() }),
            (Kind::Group, 1) => Request::ListGroups(paged!(self, ListGroupsRequest {})),
            (Kind::Role, 1) => Request::ListRoles(paged!(self, ListRolesRequest {})),
            (Kind::Group, _) => Request::ListGroupMembers(showing!(self, paged!(self, ListGroupMembersRequest { code: code }))),
            (Kind::Role, _) => Request::ListRoleMembers(showing!(self, paged!(self, ListRoleMembersRequest { code: code }))),
        }
    }

    fn role_codes(&mut self) -> Vec<String> {
        let count = if self.chance.percent(4) { 0 } else { 1 + self.chance.below(3) };
        (0..count).filter_map(|_| self.code_of(Kind::Role)).collect()
    }

    fn change_members(&mut self) -> Request {
        let (user_id, user_id_type) = self.user_id();
        let (many, kind) = self.user_ids();
        let role_codes = self.role_codes();
        let way = self.chance.below(10);
        let code = self.code_of(if [3, 4, 5].contains(&way) { Kind::Role } else { Kind::Group });
        match way {
            0 | 1 => Request::AddGroupMembers(proto::AddGroupMembersRequest {
                code,
                user_ids: many,
                user_id_type: kind,
                ..Default::default()
            }),
            2 => Request::RemoveGroupMembers(proto::RemoveGroupMembersRequest {
                code,
                user_ids: many,
                user_id_type: kind,
                ..Default::default()
            }),
            3 | 4 => Request::AddRoleMembers(proto::AddRoleMembersRequest {
                code,
                user_ids: many,
                user_id_type: kind,
                ..Default::default()
            }),
            5 => Request::RemoveRoleMembers(proto::RemoveRoleMembersRequest {
                code,
                user_ids: many,
                user_id_type: kind,
                ..Default::default()
            }),
            6 => Request::AddUserToGroup(proto::AddUserToGroupRequest {
                user_id,
                user_id_type,
                group_code: code,
                ..Default::default()
            }),
            7 => Request::RemoveUserFromGroup(proto::RemoveUserFromGroupRequest {
                user_id,
                user_id_type,
                group_code: code,
                ..Default::default()
            }),
            8 => Request::AddUserRoles(proto::AddUserRolesRequest { user_id, user_id_type, role_codes, ..Default::default() }),
            _ => Request::RemoveUserRoles(proto::RemoveUserRolesRequest {
                user_id,
                user_id_type,
                role_codes,
                ..Default::default()
            }),
        }
    }

    fn lists_of_user(&mut self) -> Request {
        let (user_id, user_id_type) = self.user_id();
        match self.kind() {
            Kind::Group => {
                Request::ListUserGroups(paged!(self, ListUserGroupsRequest { user_id: user_id, user_id_type: user_id_type }))
            }
            Kind::Role => {
                Request::ListUserRoles(paged!(self, ListUserRolesRequest { user_id: user_id, user_id_type: user_id_type }))
            }
        }
    }

    fn has_any_role(&mut self) -> Request {
        let (user_id, user_id_type) = self.user_id();
        Request::HasAnyRole(proto::HasAnyRoleRequest {
            user_id,
            user_id_type,
            role_codes: self.role_codes(),
            ..Default::default()
        })
    }

    fn api_key(&mut self) -> proto::ApiKeyDto {
        let scopes = *self.chance.mostly(pools::SCOPES, 7);
        proto::ApiKeyDto {
            name: self.chance.percent(60).then(|| (*self.chance.mostly(&["a", "b", "", "\0"], 3)).to_owned()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            expires_at: self.chance.percent(30).then(|| self.time()),
            created_by: self.chance.percent(3).then(|| "me".to_owned()),
            ..proto::ApiKeyDto::default()
        }
    }

    fn write_key(&mut self) -> Request {
        match self.chance.below(10) {
            0..4 => {
                let api_key = (!self.chance.percent(4)).then(|| self.api_key());
                Request::CreateApiKey(proto::CreateApiKeyRequest { api_key })
            }
            4..6 => {
                let mut api_key = self.api_key();
                if !self.chance.percent(10) {
                    api_key.scopes.clear();
                }
                let paths = ["name", "expires_at", "scopes", "created_by", "nope"];
                let update_mask = self.chance.percent(50).then(|| FieldMask {
                    paths: (0..self.chance.below(3)).map(|_| (*self.chance.mostly(&paths, 2)).to_owned()).collect(),
                });
                let (api_key_id, api_key) = (self.spare_key_id(), Some(api_key));
                Request::UpdateApiKey(proto::UpdateApiKeyRequest { api_key_id, api_key, update_mask })
            }
            6..8 => {
                let seconds = *self.chance.mostly(&[0, 60, 86_400, 604_800, 604_801, -1], 4);
                let overlap = self.chance.percent(70).then_some(Duration { seconds, nanos: 0 });
                Request::RotateApiKey(proto::RotateApiKeyRequest { api_key_id: self.key_id(), overlap })
            }
            _ => {
                let with_descendants = self.chance.percent(50);
                let api_key_id = self.spare_key_id();
                Request::RevokeApiKey(proto::RevokeApiKeyRequest { api_key_id, with_descendants })
            }
        }
    }

    fn read_key(&mut self) -> Request {
        match self.chance.below(3) {
            0 => Request::GetApiKey(proto::GetApiKeyRequest { api_key_id: self.key_id() }),
            1 => Request::GetCallerApiKey(proto::GetCallerApiKeyRequest {}),
            _ => Request::ListApiKeys(paged!(self, ListApiKeysRequest {})),
        }
    }

    fn meta(&mut self) -> Request {
        if self.chance.percent(50) {
            Request::GetLimits(proto::GetLimitsRequest {})
        } else {
            Request::GetVersion(proto::GetVersionRequest {})
        }
    }
}
