//! What every RPC answers about whose things under whose keys, in one table. A row names the RPC, the scopes that it needs (contract
//! §5), and its request in protobuf's text format; then, for each kind of thing that the request names, what becomes of it.
//!
//! In a request `{user}` and `{users}` are an id of a user with its type, `{level}` is the organization that the request names or
//! nothing, `{token}` is a token of a user (of one who is not there: of one who was), and the other placeholders are names. An
//! identity's tokens are asked for on behalf of its user. Behind the first request stand others to the same effect.
//!
//! Under a key that is bound to an organization a result stands for each of: what is the organization's own (a user whom it owns),
//! a member whom it does not own, what is another's or the pool's, and what is not there. The last is left out where it is the same
//! as the one before, as it must be: only what tells of the whole pool has four. Under a key of the whole pool a result stands for:
//! what is there, what is not, and, where it differs, what is elsewhere: a user who is no member of the organization that the
//! request names, or what has an id of its own and stands at another level.
//!
//! A result is `ok`; `yes` or `no`, as the answer's one flag says; `listed` or `unlisted`, as the thing is in the answer or not; a
//! reason, with which the call is refused; or `row:` and the reason of the item's error. `-` stands where there is no such thing.

use super::names::Noun::{self, ApiKey, Department, Group, Identity, Nothing, Organization, Post, Role, User};

/// What is known of an RPC.
pub(super) struct Row {
    pub(super) rpc: &'static str,
    /// As its option in the proto.
    pub(super) scope: &'static str,
    /// The same, or what it needs as it is called here.
    pub(super) needs: &'static str,
    pub(super) requests: &'static [&'static str],
    pub(super) results: &'static [Results],
}

/// What becomes of the things of a kind.
pub(super) struct Results {
    pub(super) noun: Noun,
    pub(super) bound: &'static str,
    pub(super) pool: &'static str,
}

const fn row(rpc: &'static str, scope: &'static str, requests: &'static [&'static str], results: &'static [Results]) -> Row {
    Row { rpc, scope, needs: scope, requests, results }
}

const fn on(noun: Noun, bound: &'static str, pool: &'static str) -> Results {
    Results { noun, bound, pool }
}

impl Row {
    /// For any key, but not as it is called here.
    const fn needing(self, needs: &'static str) -> Self {
        Self { needs, ..self }
    }
}

const EXISTS: &[Results] = &[on(User, "yes yes yes no", "yes no")];
const READ_USER: &[Results] = &[on(User, "ok ok USER_NOT_FOUND", "ok USER_NOT_FOUND")];
const WRITE_USER: &[Results] = &[on(User, "ok ORGANIZATION_DENIED USER_NOT_FOUND", "ok USER_NOT_FOUND")];
const LISTED_USER: &[Results] = &[on(User, "listed listed unlisted", "listed unlisted unlisted")];
const GROUP: Results = on(Group, "ok - GROUP_NOT_FOUND", "ok GROUP_NOT_FOUND");
const ROLE: Results = on(Role, "ok - ROLE_NOT_FOUND", "ok ROLE_NOT_FOUND");
const ORGANIZATION: Results = on(Organization, "ok - ORGANIZATION_NOT_FOUND", "ok ORGANIZATION_NOT_FOUND");
const DEPARTMENT: Results = on(Department, "ok - DEPARTMENT_NOT_FOUND", "ok DEPARTMENT_NOT_FOUND DEPARTMENT_NOT_FOUND");
const POST: Results = on(Post, "ok - POST_NOT_FOUND", "ok POST_NOT_FOUND POST_NOT_FOUND");
const API_KEY: Results = on(ApiKey, "ok - API_KEY_NOT_FOUND", "ok API_KEY_NOT_FOUND");
const JOINED: Results = on(User, "ok ok USER_NOT_FOUND", "ok USER_NOT_FOUND NOT_A_MEMBER");
const PARTED: Results = on(User, "ok ok USER_NOT_FOUND", "ok USER_NOT_FOUND");
const JOINED_ROW: Results = on(User, "ok ok row:USER_NOT_FOUND", "ok row:USER_NOT_FOUND row:NOT_A_MEMBER");
const PARTED_ROW: Results = on(User, "ok ok row:USER_NOT_FOUND", "ok row:USER_NOT_FOUND");
const ANYWAY: &[Results] = &[on(Nothing, "ok", "ok")];
const POOL_ONLY: Results = on(Nothing, "ORGANIZATION_DENIED", "ok");

