//! The header of a token, which names the key.

use serde_json::{Map, Value};

use super::members;
use crate::limits;

/// The most characters in the id of a key.
const KID_CHARACTERS: usize = 64;

/// The id of the key that a token says it is signed with; `None`: it is none of ours. Nothing is verified yet.
#[must_use]
pub fn kid_of(token: &str) -> Option<String> {
    if token.len() > limits::USER_TOKEN_BYTES {
        return None;
    }
    let mut header = members::read(parts(token)?[0])?;
    let kid = text(&mut header, "kid")?;
    let signed = text(&mut header, "alg").is_some_and(|alg| alg == "EdDSA");
    let jwt = !header.contains_key("typ") || text(&mut header, "typ").is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"));
    let visible = (1..=KID_CHARACTERS).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic());
    // Whatever else a header can say would change what is checked, and with which key.
    (signed && jwt && visible && header.is_empty()).then_some(kid)
}

/// The header, the claims and the signature.
pub(super) fn parts(token: &str) -> Option<[&str; 3]> {
    let mut parts = token.split('.');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// Takes a member that is a text.
fn text(members: &mut Map<String, Value>, name: &str) -> Option<String> {
    match members.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    fn kid(header: &str) -> Option<String> {
        kid_of(&format!("{}.e30.AA", BASE64_URL_SAFE_NO_PAD.encode(header)))
    }

    #[test]
    fn a_header_names_the_key() {
        let long = "!".repeat(KID_CHARACTERS);
        for (header, named) in [
            (r#"{"typ":"JWT","alg":"EdDSA","kid":"key"}"#, "key"),
            (r#"{ "kid":"key", "typ":"jwt", "alg":"EdDSA" }"#, "key"),
            (r#"{"alg":"EdDSA","kid":"k"}"#, "k"),
            (&format!(r#"{{"alg":"EdDSA","kid":"{long}"}}"#), &long),
        ] {
            assert_eq!(kid(header).as_deref(), Some(named), "{header}");
        }
    }

    #[test]
    fn a_header_that_says_anything_else_names_none() {
        for header in [
            r#"{"alg":"EdDSA"}"#,
            r#"{"kid":"key"}"#,
            r#"{"alg":"EdDSA","kid":1}"#,
            r#"{"alg":"EdDSA","kid":""}"#,
            r#"{"alg":"EdDSA","kid":"a b"}"#,
            r#"{"alg":"EdDSA","kid":"é"}"#,
            r#"{"alg":"eddsa","kid":"key"}"#,
            r#"{"alg":["EdDSA"],"kid":"key"}"#,
            r#"{"typ":null,"alg":"EdDSA","kid":"key"}"#,
            r#"{"typ":"JWE","alg":"EdDSA","kid":"key"}"#,
            r#"{"alg":"EdDSA","kid":"key","kid":"key"}"#,
            r#"{"alg":"EdDSA","kid":"key","\u006bid":"key"}"#,
            r#"{"alg":"EdDSA","kid":"key","extra":null}"#,
            r#"{"alg":"EdDSA","kid":"key"} {}"#,
            r#"["JWT","EdDSA","key"]"#,
            "null",
            "",
            &format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "k".repeat(KID_CHARACTERS + 1)),
        ] {
            assert_eq!(kid(header), None, "{header}");
        }
    }

    #[test]
    fn a_token_has_three_parts() {
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"key"}"#);
        assert!(kid_of(&format!("{header}..")).is_some());
        for token in [header.clone(), format!("{header}."), format!("{header}..."), format!(".{header}.")] {
            assert_eq!(kid_of(&token), None, "{token}");
        }
    }
}
