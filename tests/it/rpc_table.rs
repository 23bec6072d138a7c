//! Every RPC once through the wire: the good case, no key, too little of one, bad input. A row for each stands in [`TABLE`];
//! the descriptor decides which there must be, so that a new RPC fails here until it has one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use roster::proto::{CreateGroupRequest, CreateRoleRequest, DESCRIPTORS, GroupDto, RoleDto, UserDto};
use roster::scope::{Scope, Scopes};
use tonic::Code::{InvalidArgument, PermissionDenied, Unauthenticated};

use crate::harness::{Client, Roster};
use crate::organizations::organization;
use crate::wire::{Wire, framed};

/// What must be known of an RPC. Requests are in protobuf's text format.
struct Row {
    rpc: &'static str,
    /// As in the contract's table of scopes (§5), which the proto's options have to match; `any`: any key.
    scope: &'static str,
    good: &'static str,
    /// A request that breaks a rule, and the field that is told; none where a request says nothing.
    bad: Option<(&'static str, &'static str)>,
}

const fn row(rpc: &'static str, scope: &'static str, good: &'static str, bad: Option<(&'static str, &'static str)>) -> Row {
    Row { rpc, scope, good, bad }
}

/// In the proto's order; the users `ann` and `gone` are there from the start, and the organizations `acme` and `gone`.
const TABLE: &[Row] = &[
    row("UserService.UserExists", "users:exists", "username: 'ann'", Some(("email: 'ann'", "email"))),
    row("UserService.BatchUserExists", "users:exists", "checks { username: 'ann' }", Some(("", "checks"))),
    row("UserService.CheckUser", "users:exists", "email: 'ann@example.com'", Some(("phone_number: 'x'", "phone_number"))),
    row("UserService.CheckUsernameAvailability", "users:exists", "username: 'ann'", Some(("", "username"))),
    row("UserService.GetUser", "users:read", "user_id: 'ann'", Some(("user_id: ''", "user_id"))),
    row("UserService.FindUser", "users:read", "username: 'ann'", Some(("email: 'x'", "email"))),
    row(
        "UserService.CreateUser",
        "users:write",
        "user { username: 'new' }",
        Some(("user { etag: 'x' username: 'y' }", "user.etag")),
    ),
    row(
        "UserService.UpdateUser",
        "users:write",
        "user_id: 'ann' user { name: 'Ann' } update_mask { paths: 'name' }",
        Some(("user_id: 'ann' update_mask { paths: '*' }", "update_mask")),
    ),
    row("UserService.DeleteUser", "users:write", "user_id: 'gone'", Some(("user_id_type: 99 user_id: 'gone'", "user_id_type"))),
    row("UserService.BatchGetUsers", "users:read", "users { user_id: 'ann' }", Some(("", "users"))),
    row("UserService.BatchCreateUsers", "users:write", "users { user { username: 'b' } }", Some(("", "users"))),
    row("UserService.BatchDeleteUsers", "users:write", "user_ids: 'nobody'", Some(("", "user_ids"))),
    row("UserService.ListUsers", "users:read", "", Some(("limit: 1001", "limit"))),
    row("UserService.SearchUsers", "users:read", "query: 'ann'", Some(("query: ' '", "query"))),
    row("UserService.ListUserGroups", "groups:read", "user_id: 'ann'", Some(("user_id: 'ann' page: 0", "page"))),
    row("UserService.AddUserToGroup", "groups:write", "user_id: 'ann' group_code: 'g'", Some(("user_id: 'ann'", "group_code"))),
    row(
        "UserService.RemoveUserFromGroup",
        "groups:write",
        "user_id: 'ann' group_code: 'g'",
        Some(("user_id: 'ann' group_code: ''", "group_code")),
    ),
    row("UserService.ListUserRoles", "roles:read", "user_id: 'ann'", Some(("user_id: 'ann' count: 9", "count"))),
    row("UserService.AddUserRoles", "roles:write", "user_id: 'ann' role_codes: 'r'", Some(("user_id: 'ann'", "role_codes"))),
    row(
        "UserService.RemoveUserRoles",
        "roles:write",
        "user_id: 'ann' role_codes: 'r'",
        Some(("user_id: 'ann' role_codes: ''", "role_codes[0]")),
    ),
    row("GroupService.CreateGroup", "groups:write", "group { code: 'new' }", Some(("group { code: 'a b' }", "group.code"))),
    row("GroupService.GetGroup", "groups:read", "code: 'g'", Some(("", "code"))),
    row(
        "GroupService.UpdateGroup",
        "groups:write",
        "code: 'g' group { name: 'G' }",
        Some(("code: 'g' group { etag: 'x' }", "group.etag")),
    ),
    row("GroupService.DeleteGroup", "groups:write", "code: 'gone'", Some(("code: ''", "code"))),
    row("GroupService.ListGroups", "groups:read", "", Some(("page: 1 page_token: 'x'", "page"))),
    row("GroupService.ListGroupMembers", "groups:read users:read", "code: 'g'", Some(("code: 'g' limit: 0", "limit"))),
    row("GroupService.AddGroupMembers", "groups:write", "code: 'g' user_ids: 'ann'", Some(("code: 'g'", "user_ids"))),
    row("GroupService.RemoveGroupMembers", "groups:write", "code: 'g' user_ids: 'ann'", Some(("user_ids: 'ann'", "code"))),
    row("RoleService.CreateRole", "roles:write", "role { code: 'new' }", Some(("role { name: 'R' }", "role.code"))),
    row("RoleService.GetRole", "roles:read", "code: 'r'", Some(("", "code"))),
    row(
        "RoleService.UpdateRole",
        "roles:write",
        "code: 'r' role { name: 'R' }",
        Some(("code: 'r' update_mask { paths: 'x' }", "update_mask")),
    ),
    row("RoleService.DeleteRole", "roles:write", "code: 'gone'", Some(("code: ''", "code"))),
    row("RoleService.ListRoles", "roles:read", "", Some(("limit: -1", "limit"))),
    row("RoleService.ListRoleMembers", "roles:read users:read", "code: 'r'", Some(("code: 'r' page: 1002", "page"))),
    row("RoleService.AddRoleMembers", "roles:write", "code: 'r' user_ids: 'ann'", Some(("code: 'r'", "user_ids"))),
    row("RoleService.RemoveRoleMembers", "roles:write", "code: 'r' user_ids: 'ann'", Some(("user_ids: 'ann'", "code"))),
    row("RoleService.HasAnyRole", "roles:read", "user_id: 'ann' role_codes: 'r'", Some(("user_id: 'ann'", "role_codes"))),
    // Departments and posts: `d`, `gone` and `p` are there from the start.
    row(
        "OrganizationService.CreateDepartment",
        "organizations:write",
        "department { name: 'new' parent_department_id: 'd' }",
        Some(("department { code: 'a b' }", "department.code")),
    ),
    row("OrganizationService.GetDepartment", "organizations:read", "department_id: 'd'", Some(("", "department_id"))),
    row(
        "OrganizationService.UpdateDepartment",
        "organizations:write",
        "department_id: 'd' department { name: 'D' }",
        Some(("department_id: 'd' update_mask { paths: 'leader_user_ids' }", "update_mask")),
    ),
    row(
        "OrganizationService.DeleteDepartment",
        "organizations:write",
        "department_id: 'gone'",
        Some(("department_id: ''", "department_id")),
    ),
    row("OrganizationService.ListDepartments", "organizations:read", "", Some(("organization_id: ''", "organization_id"))),
    row(
        "OrganizationService.AddDepartmentMembers",
        "organizations:write",
        "department_id: 'd' user_ids: 'ann' is_main: true",
        Some(("department_id: 'd'", "user_ids")),
    ),
    row(
        "OrganizationService.RemoveDepartmentMembers",
        "organizations:write",
        "department_id: 'd' user_ids: 'ann'",
        Some(("user_ids: 'ann'", "department_id")),
    ),
    row(
        "OrganizationService.ListDepartmentMembers",
        "organizations:read users:read",
        "department_id: 'd' include_children: true",
        Some(("department_id: 'd' limit: 0", "limit")),
    ),
    row(
        "OrganizationService.CreatePost",
        "organizations:write",
        "post { name: 'new' }",
        Some(("post { post_id: 'x' }", "post.post_id")),
    ),
    row("OrganizationService.ListPosts", "organizations:read", "", Some(("page: 0", "page"))),
    row("OrganizationService.DeletePost", "organizations:write", "post_id: 'gone'", Some(("", "post_id"))),
    row(
        "OrganizationService.SetUserPosts",
        "organizations:write",
        "user_id: 'ann' post_ids: 'p'",
        Some(("user_id: 'ann' post_ids: ''", "post_ids[0]")),
    ),
    row(
        "OrganizationService.CreateOrganization",
        "organizations:write",
        "organization { code: 'new' }",
        Some(("organization { name: 'O' }", "organization.code")),
    ),
    row("OrganizationService.GetOrganization", "organizations:read", "organization_id: 'acme'", Some(("", "organization_id"))),
    row(
        "OrganizationService.UpdateOrganization",
        "organizations:write",
        "organization_id: 'acme' organization { name: 'O' }",
        Some(("organization_id: 'acme' organization { organization_id: 'x' }", "organization.organization_id")),
    ),
    row(
        "OrganizationService.DeleteOrganization",
        "organizations:write",
        "organization_id: 'gone'",
        Some(("organization_id: ''", "organization_id")),
    ),
    row("OrganizationService.ListOrganizations", "organizations:read", "", Some(("limit: 0", "limit"))),
    row(
        "OrganizationService.AddOrganizationMembers",
        "organizations:write",
        "organization_id: 'acme' user_ids: 'ann'",
        Some(("organization_id: 'acme'", "user_ids")),
    ),
    row(
        "OrganizationService.RemoveOrganizationMembers",
        "organizations:write",
        "organization_id: 'acme' user_ids: 'ann'",
        Some(("user_ids: 'ann'", "organization_id")),
    ),
    row(
        "OrganizationService.ListOrganizationMembers",
        "organizations:read users:read",
        "organization_id: 'acme'",
        Some(("organization_id: 'acme' page: 0", "page")),
    ),
    row(
        "OrganizationService.ListUserOrganizations",
        "organizations:read",
        "user_id: 'ann'",
        Some(("user_id: 'ann' limit: 1001", "limit")),
    ),
    row(
        "ApiKeyService.CreateApiKey",
        "keys:manage",
        "api_key { name: 'k' }",
        Some(("api_key { scopes: 'users:fly' }", "api_key.scopes[0]")),
    ),
    row(
        "ApiKeyService.UpdateApiKey",
        "keys:manage",
        "api_key_id: '{self}' api_key { name: 'k' }",
        Some(("api_key_id: '{self}' api_key { scopes: 'users:read' }", "api_key.scopes")),
    ),
    row("ApiKeyService.ListApiKeys", "keys:manage", "", Some(("limit: 1001", "limit"))),
    row("ApiKeyService.GetApiKey", "keys:manage", "api_key_id: '{self}'", Some(("", "api_key_id"))),
    row("ApiKeyService.GetCallerApiKey", "any", "", None),
    row(
        "ApiKeyService.RotateApiKey",
        "any",
        "api_key_id: '{self}'",
        Some(("api_key_id: '{self}' overlap { seconds: -1 }", "overlap")),
    ),
    row("ApiKeyService.RevokeApiKey", "keys:manage", "api_key_id: '{self}'", Some(("api_key_id: ''", "api_key_id"))),
    row("MetaService.GetLimits", "any", "", None),
    row("MetaService.GetVersion", "any", "", None),
];

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

