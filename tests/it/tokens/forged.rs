//! `VerifyUserToken` on what is no good token: always an answer, never an error, whatever it is.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use roster::proto::VerifyUserTokenRequest;
use serde_json::{Value, json};

use super::forgery::{Forger, signed, unsigned};
use super::{EXPIRED, GOOD, INVALID, MICROSECOND, REVOKED, kid, refresh, refusal, started, token, verify};
use crate::harness::{Client, Roster, assert_invalid};
use crate::organizations::user;

async fn forging() -> (Roster, Client, Forger) {
    let (roster, client) = started().await;
    // A token tells when its user was created.
    roster.clock.advance(MICROSECOND);
    user(&client, "carl").await;
    let forger = Forger::new(&roster, &client).await;
    (roster, client, forger)
}

async fn assert_all_invalid(client: &Client, tokens: &[(&str, String)]) {
    for (what, token) in tokens {
        assert_eq!(refusal(client, token).await, INVALID, "{what}: {token:.300}");
    }
}

#[tokio::test]
async fn a_token_is_verified_with_the_key_that_it_names_or_is_it_invalid() {
    let (_roster, client, forger) = forging().await;
    assert_eq!(verify(&client, &forger.good()).await.user_id(), "ann", "else the rest would prove nothing");
    let signing = kid(&token(&client, "ann").await);
    let path = "../../../../../../dev/null";
    let kids = [
        json!("unknown"),
        json!(signing),
        json!("' OR '1'='1"),
        json!("planted'; DELETE FROM signing_keys; --"),
        json!("planted%"),
        json!("PLANTED"),
        json!(path),
        json!("/dev/null"),
        json!("planted\0"),
        json!("planted\n"),
        json!("\u{202e}"),
        json!("k".repeat(10_000)),
        json!(""),
        json!(1),
        json!(["planted"]),
        Value::Null,
    ];
    for named in kids {
        assert_eq!(refusal(&client, &forger.with_header("kid", named.clone())).await, INVALID, "{named:.100}");
    }
    let stranger = EncodingKey::from_ed_der(
        &[&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &[8; 32]].concat(),
    );
    let (header, claims) = (Forger::header().to_string(), forger.claims.to_string());
    let foreign = signed(&header, &claims, &stranger, Algorithm::EdDSA);
    assert_all_invalid(&client, &[("another key under the same id", foreign)]).await;
    assert_eq!(refusal(&client, &forger.good()).await, GOOD, "nothing was deleted");
}

#[tokio::test]
async fn no_header_chooses_how_it_is_verified() {
    let (_roster, client, forger) = forging().await;
    let claims = forger.claims.to_string();
    for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "RS256", "ES256", "eddsa", "Ed25519"] {
        let mut header = Forger::header();
        header["alg"] = json!(alg);
        let (header, bare) = (header.to_string(), unsigned(&header.to_string(), &claims));
        let tokens = [("signed", Forger::sign(&header, &claims)), ("unsigned", format!("{bare}.")), ("bare", bare)];
        assert_all_invalid(&client, &tokens).await;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&forger.public).unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": forger.public});
    for secret in [&bytes[..], forger.public.as_bytes(), jwk.to_string().as_bytes(), b""] {
        for alg in ["HS256", "EdDSA"] {
            let mut header = Forger::header();
            header["alg"] = json!(alg);
            let token = signed(&header.to_string(), &claims, &EncodingKey::from_secret(secret), Algorithm::HS256);
            assert_eq!(refusal(&client, &token).await, INVALID, "the public key as the secret of {alg}");
        }
    }
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1:1/jwks.json")),
        ("x5u", json!("http://127.0.0.1:1/x5u")),
        ("x5c", json!(["AAAA"])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
    ] {
        assert_eq!(refusal(&client, &forger.with_header(name, value)).await, INVALID, "{name}");
    }
}

