//! The rules that hold field by field, whichever the message: read from the proto's options, so that a new field is checked
//! the day it is added. The messages inside a resource are checked with it.

use super::mask::{CREATE_ONLY, Mask, OUTPUT_ONLY};
use super::{Violations, custom_data, text};
use crate::proto::json;
use crate::proto::reflect::{Field, Reflect, Value};

/// What a resource is sent for: decides which of its fields may be named.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// To be created.
    Create,
    /// To change the fields that are present.
    Update,
    /// To change the fields of a mask; nothing outside it is looked at.
    Masked(&'a Mask),
}

/// Checks the fields of a request itself; the messages in it are checked by whoever knows their purpose.
pub fn request(message: &impl Reflect, violations: &mut Violations) {
    for (field, value) in message.each() {
        one(field, value, field.name, violations);
    }
}

/// Checks the fields of a resource that stands at `path` in the request.
pub fn resource(message: &dyn Reflect, path: &str, purpose: Purpose<'_>, violations: &mut Violations) {
    for (index, field) in message.fields().iter().enumerate() {
        let value = message.value(index);
        let name = format!("{path}.{}", field.name);
        match purpose {
            Purpose::Masked(mask) if !mask.names(field.name) => {}
            Purpose::Masked(_) if field.never_absent && !value.is_present() => {
                violations.add(name, "has no absent state: update_mask names it, so it must have a value");
            }
            Purpose::Create | Purpose::Update if field.output_only => refuse(&value, name, OUTPUT_ONLY, violations),
            Purpose::Update if field.create_only => refuse(&value, name, CREATE_ONLY, violations),
            _ => {
                one(field, value, &name, violations);
                nested(field, value, &name, violations);
            }
        }
    }
}

/// The messages inside a resource: each is set as a whole, as if it were created.
fn nested(field: &Field, value: Value<'_>, name: &str, violations: &mut Violations) {
    match value {
        Value::Message(child) => resource(child, name, Purpose::Create, violations),
        Value::Messages(list) if field.max_items > 0 && list.each().nth(field.max_items).is_some() => {
            violations.add(name, format!("must have at most {} items", field.max_items));
        }
        Value::Messages(list) => {
            for (index, child) in list.each().enumerate() {
                resource(child, &format!("{name}[{index}]"), Purpose::Create, violations);
            }
        }
        _ => {}
    }
}

fn refuse(value: &Value<'_>, name: String, problem: &str, violations: &mut Violations) {
    if value.is_present() {
        violations.add(name, problem);
    }
}

fn one(field: &Field, value: Value<'_>, name: &str, violations: &mut Violations) {
    match value {
        Value::Text(written) => {
            violations.take(name, text::check(field.text, written));
            bytes(field, written.len(), name, violations);
        }
        Value::Texts(list) => texts(field, list, name, violations),
        Value::Number(number) => {
            if let Some(minimum) = field.minimum.filter(|minimum| number < *minimum) {
                violations.add(name, format!("must be at least {minimum}"));
            }
        }
        Value::Enum(0, _) => violations.add(name, "must not be UNSPECIFIED"),
        Value::Enum(number, false) => violations.add(name, format!("{number} is not a value of this enum")),
        Value::Time(time) if !time.is_valid() => {
            violations.add(name, "must be a time of the years 0001 to 9999, with nanos of 0 to 999,999,999");
        }
        Value::Json(object) => {
            let check = if field.foreign_keys { custom_data::check_foreign } else { custom_data::check };
            check(object, name, violations);
            if field.max_bytes > 0 {
                bytes(field, json::object_to_text(object).len(), name, violations);
            }
        }
        _ => {}
    }
}

fn bytes(field: &Field, bytes: usize, name: &str, violations: &mut Violations) {
    if field.max_bytes > 0 && bytes > field.max_bytes {
        violations.add(name, format!("must have at most {} bytes", field.max_bytes));
    }
}

fn texts(field: &Field, list: &[String], name: &str, violations: &mut Violations) {
    if field.max_items > 0 && list.len() > field.max_items {
        violations.add(name, format!("must have at most {} items", field.max_items));
        return;
    }
    for (index, written) in list.iter().enumerate() {
        violations.take(&format!("{name}[{index}]"), text::check(field.text, written));
    }
}