/// In the proto's order.
pub(super) const TABLE: &[Row] = &[
    row(
        "UserService.UserExists",
        "users:exists",
        &["username: '{username}'", "email: '{email}'", "phone: '{phone}'", "external_id: '{external_id}'"],
        EXISTS,
    ),
    row("UserService.BatchUserExists", "users:exists", &["checks { username: '{username}' }"], EXISTS),
    row("UserService.CheckUser", "users:exists", &["email: '{email}'", "phone_number: '{phone}'"], EXISTS),
    row(
        "UserService.CheckUsernameAvailability",
        "users:exists",
        &["username: '{username}'"],
        &[on(User, "no no no yes", "no yes")],
    ),
    row("UserService.GetUser", "users:read", &["{user} {level}"], READ_USER),
    row(
        "UserService.BatchGetUsers",
        "users:read",
        &["users { {user} } {level}"],
        &[on(User, "ok ok row:USER_NOT_FOUND", "ok row:USER_NOT_FOUND")],
    ),
    row(
        "UserService.FindUser",
        "users:read",
        &["username: '{username}' {level}", "email: '{email}' {level}", "phone: '{phone}' {level}"],
        READ_USER,
    ),
    row("UserService.ListUsers", "users:read", &["{level}"], LISTED_USER),
    row("UserService.SearchUsers", "users:read", &["query: '{username}' {level}", "query: 'example' {level}"], LISTED_USER),
    row(
        "UserService.CreateUser",
        "users:write",
        &["user { username: '{username}' }", "user { username: 'new' email: '{email}' }"],
        &[on(User, "taken taken taken ok", "taken ok")],
    ),
    row(
        "UserService.BatchCreateUsers",
        "users:write",
        &["users { user { username: '{username}' } }"],
        &[on(User, "row:taken row:taken row:taken ok", "row:taken ok")],
    ),
    row(
        "UserService.UpdateUser",
        "users:write",
        &[
            "{user} user { name: 'changed' }",
            "{user} user { name: 'changed' } update_mask { paths: 'nickname' }",
            "{user}",
            "{user} password: 'changed'",
            "{user} user { token_expired_at { seconds: 1 } }",
        ],
        WRITE_USER,
    ),
    row("UserService.DeleteUser", "users:write", &["{user}"], WRITE_USER),
    row(
        "UserService.BatchDeleteUsers",
        "users:write",
        &["{users}"],
        &[on(User, "ok row:ORGANIZATION_DENIED row:USER_NOT_FOUND", "ok row:USER_NOT_FOUND")],
    ),
    row("UserService.ListUserGroups", "groups:read", &["{user} {level}"], READ_USER),
    row("UserService.AddUserToGroup", "groups:write", &["{user} group_code: '{group}' {level}"], &[JOINED, GROUP]),
    row("UserService.RemoveUserFromGroup", "groups:write", &["{user} group_code: '{group}' {level}"], &[PARTED, GROUP]),
    row("UserService.ListUserRoles", "roles:read", &["{user} {level}"], READ_USER),
    row("UserService.AddUserRoles", "roles:write", &["{user} role_codes: '{role}' {level}"], &[JOINED, ROLE]),
    row("UserService.RemoveUserRoles", "roles:write", &["{user} role_codes: '{role}' {level}"], &[PARTED, ROLE]),
    row("UserService.RefreshUserToken", "users:token", &["{user}"], WRITE_USER),
    row("GroupService.CreateGroup", "groups:write", &["group { code: 'new' {level} }"], ANYWAY),
    row("GroupService.GetGroup", "groups:read", &["code: '{group}' {level}"], &[GROUP]),
    row("GroupService.UpdateGroup", "groups:write", &["code: '{group}' group { name: 'changed' } {level}"], &[GROUP]),
    row("GroupService.DeleteGroup", "groups:write", &["code: '{group}' {level}"], &[GROUP]),
    row("GroupService.ListGroups", "groups:read", &["{level}"], &[on(Group, "listed - unlisted", "listed unlisted")]),
    row("GroupService.ListGroupMembers", "groups:read users:read", &["code: '{group}' {level}"], &[GROUP]),
    row("GroupService.AddGroupMembers", "groups:write", &["code: '{group}' {users} {level}"], &[JOINED_ROW, GROUP]),
    row("GroupService.RemoveGroupMembers", "groups:write", &["code: '{group}' {users} {level}"], &[PARTED_ROW, GROUP]),
    row("RoleService.CreateRole", "roles:write", &["role { code: 'new' {level} }"], ANYWAY),
    row("RoleService.GetRole", "roles:read", &["code: '{role}' {level}"], &[ROLE]),
    row("RoleService.UpdateRole", "roles:write", &["code: '{role}' role { name: 'changed' } {level}"], &[ROLE]),
    row("RoleService.DeleteRole", "roles:write", &["code: '{role}' {level}"], &[ROLE]),
    row("RoleService.ListRoles", "roles:read", &["{level}"], &[on(Role, "listed - unlisted", "listed unlisted")]),
    row("RoleService.ListRoleMembers", "roles:read users:read", &["code: '{role}' {level}"], &[ROLE]),
    row("RoleService.AddRoleMembers", "roles:write", &["code: '{role}' {users} {level}"], &[JOINED_ROW, ROLE]),
    row("RoleService.RemoveRoleMembers", "roles:write", &["code: '{role}' {users} {level}"], &[PARTED_ROW, ROLE]),
    row(
        "RoleService.HasAnyRole",
        "roles:read",
        &["{user} role_codes: '{role}' {level}"],
        &[on(User, "yes yes USER_NOT_FOUND", "yes USER_NOT_FOUND no"), on(Role, "yes - no", "yes no")],
    ),
    row(
        "IdentityService.LinkIdentity",
        "identities:write",
        &["{user} identity { ext_idp_id: 'idp' provider: IDENTITY_PROVIDER_LARK user_id_in_idp: 'new' }"],
        WRITE_USER,
    ),
    row(
        "IdentityService.UnlinkIdentity",
        "identities:write",
        &["identity_id: '{identity}'"],
        &[on(Identity, "ok ORGANIZATION_DENIED IDENTITY_NOT_FOUND", "ok IDENTITY_NOT_FOUND")],
    ),
    row(
        "IdentityService.GetIdentityTokens",
        "identities:tokens",
        &["identity_id: '{identity}'"],
        &[on(Identity, "ok ORGANIZATION_DENIED USER_TOKEN_INVALID", "ok USER_TOKEN_INVALID")],
    ),
    row("IdentityService.ListIdentities", "identities:read", &["{user}"], READ_USER),
    row(
        "CredentialService.SetPassword",
        "users:password",
        &[
            "{user} password: 'changed'",
            "{user} password: 'changed' reset_password_on_next_login: true keep_tokens: true",
            "{user} password_hash: '{hash}'",
        ],
        WRITE_USER,
    ),
    row(
        "CredentialService.VerifyPassword",
        "users:verify",
        &["{user} password: '{password}'"],
        &[on(User, "yes yes no", "yes no")],
    ),
    row("TokenService.VerifyUserToken", "users:verify", &["token: '{token}'"], &[on(User, "yes yes no", "yes no")]),
    row("TokenService.GetJwks", "any", &[""], ANYWAY),
    row("TokenService.RevokeUserTokens", "users:token", &["{user}"], WRITE_USER),
    row("OrganizationService.CreateOrganization", "organizations:write", &["organization { code: 'new' }"], &[POOL_ONLY]),
    row("OrganizationService.GetOrganization", "organizations:read", &["organization_id: '{organization}'"], &[ORGANIZATION]),
    row(
        "OrganizationService.UpdateOrganization",
        "organizations:write",
        &["organization_id: '{organization}' organization { name: 'changed' }"],
        &[ORGANIZATION],
    ),
    row(
        "OrganizationService.DeleteOrganization",
        "organizations:write",
        &["organization_id: '{organization}'"],
        &[on(Organization, "ORGANIZATION_DENIED - ORGANIZATION_DENIED", "ok ORGANIZATION_NOT_FOUND")],
    ),
    row(
        "OrganizationService.ListOrganizations",
        "organizations:read",
        &[""],
        &[on(Organization, "listed - unlisted", "listed unlisted")],
    ),
    row(
        "OrganizationService.AddOrganizationMembers",
        "organizations:write",
        &["organization_id: '{organization}' {users}"],
        &[
            on(User, "ORGANIZATION_DENIED ORGANIZATION_DENIED ORGANIZATION_DENIED", "ok row:USER_NOT_FOUND"),
            on(Organization, "ORGANIZATION_DENIED - ORGANIZATION_DENIED", "ok ORGANIZATION_NOT_FOUND"),
        ],
    ),
    row(
        "OrganizationService.RemoveOrganizationMembers",
        "organizations:write",
        &["organization_id: '{organization}' {users}"],
        &[on(User, "row:OWNED_MEMBER ok row:USER_NOT_FOUND", "ok row:USER_NOT_FOUND"), ORGANIZATION],
    ),
    row(
        "OrganizationService.ListOrganizationMembers",
        "organizations:read users:read",
        &["organization_id: '{organization}'"],
        &[ORGANIZATION],
    ),
    row("OrganizationService.ListUserOrganizations", "organizations:read", &["{user}"], READ_USER),
    row(
        "OrganizationService.CreateDepartment",
        "organizations:write",
        &["department { code: 'new' parent_department_id: '{department}' {level} }"],
        &[DEPARTMENT],
    ),
    row("OrganizationService.GetDepartment", "organizations:read", &["department_id: '{department}' {level}"], &[DEPARTMENT]),
    row(
        "OrganizationService.UpdateDepartment",
        "organizations:write",
        &["department_id: '{department}' department { name: 'changed' } {level}"],
        &[DEPARTMENT],
    ),
    row(
        "OrganizationService.DeleteDepartment",
        "organizations:write",
        &["department_id: '{department}' {level}"],
        &[DEPARTMENT],
    ),
    row(
        "OrganizationService.ListDepartments",
        "organizations:read",
        &["{level}"],
        &[on(Department, "listed - unlisted", "listed unlisted")],
    ),
    row(
        "OrganizationService.AddDepartmentMembers",
        "organizations:write",
        &["department_id: '{department}' {users} {level}", "department_id: '{department}' {users} {level} is_main: true"],
        &[JOINED_ROW, DEPARTMENT],
    ),
    row(
        "OrganizationService.RemoveDepartmentMembers",
        "organizations:write",
        &["department_id: '{department}' {users} {level}"],
        &[PARTED_ROW, DEPARTMENT],
    ),
    row(
        "OrganizationService.ListDepartmentMembers",
        "organizations:read users:read",
        &["department_id: '{department}' {level}", "department_id: '{department}' {level} include_children: true"],
        &[DEPARTMENT],
    ),
    row("OrganizationService.CreatePost", "organizations:write", &["post { code: 'new' {level} }"], ANYWAY),
    row(
        "OrganizationService.ListPosts",
        "organizations:read",
        &["{level}"],
        &[on(Post, "listed - unlisted", "listed unlisted")],
    ),
    row("OrganizationService.DeletePost", "organizations:write", &["post_id: '{post}' {level}"], &[POST]),
    row("OrganizationService.SetUserPosts", "organizations:write", &["{user} post_ids: '{post}' {level}"], &[JOINED, POST]),
    row("ApiKeyService.CreateApiKey", "keys:manage", &["api_key { name: 'new' {level} }"], ANYWAY),
    row("ApiKeyService.UpdateApiKey", "keys:manage", &["api_key_id: '{key}' api_key { name: 'changed' }"], &[API_KEY]),
    row("ApiKeyService.ListApiKeys", "keys:manage", &["limit: 1000"], &[on(ApiKey, "listed - unlisted", "listed unlisted")]),
    row("ApiKeyService.GetApiKey", "keys:manage", &["api_key_id: '{key}'"], &[API_KEY]),
    row("ApiKeyService.GetCallerApiKey", "any", &[""], ANYWAY),
    row("ApiKeyService.RotateApiKey", "any", &["api_key_id: '{key}'"], &[API_KEY]).needing("keys:manage"),
    row(
        "ApiKeyService.RevokeApiKey",
        "keys:manage",
        &["api_key_id: '{key}'", "api_key_id: '{key}' with_descendants: true"],
        &[API_KEY],
    ),
    row("MetaService.GetLimits", "any", &[""], ANYWAY),
    row("MetaService.GetVersion", "any", &[""], ANYWAY),
];