/// The methods of our services, by service and name.
fn methods() -> BTreeMap<String, MethodDescriptor> {
    let services = POOL.services().filter(|service| service.package_name() == "roster.v1");
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.map(|method| (format!("{}.{}", method.parent_service().name(), method.name()), method)).collect()
}

/// The method's `scope` option.
fn scope_of(method: &MethodDescriptor) -> Option<String> {
    let option = POOL.get_extension_by_name("roster.v1.scope").unwrap();
    let options = method.options();
    options.has_extension(&option).then(|| options.get_extension(&option).as_str().unwrap().to_owned())
}

impl Row {
    fn method(&self) -> MethodDescriptor {
        methods().remove(self.rpc).unwrap()
    }

    fn path(&self) -> String {
        format!("/roster.v1.{}", self.rpc.replace('.', "/"))
    }

    /// Each scope that it needs, with every scope but those that have it.
    fn all_others(&self) -> Vec<(&'static str, String)> {
        let needed = Scope::all().filter(|scope| self.scope.split(' ').any(|name| name == scope.name()));
        let others = |needed: Scope| {
            let has = |scope: &Scope| scope.name().parse::<Scopes>().unwrap().allows(needed);
            Scope::all().filter(|scope| !has(scope)).map(Scope::name).collect::<Vec<_>>().join(",")
        };
        needed.map(|needed| (needed.name(), others(needed))).collect()
    }

