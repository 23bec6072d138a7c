//! Every RPC once through the wire: the good case, no key, too little of one, bad input. A row for each stands in [`TABLE`];
//! the descriptor decides which there must be, so that a new RPC fails here until it has one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};
use roster::proto::{DESCRIPTORS, UserDto};
use roster::scope::{Scope, Scopes};
use tonic::Code::{InvalidArgument, PermissionDenied, Unauthenticated};

use crate::harness::{Client, Roster};
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

/// In the proto's order; `ann` and `gone` are there from the start.
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

    /// Every scope but those that open it.
    fn all_others(&self) -> String {
        let required = Scope::all().find(|scope| scope.name() == self.scope);
        let opens = |scope: &Scope| required.is_some_and(|required| scope.name().parse::<Scopes>().unwrap().allows(required));
        Scope::all().filter(|scope| !opens(scope)).map(Scope::name).collect::<Vec<_>>().join(",")
    }

    /// The least that opens it.
    fn least(&self) -> &'static str {
        if self.scope == "any" { "" } else { self.scope }
    }
}

/// The message that the text spells, in its frame.
fn request(kind: MessageDescriptor, text: &str) -> Bytes {
    let message = DynamicMessage::parse_text_format(kind, text).unwrap_or_else(|error| panic!("{text}: {error}"));
    framed(&message.encode_to_vec())
}

/// Sends each row's request with its key, after the users of the table were made.
async fn each(send: impl AsyncFn(&Roster, &Wire, &Row)) {
    let roster = Roster::start().await;
    let client = roster.client("users:write").await;
    for name in ["ann", "gone"] {
        create(&client, name).await;
    }
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

async fn key(roster: &Roster, scopes: &str) -> String {
    roster.key(scopes, None).await.secret.expose().to_owned()
}

#[test]
fn every_rpc_has_a_scope_and_a_row() {
    let methods = methods();
    let rows: Vec<_> = TABLE.iter().map(|row| row.rpc).collect();
    for (name, method) in &methods {
        let row = TABLE.iter().find(|row| row.rpc == name).unwrap_or_else(|| panic!("{name} has no row in the table"));
        assert_eq!(scope_of(method).as_deref(), Some(row.scope), "{name}");
        assert!(row.scope == "any" || Scope::all().any(|scope| scope.name() == row.scope), "{name}");
        assert_eq!(row.bad.is_none(), method.input().fields().len() == 0, "{name}: only who says nothing says nothing bad");
        assert!(!method.is_client_streaming() && !method.is_server_streaming(), "{name}: these tests know no streams");
    }
    assert_eq!(rows.len(), methods.len(), "a row too many, or twice: {rows:?}");
}

#[tokio::test]
async fn a_good_request_is_answered_under_the_least_scope() {
    each(async |roster, wire, row| {
        let key = key(roster, row.least()).await;
        let request = request(row.method().input(), row.good);
        let answer = wire.send(&row.path(), &[("x-api-key", &key)], request).await;
        assert_eq!(answer.status.code(), tonic::Code::Ok, "{}: {:?}", row.rpc, answer.status);
        let message = DynamicMessage::decode(row.method().output(), &answer.body[5..]).unwrap();
        assert_eq!(message.unknown_fields().count(), 0, "{}: {message}", row.rpc);
        assert!(message.fields().count() > 0 || row.rpc == "UserService.DeleteUser", "{} answers nothing", row.rpc);
    })
    .await;
}

#[tokio::test]
async fn a_request_without_a_key_is_refused() {
    each(async |_, wire, row| {
        let request = request(row.method().input(), row.good);
        wire.send(&row.path(), &[], request).await.assert_refused(Unauthenticated, "API_KEY_MISSING");
    })
    .await;
}

#[tokio::test]
async fn a_key_with_every_scope_but_the_one_is_refused() {
    each(async |roster, wire, row| {
        let key = key(roster, &row.all_others()).await;
        for text in [Some(row.good), row.bad.map(|(bad, _)| bad)].into_iter().flatten().filter(|_| row.scope != "any") {
            let answer = wire.send(&row.path(), &[("x-api-key", &key)], request(row.method().input(), text)).await;
            let refusal = answer.assert_refused(PermissionDenied, "SCOPE_DENIED");
            assert_eq!(refusal.metadata["scope"], row.scope, "{}", row.rpc);
            assert!(refusal.message.contains(row.scope), "{}: {refusal:?}", row.rpc);
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_request_is_refused_by_its_field() {
    each(async |roster, wire, row| {
        let key = key(roster, row.least()).await;
        let send = async |body: Bytes| wire.send(&row.path(), &[("x-api-key", &key)], body).await;
        if let Some((bad, field)) = row.bad {
            let refusal = send(request(row.method().input(), bad)).await.assert_refused(InvalidArgument, "INVALID_FIELD");
            assert_eq!(refusal.fields(), [field], "{}: {refusal:?}", row.rpc);
            assert_eq!(refusal.metadata["violations"], "1", "{}", row.rpc);
        }
        for body in [Bytes::new(), framed(&[0xff])] {
            send(body).await.assert_refused(InvalidArgument, "INVALID_MESSAGE");
        }
    })
    .await;
}