#[tokio::test]
async fn claims_that_are_not_as_they_must_be_are_invalid() {
    let (roster, client, forger) = forging().await;
    let now = roster.clock.now().seconds;
    for (name, value) in [
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!(["roster"])),
        ("sub", json!("carl")),
        ("sub", json!("nobody")),
        ("sub", json!("ANN")),
        ("sub", json!("")),
        ("sub", json!("ann\0")),
        ("sub", json!("a".repeat(1_000))),
        ("iat", json!(now + 61)),
        ("iat", json!(now.to_string())),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("nbf", json!(now + 1)),
        ("jti", json!("5.0.5.AAAAAAAAAAAAAAAAAAAAAA")),
        ("jti", json!("")),
        ("tenant_id", json!(["acme"])),
        ("org", json!(7)),
    ] {
        assert_eq!(refusal(&client, &forger.with_claim(name, value.clone())).await, INVALID, "{name}: {value:.100}");
    }
    for (name, value) in [("nbf", json!(now)), ("iat", json!(now + 60)), ("exp", json!(now + 1)), ("extra", json!({"a": 1}))] {
        assert_eq!(refusal(&client, &forger.with_claim(name, value.clone())).await, GOOD, "{name}: {value}");
    }
    let (header, claims) = (Forger::header().to_string(), forger.claims.to_string());
    let twice = |object: &str, member: &str| format!("{},{member}}}", object.strip_suffix('}').unwrap());
    for member in [r#""sub":"ann""#, r#""sub":"bob""#, r#""s\u0075b":"bob""#, r#""exp":9999999999"#, r#""aud":"other""#] {
        assert_eq!(refusal(&client, &Forger::sign(&header, &twice(&claims, member))).await, INVALID, "{member} twice");
    }
    let kid = r#""kid":"planted""#;
    assert_all_invalid(&client, &[("kid twice", Forger::sign(&twice(&header, kid), &claims))]).await;
    let jti = forger.claims["jti"].as_str().unwrap().replacen(".0.", ".1.", 1);
    assert_eq!(refusal(&client, &forger.with_claim("jti", json!(jti))).await, REVOKED, "of another generation");
}

#[tokio::test]
async fn what_is_no_token_at_all_is_invalid() {
    let (_roster, client, forger) = forging().await;
    let good = forger.good();
    let [header, claims, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for length in (0..good.len()).step_by(7).chain([good.len() - 1]) {
        assert_eq!(refusal(&client, &good[..length]).await, INVALID, "cut at {length}");
    }
    let mebibyte = 1 << 20;
    let malformed = [
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}.e30.AA")),
        ("two parts", format!("{header}.{claims}")),
        ("a part that is empty", format!("{header}..{signature}")),
        ("padded", format!("{good}=")),
        ("a space in front", format!(" {good}")),
        ("a line behind", format!("{good}\n")),
        ("a scheme", format!("Bearer {good}")),
        ("NUL", format!("{good}\0")),
        ("no base64", "ä.ö.ü".to_owned()),
        ("the signature of another", format!("{header}.{}.{signature}", claims.replacen('e', "f", 1))),
        ("1 MB", "a".repeat(mebibyte)),
        ("1 MB of dots", ".".repeat(mebibyte)),
        ("1 MB of claims", format!("{header}.{}.{signature}", "A".repeat(mebibyte))),
        ("1 MB of braces", Forger::sign(&"[".repeat(mebibyte), &"{".repeat(mebibyte))),
    ];
    assert_all_invalid(&client, &malformed).await;
    assert_eq!(refusal(&client, &good).await, GOOD);
    assert_invalid(client.tokens().verify_user_token(VerifyUserTokenRequest { token: None }).await, &["token"]);
}

#[tokio::test]
async fn a_token_is_for_the_issuer_and_the_audience_that_are_set() {
    let (roster, client) = started().await;
    let good = token(&client, "ann").await;
    for setting in ["token_issuer", "token_audience"] {
        let other = roster.beside_with(&[(setting, "other")]).await;
        let stranger = other.client("*").await;
        let strange = token(&stranger, "ann").await;
        assert_eq!(kid(&strange), kid(&good), "the key is one");
        assert_eq!(refusal(&stranger, &strange).await, GOOD);
        assert_eq!((refusal(&client, &strange).await, refusal(&stranger, &good).await), (INVALID, INVALID), "{setting}");
    }
}

#[tokio::test]
async fn a_token_is_good_up_to_the_last_microsecond_before_its_second() {
    let (roster, client) = started().await;
    roster.clock.advance(MICROSECOND * 500_000);
    let refreshed = refresh(&client, "ann").await.unwrap();
    roster.clock.advance(Duration::from_micros(3_599_499_999));
    assert_eq!((roster.clock.now().seconds, roster.clock.now().nanos), (refreshed.exp - 1, 999_999_000));
    assert_eq!(refusal(&client, &refreshed.token).await, GOOD);
    roster.clock.advance(MICROSECOND);
    assert_eq!(refusal(&client, &refreshed.token).await, EXPIRED);
    // Why it is over is told of a token that is ours, and of no other.
    let (message, signature) = refreshed.token.rsplit_once('.').unwrap();
    assert_eq!(refusal(&client, &format!("{message}.{}", "A".repeat(signature.len()))).await, INVALID);
    assert_eq!(refusal(&client, &token(&client, "ann").await).await, GOOD);
}