    /// The message that the text spells, in its frame; `{self}` is the id of the key that it is sent with.
    fn request(&self, text: &str, api_key_id: &str) -> Bytes {
        let (kind, text) = (self.method().input(), text.replace("{self}", api_key_id));
        let message = DynamicMessage::parse_text_format(kind, &text).unwrap_or_else(|error| panic!("{text}: {error}"));
        framed(&message.encode_to_vec())
    }

    /// The least that opens it.
    fn least(&self) -> &'static str {
        if self.scope == "any" { "" } else { self.scope }
    }
}

/// A key of an RPC's own.
struct Key {
    id: String,
    secret: String,
}

impl Key {
    async fn new(roster: &Roster, scopes: &str) -> Self {
        let created = roster.key(scopes, None).await;
        Self { id: created.api_key.api_key_id().to_owned(), secret: created.secret.expose().to_owned() }
    }
}

/// Sends each row's request with its key, after the users of the table were made.
async fn each(mut send: impl AsyncFnMut(&Roster, &Wire, &Row)) {
    let roster = Roster::start().await;
    let client = roster.client("*").await;
    for name in ["ann", "gone"] {
        create(&client, name).await;
    }
    for code in ["g", "gone"] {
        let group = GroupDto { code: Some(code.to_owned()), ..GroupDto::default() };
        client.groups().create_group(CreateGroupRequest { group: Some(group) }).await.unwrap();
    }
    for code in ["r", "gone"] {
        let role = RoleDto { code: Some(code.to_owned()), ..RoleDto::default() };
        client.roles().create_role(CreateRoleRequest { role: Some(role) }).await.unwrap();
    }
    for id in ["acme", "gone"] {
        organization(&roster, id, &["ann"]).await;
    }
    // Past the server, which makes their ids itself.
    let sets =
        "INSERT INTO departments (department_id, etag, created_at, updated_at) VALUES ('d', 'e', 0, 0), ('gone', 'e', 0, 0);
        INSERT INTO posts (post_id) VALUES ('p'), ('gone')";
    roster.database.execute(sets).await;
    let wire = Wire::connect(roster.address).await;
    for row in TABLE {
        send(&roster, &wire, row).await;
    }
}

