//! User tokens: JWTs that say who a user is, signed with Ed25519. Nothing here knows of the database.
//!
//! The library signs and checks signatures. What a token may say is checked here, more strictly than it would: one spelling, one
//! algorithm, one key, and the time that is given.

mod header;
mod members;
mod signing_key;
mod token_id;

pub use header::kid_of;
pub use signing_key::{SigningKey, is_public_key};
pub use token_id::TokenId;

use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::proto::Timestamp;
use header::parts;

/// How far ahead of ours the clock of a replica may be that gave out a token, in seconds.
const AHEAD: i64 = 60;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who gave it out.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The id of the user.
    pub sub: String,
    /// When it was given out, in seconds since 1970.
    pub iat: i64,
    /// From when on it is no longer good, in seconds since 1970.
    pub exp: i64,
    /// A [`TokenId`].
    pub jti: String,
    /// The organization that owns the user.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub tenant_id: Option<String>,
    /// The organization of the API key that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub org: Option<String>,
}

/// A token that is good, as far as it can tell by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub claims: Claims,
    /// What its `jti` says.
    pub id: TokenId,
}

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its own `exp` is over, and nothing else is wrong with it.
    Expired,
    /// Anything else.
    Invalid,
}

/// What the token says, where it was signed with the key of this id, whose public half is `public_x`, and is good at `now`.
///
/// # Errors
/// Why it is not good.
pub fn verify(
    token: &str,
    kid: &str,
    public_x: &str,
    issuer: &str,
    audience: &str,
    now: Timestamp,
) -> Result<Verified, Refused> {
    let verified = signed(token, kid, public_x).and_then(|members| read(members, now));
    let ours = |verified: &Verified| verified.claims.iss == issuer && verified.claims.aud == audience;
    let verified = verified.filter(ours).ok_or(Refused::Invalid)?;
    if verified.claims.exp <= now.seconds { Err(Refused::Expired) } else { Ok(verified) }
}

/// The claims that the key has signed.
fn signed(token: &str, kid: &str, public_x: &str) -> Option<Map<String, Value>> {
    kid_of(token).filter(|named| named == kid)?;
    let (message, signature) = token.rsplit_once('.')?;
    let key = DecodingKey::from_ed_components(public_x).ok()?;
    crypto::verify(signature, message.as_bytes(), &key, Algorithm::EdDSA).ok().filter(|good| *good)?;
    members::read(parts(token)?[1])
}

/// The claims of a token that is not from the future.
fn read(members: Map<String, Value>, now: Timestamp) -> Option<Verified> {
    let begun = members.get("nbf").is_none_or(|nbf| nbf.as_i64().is_some_and(|nbf| nbf <= now.seconds));
    let claims: Claims = serde_json::from_value(Value::Object(members)).ok()?;
    let id = TokenId::parse(&claims.jti)?;
    (begun && claims.iat <= now.seconds.saturating_add(AHEAD) && !claims.sub.is_empty()).then_some(Verified { claims, id })
}

