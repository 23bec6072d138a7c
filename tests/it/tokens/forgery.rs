//! Tokens that no server hands out, some of them signed with a key that the server knows.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use roster::user_token::SigningKey;
use serde_json::{Value, json};

use super::{part, token};
use crate::harness::{Client, Roster};

const KID: &str = "planted";
const SEED: [u8; 32] = [7; 32];
/// What stands before the bytes of a key in PKCS#8 (RFC 8410).
const PKCS8: &[u8; 16] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// What a forger has who knows the private half of a key that has signed before.
pub(super) struct Forger {
    /// The claims of a good token of `ann`.
    pub(super) claims: Value,
    /// The public half.
    pub(super) public: String,
}

impl Forger {
    /// Plants the key in the database.
    pub(super) async fn new(roster: &Roster, client: &Client) -> Self {
        let claims = part(&token(client, "ann").await, 1);
        let public = SigningKey::from_bytes(KID.to_owned(), &SEED).unwrap().public();
        // What is sealed in the row is not the private half, which nobody needs for a key that is over.
        roster.damage();
        let columns = "kid, active_from, token_ttl, public_key, key_id, private_key";
        let plant = format!(
            "INSERT INTO signing_keys ({columns}) SELECT '{KID}', 1, token_ttl, '{public}', key_id, private_key FROM signing_keys"
        );
        roster.database.execute(&plant).await;
        Self { claims, public }
    }

    pub(super) fn header() -> Value {
        json!({"typ": "JWT", "alg": "EdDSA", "kid": KID})
    }

    /// A token of any header and claims, signed with the planted key.
    pub(super) fn sign(header: &str, claims: &str) -> String {
        let key = EncodingKey::from_ed_der(&[&PKCS8[..], &SEED].concat());
        signed(header, claims, &key, Algorithm::EdDSA)
    }

    /// A token whose header says this beside the usual.
    pub(super) fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = Self::header();
        header[name] = value;
        Self::sign(&header.to_string(), &self.claims.to_string())
    }

    /// A token with this claim; `Null` leaves it out.
    pub(super) fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        Self::sign(&Self::header().to_string(), &claims.to_string())
    }

    /// One that is good.
    pub(super) fn good(&self) -> String {
        Self::sign(&Self::header().to_string(), &self.claims.to_string())
    }
}

/// A token of any header and claims.
pub(super) fn signed(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = unsigned(header, claims);
    format!("{message}.{}", crypto::sign(message.as_bytes(), key, algorithm).unwrap())
}

/// Its header and claims alone.
pub(super) fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims))
}
