//! How services answer with users: as the bytes that they are on the wire, since a read makes these straight from the columns.
//! Protobuf writes a field of bytes and a field of a message alike, so that nobody on the other side sees a difference.

use std::fmt::Write;
use std::path::Path;

use prost_reflect::prost_types::FileDescriptorSet;
use prost_reflect::prost_types::field_descriptor_proto::Type;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind};

use crate::messages;

/// The message that lies ready as bytes, and the answers that carry it.
const ENCODED: &str = "roster.v1.UserDto";
const ANSWERS: &[&str] = &[
    "roster.v1.BatchGetUsersResponse",
    "roster.v1.BatchGetUsersResult",
    "roster.v1.FindUserResponse",
    "roster.v1.GetUserResponse",
    "roster.v1.ListDepartmentMembersResponse",
    "roster.v1.ListGroupMembersResponse",
    "roster.v1.ListOrganizationMembersResponse",
    "roster.v1.ListRoleMembersResponse",
    "roster.v1.ListUsersResponse",
    "roster.v1.SearchUsersResponse",
];

/// Writes the servers of the package's services to `out`, and [`ANSWERS`] as they answer with them; all other messages are those
/// of `crate::proto`.
pub(crate) fn generate(pool: &DescriptorPool, package: &str, mut files: FileDescriptorSet, out: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(out)?;
    for file in files.file.iter_mut().filter(|file| file.package() == package) {
        for message in &mut file.message_type {
            if ANSWERS.contains(&format!("{package}.{}", message.name()).as_str()) {
                let encoded = format!(".{ENCODED}");
                for field in message.field.iter_mut().filter(|field| field.type_name() == encoded) {
                    field.set_type(Type::Bytes);
                    field.type_name = None;
                }
            }
        }
    }
    let config = tonic_prost_build::configure()
        .codec_path("crate::transport::Codec")
        .build_client(false)
        .bytes(".")
        .extern_path(".google.rpc", "::tonic_types::pb");
    let others = messages(pool, package).filter(|message| !ANSWERS.contains(&message.full_name()));
    let config = others.fold(config, |config, message| {
        config.extern_path(format!(".{}", message.full_name()), format!("crate::proto::{}", message.name()))
    });
    let enums = pool.all_enums().filter(|kind| kind.package_name() == package);
    let config = enums.fold(config, |config, kind| {
        config.extern_path(format!(".{}", kind.full_name()), format!("crate::proto::{}", kind.name()))
    });
    config.out_dir(out).compile_fds(files)
}

/// The source of `pub(crate) const USER_FIELDS: &[Field]`: the fields of [`ENCODED`] that a column can be of, by the names
/// and in the order of their numbers.
pub(crate) fn fields(pool: &DescriptorPool) -> Result<String, String> {
    let message = pool.get_message_by_name(ENCODED).ok_or_else(|| format!("there is no {ENCODED}"))?;
    let mut fields: Vec<_> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    let mut source = String::new();
    for field in fields {
        if let Some(kind) = kind(&field) {
            let (name, number, implicit) = (field.name(), field.number(), !field.supports_presence() && !field.is_list());
            let _ =
                writeln!(source, "    Field {{ name: {name:?}, number: {number}, kind: Kind::{kind}, implicit: {implicit} }},");
        }
    }
    Ok(format!(
        "/// The fields of `UserDto` that a column can be of.\npub(crate) const USER_FIELDS: &[Field] = &[\n{source}];\n"
    ))
}

/// As what a column of the field is stored; `None`: there is no such column.
fn kind(field: &FieldDescriptor) -> Option<&'static str> {
    match (field.kind(), field.is_list()) {
        (Kind::String, false) => Some("Text"),
        (Kind::String, true) => Some("Texts"),
        (Kind::Int32 | Kind::Bool | Kind::Enum(_), false) => Some("Number"),
        (Kind::Message(message), false) if message.full_name() == "google.protobuf.Timestamp" => Some("Time"),
        _ => None,
    }
}
