//! What custom data may hold (contract §3): keys of a small alphabet, finite numbers, bounded depth. And what an object may whose
//! keys are others' choice.
//!
//! The size of custom data is checked where it is stored, since an update may add to what is there.

use prost_types::{Struct, Value, value::Kind};

use super::{Violations, quote, text};
use crate::limits;

/// Checks the custom data that stands at `path` in the request.
pub fn check(data: &Struct, path: &str, violations: &mut Violations) {
    object(data, path, 1, Keys::Own, violations);
}

/// Checks an object that stands at `path` in the request and whose keys are others' choice.
pub fn check_foreign(data: &Struct, path: &str, violations: &mut Violations) {
    object(data, path, 1, Keys::Foreign, violations);
}

/// Whose choice the keys are.
#[derive(Clone, Copy)]
enum Keys {
    Own,
    Foreign,
}

impl Keys {
    /// The path of a member; inside a foreign object all have that of the object, since its keys are long and anything.
    fn member(self, path: &str, key: &str) -> Result<String, String> {
        match self {
            Self::Own => check_key(key).map(|()| format!("{path}.{key}")),
            Self::Foreign => match text::printable(key, false) {
                Ok(()) => Ok(path.to_owned()),
                Err(problem) => Err(format!("has a key that {problem}")),
            },
        }
    }

    fn item(self, path: &str, index: usize) -> String {
        match self {
            Self::Own => format!("{path}[{index}]"),
            Self::Foreign => path.to_owned(),
        }
    }
}

/// Checks a key of custom data.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub fn check_key(key: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=limits::CUSTOM_DATA_KEY_CHARACTERS).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(());
    }
    let most = limits::CUSTOM_DATA_KEY_CHARACTERS;
    Err(format!("has the key {}: keys are 1 to {most} of A-Z a-z 0-9 _ -", quote(key)))
}

/// `depth`: how many objects and lists stand around the members, this one included.
fn object(data: &Struct, path: &str, depth: usize, keys: Keys, violations: &mut Violations) {
    for (key, member) in &data.fields {
        match keys.member(path, key) {
            Err(problem) => violations.add(path, problem),
            Ok(inner) => value(member, &inner, depth, keys, violations),
        }
    }
}

fn value(value: &Value, path: &str, depth: usize, keys: Keys, violations: &mut Violations) {
    match &value.kind {
        None => violations.add(path, "has no kind: send null_value for null"),
        Some(Kind::NullValue(number)) if *number != 0 => violations.add(path, format!("{number} is not a value of NullValue")),
        Some(Kind::StructValue(_) | Kind::ListValue(_)) if depth == limits::CUSTOM_DATA_DEPTH => {
            violations.add(path, format!("is nested deeper than {} objects and lists", limits::CUSTOM_DATA_DEPTH));
        }
        Some(Kind::NumberValue(number)) if !number.is_finite() => violations.add(path, "must be a finite number"),
        Some(Kind::StringValue(text)) => {
            violations.take(path, text::printable(text, true));
        }
        Some(Kind::StructValue(data)) => object(data, path, depth + 1, keys, violations),
        Some(Kind::ListValue(list)) => {
            for (index, item) in list.values.iter().enumerate() {
                self::value(item, &keys.item(path, index), depth + 1, keys, violations);
            }
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(times: usize, innermost: Kind) -> Struct {
        let mut value = Value { kind: Some(innermost) };
        for _ in 1..times {
            let data = Struct { fields: [("k".to_owned(), value)].into() };
            value = Value { kind: Some(Kind::StructValue(data)) };
        }
        Struct { fields: [("k".to_owned(), value)].into() }
    }

    fn problems(data: &Struct) -> Vec<(String, String)> {
        let mut violations = Violations::default();
        check(data, "user.custom_data", &mut violations);
        violations.list().iter().map(|violation| (violation.field.clone(), violation.description.clone())).collect()
    }

    #[test]
    fn eight_levels_fit_and_nine_do_not() {
        assert!(problems(&wrapped(8, Kind::BoolValue(true))).is_empty());
        let found = problems(&wrapped(9, Kind::BoolValue(true)));
        assert_eq!(found.len(), 1);
        assert!(found[0].0.starts_with("user.custom_data.k.k"));
    }

    #[test]
    fn numbers_are_finite_and_values_have_a_kind() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(problems(&wrapped(1, Kind::NumberValue(number)))[0].0, "user.custom_data.k");
        }
        let data = Struct { fields: [("k".to_owned(), Value { kind: None })].into() };
        assert_eq!(problems(&data)[0].0, "user.custom_data.k");
    }

    #[test]
    fn keys_keep_to_their_alphabet_at_every_depth() {
        for key in ["", "a.b", "a b", "é", "$x", &"k".repeat(65)] {
            let inner = Struct { fields: [(key.to_owned(), Value { kind: Some(Kind::NullValue(0)) })].into() };
            assert_eq!(problems(&inner)[0].0, "user.custom_data", "{key:?}");
            assert_eq!(problems(&wrapped(1, Kind::StructValue(inner)))[0].0, "user.custom_data.k", "{key:?}");
        }
    }
}
