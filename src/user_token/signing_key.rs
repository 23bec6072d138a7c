//! The keys that user tokens are signed with.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

use super::Claims;
use crate::clock;
use crate::error::{Error, Result};

/// Bytes of a key.
const KEY: usize = 32;
/// What stands before the bytes of an Ed25519 key in PKCS#8 (RFC 8410), the only form that the library takes.
const PKCS8: &[u8; 16] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// An Ed25519 key that signs user tokens. Never shown.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    bytes: [u8; KEY],
    public: String,
}

/// Whether the text can be what [`SigningKey::public`] gives.
#[must_use]
pub fn is_public_key(x: &str) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(x).is_ok_and(|bytes| bytes.len() == KEY)
}

impl SigningKey {
    /// A new one of this id.
    ///
    /// # Panics
    /// When the library refuses 32 bytes, any of which are a key.
    #[must_use]
    #[expect(clippy::expect_used, reason = "any 32 bytes are a key")]
    pub fn generate(kid: String) -> Self {
        Self::from_bytes(kid, &clock::random::<KEY>()).expect("any 32 bytes are a key")
    }

    /// The key of this id; `None`: these are not the bytes of a key.
    #[must_use]
    pub fn from_bytes(kid: String, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.try_into().ok()?;
        let public = match Jwk::from_encoding_key(&encoding(&bytes), Algorithm::EdDSA).ok()?.algorithm {
            AlgorithmParameters::OctetKeyPair(pair) => pair.x,
            _ => return None,
        };
        Some(Self { kid, bytes, public })
    }

    /// The 32 bytes that [`SigningKey::from_bytes`] reads, to be kept encrypted.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; KEY] {
        self.bytes
    }

    /// What tokens call it.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half, as the member `x` of a JWK has it: base64url without padding.
    #[must_use]
    pub fn public(&self) -> String {
        self.public.clone()
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn sign(&self, claims: &Claims) -> Result<String> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &self.encoding()).map_err(Error::internal)
    }

    pub(super) fn encoding(&self) -> EncodingKey {
        encoding(&self.bytes)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the signing key {}", self.kid)
    }
}

fn encoding(bytes: &[u8; KEY]) -> EncodingKey {
    EncodingKey::from_ed_der(&[&PKCS8[..], bytes].concat())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn a_key_is_had_back_with_its_bytes_and_shown_by_its_id_alone() {
        let key = SigningKey::generate("kid".to_owned());
        let again = SigningKey::from_bytes("kid".to_owned(), &key.to_bytes()).unwrap();
        assert_eq!((again.to_bytes(), again.public(), again.kid()), (key.to_bytes(), key.public(), "kid"));
        assert_ne!(SigningKey::generate("kid".to_owned()).public(), key.public());
        assert_eq!(format!("{key:?}"), "the signing key kid");
        for bytes in [&[][..], &[7; 31], &[7; 33]] {
            assert!(SigningKey::from_bytes("kid".to_owned(), bytes).is_none());
        }
    }

    #[test]
    fn the_public_half_is_that_of_rfc_8037() {
        let seed = BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = SigningKey::from_bytes("kid".to_owned(), &seed).unwrap();
        assert_eq!(key.public(), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }
}
