//! `UserDto` field by field, as its descriptor has them, so that what is asked of every field is asked of those to come.

use std::sync::OnceLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use prost_types::Struct;
use roster::proto::{DESCRIPTORS, Timestamp, UserDto};

/// What only the server sets (contract §3), whether or not it is built yet.
pub(crate) const OUTPUT_ONLY: &[&str] = &[
    "created_at",
    "updated_at",
    "etag",
    "status_changed_at",
    "password_last_set_at",
    "password_security_level",
    "department_ids",
    "main_department_id",
    "post_id_list",
    "group_codes",
    "role_codes",
    "organization_ids",
    "flat_custom_data",
];

/// What names something else that must be there, or is taken on create alone: it has tests of its own.
const REFERENCES: &[&str] = &["tenant_id", "identities"];

/// What every user has (contract §4, `UpdateUser`).
pub(crate) const NEVER_ABSENT: &[&str] =
    &["status", "work_status", "gender", "user_source_type", "email_verified", "phone_verified"];

pub(crate) fn descriptor() -> MessageDescriptor {
    message("roster.v1.UserDto")
}

fn message(name: &str) -> MessageDescriptor {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).unwrap());
    pool.get_message_by_name(name).unwrap()
}

/// The fields that a create may set.
pub(crate) fn writable() -> impl Iterator<Item = FieldDescriptor> {
    let writable = |field: &FieldDescriptor| !OUTPUT_ONLY.contains(&field.name()) && !REFERENCES.contains(&field.name());
    descriptor().fields().filter(writable).collect::<Vec<_>>().into_iter()
}

/// The fields that an update may set.
pub(crate) fn changeable() -> impl Iterator<Item = FieldDescriptor> {
    writable().filter(|field| field.name() != "user_id")
}

/// Whether it is one text.
pub(crate) fn is_text(field: &FieldDescriptor) -> bool {
    field.kind() == Kind::String && !field.is_list()
}

/// Whether it is a time.
pub(crate) fn is_time(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(kind) if kind.full_name() == "google.protobuf.Timestamp")
}

fn dynamic(user: &UserDto) -> DynamicMessage {
    DynamicMessage::decode(descriptor(), user.encode_to_vec().as_slice()).unwrap()
}

fn typed(user: &DynamicMessage) -> UserDto {
    UserDto::decode(user.encode_to_vec().as_slice()).unwrap()
}

/// The user with these values instead.
pub(crate) fn with<'a>(user: &UserDto, values: impl IntoIterator<Item = (&'a str, Value)>) -> UserDto {
    let mut changed = dynamic(user);
    for (name, value) in values {
        changed.set_field_by_name(name, value);
    }
    typed(&changed)
}

/// The user without these fields, which need not be fields yet.
pub(crate) fn without(user: &UserDto, names: &[&str]) -> UserDto {
    let mut changed = dynamic(user);
    for name in names {
        changed.clear_field_by_name(name);
    }
    typed(&changed)
}

/// The user with these texts and nothing else.
pub(crate) fn texts(texts: &[(&str, &str)]) -> UserDto {
    with(&UserDto::default(), texts.iter().map(|(name, text)| (*name, Value::String((*text).to_owned()))))
}

/// The field's value, if it has one.
pub(crate) fn value(user: &UserDto, name: &str) -> Option<Value> {
    let user = dynamic(user);
    user.has_field_by_name(name).then(|| user.get_field_by_name(name).unwrap().into_owned())
}

/// The time as a field's value.
pub(crate) fn time(time: Timestamp) -> Value {
    of_message("google.protobuf.Timestamp", &time)
}

/// The object as a field's value.
pub(crate) fn json(data: &Struct) -> Value {
    of_message("google.protobuf.Struct", data)
}

fn of_message(name: &str, value: &impl Message) -> Value {
    Value::Message(DynamicMessage::decode(message(name), value.encode_to_vec().as_slice()).unwrap())
}

/// A value of the field as it is stored: for variant 1 no default, for variant 2 another.
pub(crate) fn sample(field: &FieldDescriptor, variant: u8) -> Value {
    let number = i32::try_from(field.number()).unwrap();
    let text = match field.name() {
        "email" => format!("User.{variant}@example.com"),
        "phone" => format!("1881234000{variant}"),
        "phone_country_code" => format!("+{}", [86, 49][usize::from(variant % 2)]),
        "birthdate" => format!("2001-02-1{variant}"),
        "username" | "user_id" => format!("{}-{variant}", field.name()),
        name => format!("{name} {variant} 界"),
    };
    match field.kind() {
        Kind::String if field.is_list() => Value::List([format!("\"{text}\",\\n"), text].map(Value::String).into()),
        Kind::String => Value::String(text),
        Kind::Int32 => Value::I32(number * 10 + i32::from(variant)),
        Kind::Bool => Value::Bool(variant % 2 == 1),
        Kind::Enum(_) => Value::EnumNumber(1 + i32::from(variant % 2)),
        Kind::Message(kind) if kind.full_name() == "google.protobuf.Timestamp" => {
            let seconds = 1_600_000_000 + i64::from(number) * 1_000 + i64::from(variant);
            time(Timestamp { seconds, nanos: 123_456_000 })
        }
        Kind::Message(kind) if kind.full_name() == "google.protobuf.Struct" => {
            json(&Struct { fields: [(format!("key-{variant}"), f64::from(variant).into())].into() })
        }
        other => panic!("say here how to fill {} of kind {other:?}", field.name()),
    }
}

/// A user with every field that a create may set.
pub(crate) fn filled(variant: u8) -> UserDto {
    let fields: Vec<_> = writable().collect();
    with(&UserDto::default(), fields.iter().map(|field| (field.name(), sample(field, variant))))
}

/// The user as a caller could have sent them: what the server sets is taken off.
pub(crate) fn sent(user: &UserDto) -> UserDto {
    without(user, OUTPUT_ONLY)
}
