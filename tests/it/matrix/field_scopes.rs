//! Scopes of fields (contract §5): a field that has one needs it wherever a request names it, and nowhere else. Which fields these
//! are, the descriptor decides; that none lacks its scope, the contract's table.

use std::collections::BTreeMap;
use std::io::{self, Write};

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use roster::scope::{Scope, Scopes};
use tonic::Code;

use super::answers::told;
use super::names::{Aim, By, HASH, Level, Object};
use super::table::{Row, TABLE};
use super::world::World;
use super::{Method, POOL, input, is_read, methods};

/// What the contract says, whether or not it is built yet.
const SCOPES: &[(&str, &str)] = &[
    ("with_groups", "groups:read"),
    ("with_roles", "roles:read"),
    ("with_organizations", "organizations:read"),
    ("with_department_ids", "organizations:read"),
    ("with_post", "organizations:read"),
    ("with_identities", "identities:read"),
    ("tenant_id", "organizations:write"),
    ("identities", "identities:write"),
    ("token_expired_at", "users:token"),
    ("password", "users:password"),
    ("password_hash", "users:password"),
];

/// What is checked and not set.
const CHECKED: &str = "roster.v1.VerifyPasswordRequest.password";

/// What asks for more and needs no scope of its own.
const FREE: &[&str] = &["with_custom_data", "with_descendants"];

/// A field of a request that has a scope: the way to it, through messages.
#[derive(Clone)]
struct Scoped {
    way: Vec<FieldDescriptor>,
    scope: String,
}

/// The scope of a field.
fn scope_of(field: &FieldDescriptor) -> Option<String> {
    let rule = POOL.get_extension_by_name("roster.v1.rule").unwrap();
    let options = field.options();
    let rule = options.get_extension(&rule).as_message()?.clone();
    let scope = rule.get_field_by_name("scope")?.as_str()?.to_owned();
    Some(scope).filter(|scope| !scope.is_empty())
}

/// All fields of the message and of ours in it, each with the way to it.
fn ways(message: &MessageDescriptor) -> Vec<Vec<FieldDescriptor>> {
    let deeper = |field: &FieldDescriptor| match field.kind() {
        Kind::Message(inner) if inner.package_name() == "roster.v1" => ways(&inner),
        _ => Vec::new(),
    };
    let way = |field: FieldDescriptor| {
        let inside = deeper(&field).into_iter().map({
            let field = field.clone();
            move |rest| [vec![field.clone()], rest].concat()
        });
        let inside: Vec<_> = inside.collect();
        [vec![vec![field]], inside].concat()
    };
    message.fields().flat_map(way).collect()
}

impl Scoped {
    /// Those of a method's requests.
    fn all(method: &Method) -> Vec<Self> {
        let scoped = |way: Vec<FieldDescriptor>| Some(Self { scope: scope_of(way.last()?)?, way });
        ways(&method.input()).into_iter().filter_map(scoped).collect()
    }

    fn name(&self) -> &str {
        self.way.last().unwrap().name()
    }

    /// The request with a value for the field.
    fn set(&self, request: &mut DynamicMessage) {
        set(request, &self.way);
    }

    /// Every scope but those that have it.
    fn others(&self) -> String {
        let needed: Scope = Scope::all().find(|scope| scope.name() == self.scope).unwrap();
        let has = |scope: &Scope| scope.name().parse::<Scopes>().unwrap().allows(needed);
        Scope::all().filter(|scope| !has(scope)).map(Scope::name).collect::<Vec<_>>().join(",")
    }
}

fn set(message: &mut DynamicMessage, way: &[FieldDescriptor]) {
    let (field, rest) = way.split_first().unwrap();
    let one = match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::String if field.name() == "password_hash" => Value::String(HASH.to_owned()),
        Kind::String => Value::String(Level::A.organization_id().unwrap()),
        Kind::Message(kind) if kind.name() == "IdentityDto" => {
            let identity = "ext_idp_id: 'new' provider: IDENTITY_PROVIDER_LARK user_id_in_idp: 'new'";
            Value::Message(DynamicMessage::parse_text_format(kind, identity).unwrap())
        }
        Kind::Message(kind) => Value::Message(DynamicMessage::new(kind)),
        other => panic!("say here how to fill {} of kind {other:?}", field.full_name()),
    };
    if !message.has_field(field) {
        message.set_field(field, if field.is_list() { Value::List(vec![one]) } else { one });
    }
    if rest.is_empty() {
        // A password is given in one way.
        if field.name() == "password_hash" {
            message.clear_field_by_name("password");
        }
        return;
    }
    match message.get_field_mut(field) {
        Value::List(items) => set(items[0].as_message_mut().unwrap(), rest),
        inner => set(inner.as_message_mut().unwrap(), rest),
    }
}

