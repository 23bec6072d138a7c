//! The rules that hold field by field: what of a resource may be sent for what, and what its values may be.

use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use prost_types::{FieldMask, Struct, value::Kind as Json};
use roster::proto::Timestamp;

use crate::dto::{NEVER_ABSENT, OUTPUT_ONLY};

/// What a resource is sent for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    Create,
    Update,
    /// Only these fields are looked at.
    Masked(Vec<String>),
}

impl Purpose {
    pub(super) fn looks_at(&self, field: &str) -> bool {
        !matches!(self, Self::Masked(mask) if !mask.iter().any(|path| path == field))
    }
}

/// What is special about a resource's fields.
pub(super) struct Rules {
    output_only: &'static [&'static str],
    create_only: &'static [&'static str],
    never_absent: &'static [&'static str],
}

pub(super) const USER: Rules = Rules { output_only: OUTPUT_ONLY, create_only: &["user_id"], never_absent: NEVER_ABSENT };

pub(super) const SET: Rules =
    Rules { output_only: &["etag", "created_at", "updated_at"], create_only: &[], never_absent: &["code"] };

pub(super) const API_KEY: Rules = Rules {
    output_only: &["api_key_id", "created_at", "created_by", "last_used_at", "revoked_at"],
    create_only: &["scopes"],
    never_absent: &[],
};

/// The fields that a mask names; none where all present are set.
pub(super) fn mask(
    mask: Option<&FieldMask>,
    resource: &MessageDescriptor,
    rules: &Rules,
) -> Result<Option<Vec<String>>, Vec<String>> {
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else { return Ok(None) };
    let set_by_server = |path: &str| rules.output_only.contains(&path) || rules.create_only.contains(&path);
    let good = |path: &&String| resource.get_field_by_name(path).is_some() && !set_by_server(path);
    let wrong = mask.paths.iter().filter(|path| !good(path)).count();
    if wrong == 0 { Ok(Some(mask.paths.clone())) } else { Err(vec!["update_mask".to_owned(); wrong]) }
}

/// The fields of a resource that are wrong.
pub(super) fn faults(sent: &[u8], kind: &MessageDescriptor, path: &str, purpose: &Purpose, rules: &Rules) -> Vec<String> {
    let sent = DynamicMessage::decode(kind.clone(), sent).unwrap();
    let mut faults = Vec::new();
    for field in kind.fields().filter(|field| purpose.looks_at(field.name())) {
        let (name, present) = (field.name(), sent.has_field(&field));
        let at = format!("{path}.{name}");
        let output_only = rules.output_only.contains(&name);
        let fixed = output_only || (*purpose != Purpose::Create && rules.create_only.contains(&name));
        match purpose {
            // The mask itself is wrong then.
            Purpose::Masked(_) if fixed => {}
            Purpose::Masked(_) if !present && rules.never_absent.contains(&name) => faults.push(at),
            _ if fixed && present => faults.push(at),
            _ if fixed => {}
            _ => value_faults(&field, &sent, &at, &mut faults),
        }
    }
    faults
}

fn value_faults(field: &FieldDescriptor, sent: &DynamicMessage, at: &str, faults: &mut Vec<String>) {
    if !sent.has_field(field) {
        return;
    }
    match (&*sent.get_field(field), field.kind()) {
        (Value::String(text), _) if !is_good(field.name(), text) => faults.push(at.to_owned()),
        (Value::List(list), Kind::String) if field.name() != "scopes" => {
            let wrong = |item: &Value| item.as_str().is_some_and(|text| !is_good(field.name(), text));
            let wrong = list.iter().enumerate().filter(|(_, item)| wrong(item));
            faults.extend(wrong.map(|(index, _)| format!("{at}[{index}]")));
        }
        (Value::EnumNumber(number), Kind::Enum(kind)) if *number == 0 || kind.get_value(*number).is_none() => {
            faults.push(at.to_owned());
        }
        (Value::I32(number), _) if *number < 0 => faults.push(at.to_owned()),
        (Value::Message(message), Kind::Message(kind)) if kind.full_name() == "google.protobuf.Timestamp" => {
            let time = Timestamp::decode(message.encode_to_vec().as_slice()).unwrap();
            if !(0..1_000_000_000).contains(&time.nanos) || !(-62_135_596_800..253_402_300_800).contains(&time.seconds) {
                faults.push(at.to_owned());
            }
        }
        (Value::Message(message), Kind::Message(kind)) if kind.full_name() == "google.protobuf.Struct" => {
            json_faults(at, &Struct::decode(message.encode_to_vec().as_slice()).unwrap(), faults);
        }
        _ => {}
    }
}

/// Whether a text is good for the field; identifiers are looked at elsewhere.
fn is_good(field: &str, text: &str) -> bool {
    let drawn_from = |marks: &str, most: usize| {
        let allowed = |character: char| character.is_ascii_alphanumeric() || marks.contains(character);
        (1..=most).contains(&text.len()) && text.chars().all(allowed)
    };
    match field {
        "email" | "phone" | "phone_country_code" | "username" | "external_id" => true,
        "user_id" => drawn_from("._:|@+-", 128),
        "code" => drawn_from("._:-", 64),
        "birthdate" => text != "2023-02-30" && text.len() == 10,
        _ => !text.chars().any(|character| matches!(character, '\0' | '\u{202e}')),
    }
}

/// What is wrong with custom data that stands at this path.
pub(super) fn json_faults(path: &str, data: &Struct, faults: &mut Vec<String>) {
    for (key, value) in &data.fields {
        if is_key(key) {
            json_value_faults(&format!("{path}.{key}"), value, faults);
        } else {
            faults.push(path.to_owned());
        }
    }
}

fn json_value_faults(path: &str, value: &prost_types::Value, faults: &mut Vec<String>) {
    match &value.kind {
        None => faults.push(path.to_owned()),
        Some(Json::NumberValue(number)) if !number.is_finite() => faults.push(path.to_owned()),
        Some(Json::StructValue(inner)) => json_faults(path, inner, faults),
        Some(Json::ListValue(list)) => {
            for (index, item) in list.values.iter().enumerate() {
                json_value_faults(&format!("{path}[{index}]"), item, faults);
            }
        }
        _ => {}
    }
}

pub(super) fn is_key(key: &str) -> bool {
    (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
