//! Page tokens (AIP-158): where a list goes on, sealed so that nobody can read or make one.
//!
//! A token is good for the question it was given to, which is sealed in without being part of it, and for a day.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::clock;
use crate::limits;
use crate::proto::Timestamp;

/// Bytes of a nonce: long enough to be drawn at random.
const NONCE: usize = 24;
/// Bytes of the time at which a token was given.
const TIME: usize = 8;

/// Seals and opens page tokens.
#[derive(Clone)]
pub struct PageTokens(XChaCha20Poly1305);

impl PageTokens {
    /// Those of the key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// A token for the place, good for the question from `now` on; `None`: the place is too long to be told.
    #[must_use]
    pub fn seal(&self, question: &[u8], now: Timestamp, place: &[u8]) -> Option<String> {
        let nonce: [u8; NONCE] = clock::random();
        let told = [&now.micros().to_be_bytes(), place].concat();
        let sealed = self.0.encrypt(&XNonce::from(nonce), Payload { msg: &told, aad: question }).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// The place that the token tells; `None`: it was not given to this question, or too long ago.
    #[must_use]
    pub fn open(&self, question: &[u8], now: Timestamp, token: &str) -> Option<Vec<u8>> {
        if token.len() > limits::PAGE_TOKEN_BYTES {
            return None;
        }
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, sealed) = token.split_first_chunk::<NONCE>()?;
        let told = self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: question }).ok()?;
        let (given, place) = told.split_first_chunk::<TIME>()?;
        let end = Timestamp::from_micros(i64::from_be_bytes(*given)).plus(limits::PAGE_TOKEN_AGE);
        (now < end).then(|| place.to_vec())
    }
}

impl std::fmt::Debug for PageTokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PageTokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp { seconds: 1_800_000_000, nanos: 0 };

    #[test]
    fn a_token_tells_its_place_to_its_question_for_a_day() {
        let tokens = PageTokens::new(&[7; 32]);
        let token = tokens.seal(b"users", NOW, b"place").unwrap();
        assert_eq!(tokens.open(b"users", NOW, &token).unwrap(), b"place");
        let last = Timestamp { seconds: NOW.seconds + 86_399, nanos: 999_999_000 };
        assert!(tokens.open(b"users", last, &token).is_some());
        assert!(tokens.open(b"users", NOW.plus(limits::PAGE_TOKEN_AGE), &token).is_none());
        assert!(tokens.open(b"groups", NOW, &token).is_none());
        assert!(PageTokens::new(&[8; 32]).open(b"users", NOW, &token).is_none());
    }

    #[test]
    fn no_changed_token_opens() {
        let tokens = PageTokens::new(&[7; 32]);
        let token = tokens.seal(b"users", NOW, b"a place").unwrap();
        for index in 0..token.len() {
            for other in [b'A', b'B', b'_', b'=', b'z'] {
                let mut changed = token.clone().into_bytes();
                if std::mem::replace(&mut changed[index], other) != other {
                    let changed = String::from_utf8(changed).unwrap();
                    assert!(tokens.open(b"users", NOW, &changed).is_none(), "{index}");
                }
            }
        }
        for short in ["", "A", &token[..token.len() - 1], &token[..20]] {
            assert!(tokens.open(b"users", NOW, short).is_none());
        }
    }
}
