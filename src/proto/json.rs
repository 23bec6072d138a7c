//! `google.protobuf.Struct` as JSON text and back: how custom data and what providers say of users are kept.

use prost_types::{ListValue, Struct, Value, value::Kind};
use serde_json::{Map, Number};

/// The value as compact JSON; a value without a kind, which no check lets pass, as null.
#[must_use]
pub fn to_text(value: &Value) -> String {
    to_json(value).to_string()
}

/// The value that the JSON text spells.
///
/// # Errors
/// When the text is not JSON.
pub fn from_text(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text).map(from_json)
}

/// The object as compact JSON.
#[must_use]
pub fn object_to_text(data: &Struct) -> String {
    object_to_json(data).to_string()
}

/// The object that the JSON text spells; `None`: it spells something else.
#[must_use]
pub fn object_from_text(text: &str) -> Option<Struct> {
    match from_text(text).ok()?.kind {
        Some(Kind::StructValue(data)) => Some(data),
        _ => None,
    }
}

fn object_to_json(data: &Struct) -> serde_json::Value {
    data.fields.iter().map(|(key, member)| (key.clone(), to_json(member))).collect::<Map<_, _>>().into()
}

fn to_json(value: &Value) -> serde_json::Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::BoolValue(flag)) => (*flag).into(),
        Some(Kind::NumberValue(number)) => number_to_json(*number),
        Some(Kind::StringValue(text)) => text.as_str().into(),
        Some(Kind::ListValue(list)) => list.values.iter().map(to_json).collect(),
        Some(Kind::StructValue(data)) => object_to_json(data),
    }
}

/// A whole number is written as one, as long as doubles tell it from its neighbours; negative zero is no whole number's spelling.
fn number_to_json(number: f64) -> serde_json::Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = number.fract() == 0.0 && number.abs() < EXACT && !(number == 0.0 && number.is_sign_negative());
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    if whole { (number as i64).into() } else { Number::from_f64(number).into() }
}

fn from_json(json: serde_json::Value) -> Value {
    let kind = match json {
        serde_json::Value::Null => Kind::NullValue(0),
        serde_json::Value::Bool(flag) => Kind::BoolValue(flag),
        serde_json::Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Kind::StringValue(text),
        serde_json::Value::Array(items) => Kind::ListValue(ListValue { values: items.into_iter().map(from_json).collect() }),
        serde_json::Value::Object(members) => {
            Kind::StructValue(Struct { fields: members.into_iter().map(|(key, member)| (key, from_json(member))).collect() })
        }
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_every_number_comes_back_equal() {
        let numbers = [0.0, -0.0, 1.0, 22.0, 0.1, -1e-7, 1e300, f64::MAX, f64::MIN_POSITIVE, 5e-324, 9_007_199_254_740_993.0];
        let mut values: Vec<_> = numbers.into_iter().map(Kind::NumberValue).collect();
        values.extend([Kind::NullValue(0), Kind::BoolValue(true), Kind::StringValue("\"\\\n界\u{1f600}".to_owned())]);
        let list = ListValue { values: values.into_iter().map(|kind| Value { kind: Some(kind) }).collect() };
        let nested = Struct { fields: [("list".to_owned(), Value { kind: Some(Kind::ListValue(list)) })].into() };
        let empty = Value { kind: Some(Kind::StructValue(Struct::default())) };
        let all = Struct {
            fields: [("nested".to_owned(), Value { kind: Some(Kind::StructValue(nested)) }), ("empty".to_owned(), empty)]
                .into(),
        };
        let value = Value { kind: Some(Kind::StructValue(all)) };
        assert_eq!(from_text(&to_text(&value)).unwrap(), value);
    }
}