/// A world and its keys, made as they are asked for.
struct Asker {
    world: World,
    keys: BTreeMap<(String, &'static str), String>,
    cells: usize,
}

impl Asker {
    /// What becomes of a row's request about something good, with what the text adds and the field set or not.
    async fn ask(&mut self, row: &Row, field: Option<&Scoped>, beside: &str, scopes: &str, bound: Level) -> String {
        let place = (scopes.to_owned(), if bound == Level::A { "A" } else { "the pool" });
        if !self.keys.contains_key(&place) {
            self.keys.insert(place.clone(), self.world.key(scopes, bound).await);
        }
        let method = &methods()[row.rpc];
        let noun = row.results[0].noun;
        // What exists must not be made again.
        let object = if row.rpc.contains("Create") { Object::Absent } else { Object::Own };
        let aim = Aim { noun, object, by: By::Id, level: bound, named: Some(Level::A).filter(|_| noun.is_of_level()) };
        let mut request = input(method, &format!("{} {beside}", aim.fill(row.requests[0])));
        if let Some(field) = field {
            field.set(&mut request);
        }
        let answer = self.world.send(method, Some(&self.keys[&place]), "fields", &request).await;
        self.cells += 1;
        let told = told(method, &answer, "", "ok");
        if answer.status.code() == Code::Ok && !is_read(method) {
            self.world.restore().await;
        }
        match told.as_str() {
            "SCOPE_DENIED" => format!("lacks {}", answer.refusal().metadata["scope"]),
            "INVALID_FIELD" => format!("bad {}", answer.refusal().fields().join(" ")),
            _ => told,
        }
    }
}

#[tokio::test]
async fn a_field_with_a_scope_needs_it_wherever_it_is_named_and_nowhere_else() {
    let mut asker = Asker { world: World::new().await, keys: BTreeMap::new(), cells: 0 };
    let (mut wrong, mut fields) = (Vec::new(), 0);
    for row in TABLE {
        let method = &methods()[row.rpc];
        let masked = method.input().get_field_by_name("update_mask").is_some();
        for field in Scoped::all(method) {
            fields += 1;
            let (lacking, holding) = (field.others(), format!("{} {}", row.needs, field.scope));
            let denied = format!("lacks {}", field.scope);
            // What the RPC needs anyway.
            let within = row.needs.split(' ').any(|needed| needed == field.scope);
            for bound in [Level::Pool, Level::A] {
                // Who owns a user, a bound key may not say at all; identities are taken on create alone.
                let never = field.name() == "tenant_id" && bound == Level::A
                    || field.name() == "identities" && row.rpc.ends_with(".UpdateUser");
                let path = field.way.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".");
                let item =
                    if row.rpc.contains("Batch") && never { "row:INVALID_FIELD".to_owned() } else { format!("bad {path}") };
                let present = if never { item.as_str() } else { "ok" };
                // What stands beside the resource no mask names, nor leaves out.
                let beyond = field.way.len() == 1;
                let in_mask = if never || beyond { "bad update_mask" } else { "ok" };
                let (none, beside) = (None, "update_mask { paths: 'name' }");
                let named = format!("update_mask {{ paths: 'name' paths: '{}' }}", field.name());
                let mut cells = vec![
                    (Some(&field), "", &lacking, denied.as_str()),
                    (Some(&field), "", &holding, present),
                    (none, "", &lacking, if within { &denied } else { "ok" }),
                ];
                if masked {
                    cells.extend([
                        (none, named.as_str(), &lacking, if beyond { in_mask } else { denied.as_str() }),
                        (Some(&field), &named, &lacking, &denied),
                        (none, &named, &holding, in_mask),
                        (Some(&field), &named, &holding, in_mask),
                        (Some(&field), beside, &lacking, if beyond { &denied } else { "ok" }),
                        (Some(&field), beside, &holding, "ok"),
                    ]);
                }
                for (sets, beside, scopes, expected) in cells {
                    let told = asker.ask(row, sets, beside, scopes, bound).await;
                    if told != expected {
                        let how = if sets.is_some() { "present" } else { "absent" };
                        let case = format!("{} {path} {how} {beside} of {bound:?} under {scopes}", row.rpc);
                        wrong.push(format!("{case}: {told}, not {expected}"));
                    }
                }
            }
        }
    }
    writeln!(io::stdout(), "field scopes: {fields} fields, {} cells, {} mismatches", asker.cells, wrong.len()).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(fields > 20, "{fields}");
}

#[test]
fn no_field_of_the_contract_lacks_its_scope() {
    let ways: Vec<_> = methods().values().flat_map(|method| ways(&method.input())).collect();
    for field in ways.iter().filter_map(|way| way.last()) {
        let contract = SCOPES.iter().find(|(name, _)| *name == field.name() && field.full_name() != CHECKED);
        let contract = contract.map(|(_, scope)| (*scope).to_owned());
        assert_eq!(scope_of(field), contract, "{}", field.full_name());
        let asks = field.name().starts_with("with_");
        assert!(!asks || contract.is_some() || FREE.contains(&field.name()), "{}: say what it needs", field.full_name());
    }
}