/// A claim that may be left out, but not be `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use jsonwebtoken::EncodingKey;
    use serde_json::json;

    use super::*;
    use crate::limits;

    const NOW: Timestamp = Timestamp { seconds: 1_800_000_000, nanos: 999_999_000 };
    const KID: &str = "key-1";
    const HEADER: &str = r#"{"typ":"JWT","alg":"EdDSA","kid":"key-1"}"#;

    fn key() -> SigningKey {
        SigningKey::from_bytes(KID.to_owned(), &[7; 32]).unwrap()
    }

    fn claims() -> Claims {
        Claims {
            iss: "issuer".to_owned(),
            aud: "audience".to_owned(),
            sub: "user".to_owned(),
            iat: NOW.seconds,
            exp: NOW.seconds + 3_600,
            jti: TokenId::new(Timestamp::from_micros(5), 2, NOW).to_string(),
            tenant_id: None,
            org: Some("organization".to_owned()),
        }
    }

    fn check(token: &str) -> Result<Verified, Refused> {
        verify(token, KID, &key().public(), "issuer", "audience", NOW)
    }

    fn is_invalid(token: &str) -> bool {
        check(token) == Err(Refused::Invalid)
    }

    /// A token of any header and claims.
    fn raw(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
        let message = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
        format!("{message}.{}", crypto::sign(message.as_bytes(), key, algorithm).unwrap())
    }

    /// One that is signed with the right key.
    fn ours(header: &str, claims: &str) -> String {
        raw(header, claims, &key().encoding(), Algorithm::EdDSA)
    }

    /// Good claims but for one, which is left out where it is `Null`.
    fn with(name: &str, value: Value) -> String {
        let mut claims = json!(claims());
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        claims.to_string()
    }

    /// The text with something more in its object.
    fn more(object: &str, member: &str) -> String {
        format!("{},{member}}}", object.strip_suffix('}').unwrap())
    }

    #[test]
    fn what_is_signed_verifies() {
        let claims = claims();
        let token = key().sign(&claims).unwrap();
        assert_eq!(kid_of(&token).as_deref(), Some(KID));
        let id = TokenId::parse(&claims.jti).unwrap();
        assert_eq!(check(&token).unwrap(), Verified { claims: claims.clone(), id });
        let [header, said, _] = parts(&token).unwrap().map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
        assert_eq!(String::from_utf8(header).unwrap(), HEADER);
        assert!(!String::from_utf8(said).unwrap().contains("tenant_id"), "absent is absent");
        let owned = Claims { tenant_id: Some("organization".to_owned()), org: None, ..claims.clone() };
        assert_eq!(check(&key().sign(&owned).unwrap()).unwrap().claims, owned);
        assert!(check(&ours(HEADER, &more(&json!(claims).to_string(), r#""extra":{"a":[1]}"#))).is_ok(), "others may add");
    }

    #[test]
    fn no_other_algorithm_or_key_is_taken() {
        let said = json!(claims()).to_string();
        let public = key().public();
        let der = [&b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..], &BASE64_URL_SAFE_NO_PAD.decode(&public).unwrap()];
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der.concat()));
        for secret in [&BASE64_URL_SAFE_NO_PAD.decode(&public).unwrap()[..], public.as_bytes(), pem.as_bytes(), b""] {
            let secret = EncodingKey::from_secret(secret);
            for alg in ["HS256", "EdDSA"] {
                assert!(is_invalid(&raw(&HEADER.replace("EdDSA", alg), &said, &secret, Algorithm::HS256)), "{alg}");
            }
        }
        for alg in ["none", "None", "NONE", "", "eddsa", "ES256", "RS256"] {
            let token = ours(&HEADER.replace("EdDSA", alg), &said);
            assert!(is_invalid(&token), "{alg}");
            assert!(is_invalid(&format!("{}.", token.rsplit_once('.').unwrap().0)), "{alg} without a signature");
        }
        let other = SigningKey::generate(KID.to_owned());
        assert!(is_invalid(&other.sign(&claims()).unwrap()), "another key under the same id");
        let renamed = SigningKey::from_bytes("key-2".to_owned(), &[7; 32]).unwrap();
        assert!(is_invalid(&renamed.sign(&claims()).unwrap()), "the same key under another id");
        let token = key().sign(&claims()).unwrap();
        for public in ["", "AAAA", &public[1..], &other.public(), &format!("{public}=")] {
            assert_eq!(verify(&token, KID, public, "issuer", "audience", NOW), Err(Refused::Invalid), "{public}");
        }
    }

    #[test]
    fn a_header_names_no_other_key_and_asks_for_nothing() {
        let said = json!(claims()).to_string();
        let jwk = format!(r#""jwk":{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, key().public());
        for member in [
            jwk.as_str(),
            r#""jku":"https://example.com/jwks.json""#,
            r#""x5u":"https://example.com/x5u""#,
            r#""x5c":["AAAA"]"#,
            r#""crit":["exp"]"#,
            r#""crit":[]"#,
            r#""b64":false"#,
            r#""zip":"DEF""#,
            r#""cty":"JWT""#,
            r#""extra":null"#,
            r#""kid":"key-1""#,
            r#""alg":"EdDSA""#,
        ] {
            assert!(is_invalid(&ours(&more(HEADER, member), &said)), "{member}");
        }
    }

    #[test]
    fn every_claim_is_there_once_and_is_what_it_must_be() {
        let now = NOW.seconds;
        for (name, value) in [
            ("iss", json!("other")),
            ("iss", json!(["issuer"])),
            ("aud", json!("Audience")),
            ("aud", json!(["audience"])),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("iat", json!(now + 61)),
            ("iat", json!(i64::MAX)),
            ("iat", json!(now.to_string())),
            ("exp", json!(1.8e9)),
            ("exp", json!(u64::MAX)),
            ("nbf", json!(now + 1)),
            ("nbf", json!("0")),
            ("nbf", json!(0.5)),
            ("jti", json!("5.2.5")),
            ("tenant_id", json!(["organization"])),
            ("org", json!(7)),
        ] {
            assert!(is_invalid(&ours(HEADER, &with(name, value.clone()))), "{name}: {value}");
        }
        for (name, value) in [("iat", json!(now + 60)), ("nbf", json!(now)), ("iat", json!(-1)), ("org", Value::Null)] {
            assert!(check(&ours(HEADER, &with(name, value.clone()))).is_ok(), "{name}: {value}");
        }
        let said = json!(claims());
        for name in ["iss", "aud", "sub", "iat", "exp", "jti"] {
            assert!(is_invalid(&ours(HEADER, &with(name, Value::Null))), "no {name}");
            let twice = more(&said.to_string(), &format!("\"{name}\":{}", said[name]));
            assert!(is_invalid(&ours(HEADER, &twice)), "{name} twice");
        }
        for member in [r#""nbf":0,"nbf":0"#, r#""nbf":null"#, r#""tenant_id":null"#, r#""extra":1,"extra":1"#] {
            assert!(is_invalid(&ours(HEADER, &more(&said.to_string(), member))), "{member}");
        }
        for said in ["", "null", "[]", "{}", "{", &format!("{said}{said}")] {
            assert!(is_invalid(&ours(HEADER, said)), "{said}");
        }
    }

    #[test]
    fn a_token_expires_at_its_second_and_only_a_good_one_does() {
        for (exp, answer) in [(1, None), (0, Some(Refused::Expired)), (-3_600, Some(Refused::Expired))] {
            assert_eq!(check(&ours(HEADER, &with("exp", json!(NOW.seconds + exp)))).err(), answer, "{exp}");
        }
        assert_eq!(check(&ours(HEADER, &with("exp", json!(i64::MIN)))), Err(Refused::Expired));
        let over = key().sign(&Claims { exp: NOW.seconds, ..claims() }).unwrap();
        assert_eq!(verify(&over, KID, &key().public(), "other", "audience", NOW), Err(Refused::Invalid));
        assert!(is_invalid(&over[..over.len() - 2]));
    }

    #[test]
    fn no_bit_can_be_changed_and_no_character_be_left_out_or_added() {
        let token = key().sign(&claims()).unwrap();
        for index in 0..token.len() {
            assert!(is_invalid(&token[..index]) && is_invalid(&token[index + 1..]), "cut at {index}");
            for bit in 0..8 {
                let mut changed = token.clone().into_bytes();
                changed[index] ^= 1 << bit;
                // A string cannot hold the others.
                if let Ok(changed) = String::from_utf8(changed) {
                    assert!(is_invalid(&changed), "bit {bit} of {index}");
                }
            }
        }
        let [header, said, signature] = parts(&token).unwrap();
        for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
            let changed = format!("{}{last}", &token[..token.len() - 1]);
            assert!(changed == token || is_invalid(&changed), "one signature has one spelling, not with {last}");
        }
        for changed in [
            format!("{token}="),
            format!("{token}=="),
            format!("{header}=.{said}.{signature}"),
            format!("{header}.{said}=.{signature}"),
            format!(" {token}"),
            format!("{token} "),
            format!("{token}\n"),
            format!("{header}. {said}.{signature}"),
            format!("{token}."),
            format!(".{token}"),
            format!("{token}.{signature}"),
            format!("{header}..{said}.{signature}"),
            format!("{header}.{said}"),
            format!("{header}..{signature}"),
            format!("Bearer {token}"),
            String::new(),
            "..".to_owned(),
            "a".repeat(1_000_000),
            format!("{header}.{}.{signature}", said.repeat(1_000_000 / said.len())),
        ] {
            assert!(is_invalid(&changed), "{}", &changed[..changed.len().min(1_000)]);
        }
    }

    #[test]
    fn a_signature_has_no_second_form() {
        // The order of the group: S + L checks out where S is not held below it.
        const L: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
        let token = key().sign(&claims()).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        let mut carry = 0;
        for (index, byte) in bytes[32..].iter_mut().enumerate() {
            let sum = u16::from(*byte) + u16::from_str_radix(&L[2 * index..2 * index + 2], 16).unwrap() + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        assert!(is_invalid(&format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(&bytes))));
    }

    #[test]
    fn a_token_has_at_most_8_kib() {
        let mut said = json!(claims()).to_string();
        said.pop();
        let fill = |characters| {
            let mut said = said.clone();
            write!(said, r#","extra":"{}"}}"#, "x".repeat(characters)).unwrap();
            ours(HEADER, &said)
        };
        let fits = (5_000..7_000).map(fill).take_while(|token| token.len() <= limits::USER_TOKEN_BYTES).last().unwrap();
        assert!(fits.len() >= limits::USER_TOKEN_BYTES - 1 && check(&fits).is_ok());
        let long = fill(6_000);
        assert!(long.len() > limits::USER_TOKEN_BYTES && kid_of(&long).is_none() && is_invalid(&long));
    }
}