async fn create(client: &Client, name: &str) {
    let text = |text: &str| Some(text.to_owned());
    let email = Some(format!("{name}@example.com"));
    client.create(UserDto { user_id: text(name), username: text(name), email, ..UserDto::default() }).await.unwrap();
}

#[test]
fn every_rpc_has_a_scope_and_a_row() {
    let methods = methods();
    let rows: Vec<_> = TABLE.iter().map(|row| row.rpc).collect();
    for (name, method) in &methods {
        let row = TABLE.iter().find(|row| row.rpc == name).unwrap_or_else(|| panic!("{name} has no row in the table"));
        assert_eq!(scope_of(method).as_deref(), Some(row.scope), "{name}");
        assert!(row.scope == "any" || row.scope.parse::<Scopes>().is_ok(), "{name}");
        assert_eq!(row.bad.is_none(), method.input().fields().len() == 0, "{name}: only who says nothing says nothing bad");
        assert!(!method.is_client_streaming() && !method.is_server_streaming(), "{name}: these tests know no streams");
    }
    assert_eq!(rows.len(), methods.len(), "a row too many, or twice: {rows:?}");
}

#[tokio::test]
async fn a_good_request_is_answered_under_the_least_scope() {
    each(async |roster, wire, row| {
        let key = Key::new(roster, row.least()).await;
        let answer = wire.send(&row.path(), &[("x-api-key", &key.secret)], row.request(row.good, &key.id)).await;
        assert_eq!(answer.status.code(), tonic::Code::Ok, "{}: {:?}", row.rpc, answer.status);
        let message = DynamicMessage::decode(row.method().output(), &answer.body[5..]).unwrap();
        assert_eq!(message.unknown_fields().count(), 0, "{}: {message}", row.rpc);
        let silent = [
            "HasAnyRole",
            "DeleteUser",
            "AddUserToGroup",
            "RemoveUserFromGroup",
            "DeleteGroup",
            "DeleteRole",
            "DeleteOrganization",
            "DeleteDepartment",
            "DeletePost",
        ];
        let says = message.fields().count() > 0 || silent.iter().any(|name| row.rpc.ends_with(&format!(".{name}")));
        assert!(says || row.rpc.contains("ListUser"), "{} answers nothing", row.rpc);
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_key_is_refused() {
    each(async |_, wire, row| {
        wire.send(&row.path(), &[], row.request(row.good, "x")).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
    })
    .await;
}

#[tokio::test]
async fn a_key_with_every_scope_but_the_one_is_refused() {
    each(async |roster, wire, row| {
        for (needed, others) in row.all_others() {
            let key = Key::new(roster, &others).await;
            for text in [Some(row.good), row.bad.map(|(bad, _)| bad)].into_iter().flatten() {
                let answer = wire.send(&row.path(), &[("x-api-key", &key.secret)], row.request(text, &key.id)).await;
                let refusal = answer.assert_refused(PermissionDenied, "SCOPE_DENIED");
                assert_eq!(refusal.metadata["scope"], needed, "{}", row.rpc);
                assert!(refusal.message.contains(needed), "{}: {refusal:?}", row.rpc);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_request_is_refused_by_its_field() {
    each(async |roster, wire, row| {
        let key = Key::new(roster, row.least()).await;
        let send = async |body: Bytes| wire.send(&row.path(), &[("x-api-key", &key.secret)], body).await;
        if let Some((bad, field)) = row.bad {
            let refusal = send(row.request(bad, &key.id)).await.assert_refused(InvalidArgument, "INVALID_FIELD");
            assert_eq!(refusal.fields(), [field], "{}: {refusal:?}", row.rpc);
            assert_eq!(refusal.metadata["violations"], "1", "{}", row.rpc);
        }
        for body in [Bytes::new(), framed(&[0xff])] {
            send(body).await.assert_refused(InvalidArgument, "INVALID_MESSAGE");
        }
    })
    .await;
}

#[tokio::test]
async fn a_replayable_rpc_answers_a_repeat_as_before_and_no_other_does() {
    let mut replayed = Vec::new();
    let option = |method: &MethodDescriptor, name: &str| {
        let option = POOL.get_extension_by_name(name).unwrap();
        method.options().has_extension(&option)
    };
    each(async |roster, wire, row| {
        let key = Key::new(roster, row.least()).await;
        let headers = [("x-api-key", key.secret.as_str()), ("idempotency-key", "a")];
        let (path, request) = (row.path(), row.request(row.good, &key.id));
        let first = wire.send(&path, &headers, request.clone()).await;
        let again = wire.send(&path, &headers, request).await;
        if option(&row.method(), "roster.v1.unrepeatable") {
            first.assert_refused(InvalidArgument, "IDEMPOTENCY_UNSUPPORTED");
            return;
        }
        let replays = option(&row.method(), "roster.v1.replayable");
        assert!(!first.headers.contains_key("x-roster-replayed"), "{}", row.rpc);
        assert_eq!(again.headers.contains_key("x-roster-replayed"), replays, "{}", row.rpc);
        if replays {
            assert_eq!((again.status.code(), &again.body), (tonic::Code::Ok, &first.body), "{}", row.rpc);
            replayed.push(row.rpc);
        }
    })
    .await;
    let expected = TABLE.iter().map(|row| row.rpc).filter(|rpc| {
        let (_, name) = rpc.split_once('.').unwrap();
        let verb = name.strip_prefix("Batch").unwrap_or(name);
        ["Create", "Update", "Delete"].iter().any(|start| verb.starts_with(start)) && name != "CreateApiKey"
    });
    assert_eq!(replayed, expected.collect::<Vec<_>>());
}
