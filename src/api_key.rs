//! What an API key looks like: `rk_<id>_<secret><checksum>`, base62. The checksum lets a mistyped key, and a scanner for leaked
//! ones, be told without asking the database.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock;

/// What every key of our making starts with.
const PREFIX: &str = "rk_";
/// Characters of the secret: 160 bits.
const SECRET: usize = 27;
/// Characters of the checksum: 32 bits.
const CHECKSUM: usize = 6;
/// The fewest characters of a key that somebody else made.
pub const FOREIGN_CHARACTERS: usize = 32;

/// A whole key as its holder sends it. Shown once, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new key under the id, a UUID; one that is none counts as nil.
    #[must_use]
    pub fn generate(api_key_id: &str) -> Self {
        let id = Uuid::parse_str(api_key_id).unwrap_or_default();
        let mut random = [0; 16];
        let mut secret = String::new();
        while secret.len() < SECRET {
            random.copy_from_slice(&clock::random::<16>());
            secret.push_str(&base62::encode(u128::from_be_bytes(random)));
        }
        secret.truncate(SECRET);
        let body = format!("{PREFIX}{}_{secret}", base62::encode(id.as_u128()));
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// What a caller presents; `None`: it cannot be a key, and the database need not be asked.
    #[must_use]
    pub fn presented(text: &str) -> Option<Self> {
        let plausible = if text.starts_with(PREFIX) { is_whole(text) } else { text.len() >= FOREIGN_CHARACTERS };
        plausible.then(|| Self(text.to_owned()))
    }

    /// The key itself, to be shown to its holder.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What it is stored and looked up by: SHA-256 in lower-case hex. A key has 160 bits of chance, so that it needs no slower
    /// hash.
    #[must_use]
    pub fn hash(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
        let digest = Sha256::digest(self.0.as_bytes());
        let mut text = String::with_capacity(2 * digest.len());
        text.extend(digest.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]));
        text
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("<secret>")
    }
}

/// Whether a key of our making has the checksum of what stands before it.
fn is_whole(text: &str) -> bool {
    let body = text.len().checked_sub(CHECKSUM).and_then(|length| text.split_at_checked(length));
    body.is_some_and(|(body, tail)| checksum(body) == tail)
}

fn checksum(body: &str) -> String {
    format!("{:0>width$}", base62::encode(crc32fast::hash(body.as_bytes())), width = CHECKSUM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_whole_and_none_is_like_another() {
        let id = "0190c0ff-ee00-7000-8000-000000000001";
        let (one, two) = (Secret::generate(id), Secret::generate(id));
        assert_ne!(one, two);
        assert!(one.expose().starts_with("rk_"));
        assert_eq!(one.expose().rsplit('_').next().unwrap().len(), SECRET + CHECKSUM);
        assert_eq!(Secret::presented(one.expose()).unwrap().hash(), one.hash());
        assert_eq!(one.hash().len(), 64);
        assert_eq!(format!("{one:?}"), "<secret>");
    }

    #[test]
    fn a_changed_key_is_told_by_its_checksum() {
        let key = Secret::generate("0190c0ff-ee00-7000-8000-000000000001").expose().to_owned();
        for index in 3..key.len() {
            let mut changed = key.clone().into_bytes();
            changed[index] = if changed[index] == b'x' { b'y' } else { b'x' };
            assert!(Secret::presented(&String::from_utf8(changed).unwrap()).is_none(), "{index}");
        }
        for text in ["rk_", "rk_a", "", "short", &"é".repeat(3)] {
            assert!(Secret::presented(text).is_none(), "{text}");
        }
        assert!(Secret::presented(&"f".repeat(32)).is_some());
    }
}
