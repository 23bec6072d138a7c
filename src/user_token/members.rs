//! The JSON object in a part of a token.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The members of an object, each of which stood there once.
struct Members(Map<String, Value>);

struct Once;

/// Reads a part; `None`: it is no object in its one spelling, or a member of it stands there twice, where readers would not agree
/// which one counts.
pub(super) fn read(part: &str) -> Option<Map<String, Value>> {
    let text = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice::<Members>(&text).ok().map(|members| members.0)
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = object.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_each_member_once() {
        let read = |text: &str| read(&BASE64_URL_SAFE_NO_PAD.encode(text));
        assert_eq!(read(r#" {"a": 1, "b": {"a": 1}} "#).unwrap().len(), 2);
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"{"a":1}{"#, "[]", "1", "", &"[".repeat(5_000)] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_part_has_one_spelling() {
        assert!(read("e30").is_some());
        for part in ["e30=", "e31", "e3 0", " e30", "e30\n", "e3+", "e"] {
            assert!(read(part).is_none(), "{part}");
        }
    }
}
