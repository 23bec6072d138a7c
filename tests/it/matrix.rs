//! The safety tests of tenancy: what a key that is bound to an organization can see and do is what the contract (§5) says, for
//! every RPC, and everybody else's is to it as if it were not there.

mod answers;
mod bound_keys;
mod canary;
mod cells;
mod end_users;
mod field_scopes;
mod keys;
mod names;
mod ownership;
mod secrets;
mod table;
mod told;
mod world;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor as Method};
use prost_types::method_options::IdempotencyLevel;
use roster::proto::DESCRIPTORS;
use roster::scope::Scopes;

use names::{By, Noun};
use table::TABLE;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).unwrap());

/// The methods of our services, by service and name.
fn methods() -> BTreeMap<String, Method> {
    let services = POOL.services().filter(|service| service.package_name() == "roster.v1");
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods.map(|method| (format!("{}.{}", method.parent_service().name(), method.name()), method)).collect()
}

/// The message that the text spells.
fn input(method: &Method, text: &str) -> DynamicMessage {
    DynamicMessage::parse_text_format(method.input(), text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A text option of a method.
fn option(method: &Method, name: &str) -> Option<String> {
    let option = POOL.get_extension_by_name(&format!("roster.v1.{name}")).unwrap();
    let options = method.options();
    options.has_extension(&option).then(|| options.get_extension(&option).as_str().unwrap_or_default().to_owned())
}

/// Whether the method changes nothing.
fn is_read(method: &Method) -> bool {
    let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
    options.idempotency_level() == IdempotencyLevel::NoSideEffects
}

/// Whether the message, or one of our messages in it, has the field.
fn has_field(message: &MessageDescriptor, name: &str) -> bool {
    let ours = |kind: &MessageDescriptor| kind.package_name() == "roster.v1";
    let inside = |kind: Kind| kind.as_message().is_some_and(|kind| ours(kind) && has_field(kind, name));
    message.fields().any(|field| field.name() == name || inside(field.kind()))
}

#[test]
fn every_rpc_has_a_row() {
    let methods = methods();
    for (name, method) in &methods {
        let row = TABLE.iter().find(|row| row.rpc == name).unwrap_or_else(|| panic!("{name} has no row in the matrix"));
        assert_eq!(option(method, "scope").as_deref(), Some(row.scope), "{name}");
        assert!(row.needs == "any" || row.needs.parse::<Scopes>().is_ok(), "{name}");
        for request in row.requests {
            let has = |field: &str, placeholders: &[&str]| {
                let named = placeholders.iter().any(|placeholder| request.contains(placeholder));
                assert_eq!(has_field(&method.input(), field), named, "{name}: {field} in {request}");
            };
            has("user_id_type", &["{user}", "{users}"]);
            // Of an update it is refused, as everything that is chosen on create.
            if !name.starts_with("OrganizationService.") && !name.ends_with(".UpdateApiKey") {
                has("organization_id", &["{level}"]);
            }
        }
        for results in row.results {
            let varied = results.noun == Noun::Nothing || row.requests.iter().all(|request| request.contains('{'));
            assert!(varied || row.rpc.contains(".List"), "{name}: nothing in its request stands for {:?}", results.noun);
        }
    }
    assert_eq!(TABLE.len(), methods.len(), "a row too many, or twice");
}

#[test]
fn every_kind_of_id_is_tried() {
    let kinds = POOL.get_enum_by_name("roster.v1.UserIdType").unwrap();
    let known: Vec<_> = By::ALL.iter().map(|by| by.wire().to_owned()).collect();
    let told: Vec<_> = kinds.values().filter(|value| value.number() > 0).map(|value| value.name().to_owned()).collect();
    assert_eq!(told, known);
}
