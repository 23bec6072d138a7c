//! Every RPC once through the wire: the good case, no key, too little of one, bad input. A row for each stands in `rpc_table/table.rs`;
//! the descriptor decides which there must be, so that a new RPC fails here until it has one.

mod table;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use roster::proto::{CreateGroupRequest, CreateRoleRequest, DESCRIPTORS, GroupDto, RoleDto, UserDto};
use roster::scope::{Scope, Scopes};
use roster::store::identity_tokens::{ProviderTokens, SetProviderTokens};
use roster::store::{Context, Identifier, Tenant};
use tonic::Code::{InvalidArgument, PermissionDenied, Unauthenticated};

use crate::harness::{Client, Roster};
use crate::organizations::organization;
use crate::wire::{Answer, Wire, framed};
use table::{Row, TABLE};

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

/// Who calls: on behalf of `ann`, of which most RPCs take no notice.
struct Caller {
    wire: Wire,
    authorization: String,
}

impl Caller {
    async fn new(roster: &Roster) -> Self {
        let ann = Identifier::UserId("ann".to_owned());
        let token = roster.store.refresh_user_token(&Tenant::Pool, &ann).await.unwrap().token;
        Self { wire: Wire::connect(roster.address).await, authorization: format!("Bearer {token}") }
    }

    async fn send(&self, row: &Row, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let headers = [headers, &[("authorization", &self.authorization)]].concat();
        self.wire.send(&row.path(), &headers, body).await
    }
}

/// Sends each row's request with its key, after the users of the table were made.
async fn each(mut send: impl AsyncFnMut(&Roster, &Caller, &Row)) {
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
    for id in ["gone", "kept"] {
        let identity =
            format!("INSERT INTO identities VALUES ('{id}', 'ann', 'idp', 1, 'generic', '{id}', '{{}}', '[\"idp\"]')");
        roster.database.execute(&identity).await;
    }
    let tokens = ProviderTokens { access_token: Some("token".to_owned()), refresh_token: None };
    let set = SetProviderTokens(vec![("kept".to_owned(), tokens)]);
    roster.store.write(Context::default(), set).await.unwrap();
    for row in TABLE {
        // Each anew: some end the tokens.
        send(&roster, &Caller::new(&roster).await, row).await;
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
    each(async |roster, caller, row| {
        let key = Key::new(roster, row.least()).await;
        let answer = caller.send(row, &[("x-api-key", &key.secret)], row.request(row.good, &key.id)).await;
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
            "UnlinkIdentity",
            "SetPassword",
            "RevokeUserTokens",
        ];
        let says = message.fields().count() > 0 || silent.iter().any(|name| row.rpc.ends_with(&format!(".{name}")));
        assert!(says || row.rpc.contains("ListUser"), "{} answers nothing", row.rpc);
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_key_is_refused() {
    each(async |_, caller, row| {
        caller.send(row, &[], row.request(row.good, "x")).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
    })
    .await;
}

#[tokio::test]
async fn a_key_with_every_scope_but_the_one_is_refused() {
    each(async |roster, caller, row| {
        for (needed, others) in row.all_others() {
            let key = Key::new(roster, &others).await;
            for text in [Some(row.good), row.bad.map(|(bad, _)| bad)].into_iter().flatten() {
                let answer = caller.send(row, &[("x-api-key", &key.secret)], row.request(text, &key.id)).await;
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
    each(async |roster, caller, row| {
        let key = Key::new(roster, row.least()).await;
        let send = async |body: Bytes| caller.send(row, &[("x-api-key", &key.secret)], body).await;
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
    each(async |roster, caller, row| {
        let key = Key::new(roster, row.least()).await;
        let headers = [("x-api-key", key.secret.as_str()), ("idempotency-key", "a")];
        let request = row.request(row.good, &key.id);
        let first = caller.send(row, &headers, request.clone()).await;
        let again = caller.send(row, &headers, request).await;
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
        ["Create", "Update", "Delete", "LinkIdentity"].iter().any(|start| verb.starts_with(start)) && name != "CreateApiKey"
    });
    assert_eq!(replayed, expected.collect::<Vec<_>>());
}
