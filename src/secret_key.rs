//! What is encrypted at rest, and with what: a data key encrypts columns, a master key encrypts data keys. Nothing here knows of
//! the database.
//!
//! Whatever is encrypted is bound to its place. Moved to another row, column or table, or given another key's name, it does not open.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::clock;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a nonce: long enough to be drawn at random.
const NONCE: usize = 24;
/// Bytes by which a text grows.
const OVERHEAD: usize = NONCE + 16;
/// What a ciphertext or a fingerprint is for: none can stand for another kind.
const COLUMN: &str = "roster/column/1";
const WRAP: &str = "roster/data-key/1";
const FINGERPRINT: &[u8] = b"roster/master-key/1";

/// The key that is not in the database, and without which nothing in it that is encrypted can be read. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; KEY]);

/// A key that columns are encrypted with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    key_id: String,
    bytes: [u8; KEY],
}

/// Where a ciphertext lies, and opens.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The primary key of the row.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
}

impl MasterKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(clock::random())
    }

    /// Reads 64 hexadecimal digits; `None`: they are not.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 2 * KEY && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bytes = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let bytes: Vec<u8> = if digits { bytes.collect::<Option<_>>()? } else { return None };
        bytes.try_into().ok().map(Self)
    }

    /// The digits that [`MasterKey::parse`] reads, to be kept.
    #[must_use]
    pub fn expose(&self) -> String {
        hex(&self.0)
    }

    /// A fingerprint to know it by, which can be shown: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        let hash = Sha256::new().chain_update(FINGERPRINT).chain_update(self.0).finalize();
        hex(&hash[..8])
    }

    /// The data key, to be kept; `None`: it cannot be encrypted.
    #[must_use]
    pub fn wrap(&self, key: &DataKey) -> Option<String> {
        encrypt(&self.0, &bound(&[WRAP, &self.id(), &key.key_id]), &key.bytes)
    }

    /// The data key of this id; `None`: this is not what was kept of it.
    #[must_use]
    pub fn unwrap(&self, key_id: &str, wrapped: &str) -> Option<DataKey> {
        let bytes = decrypt(&self.0, &bound(&[WRAP, &self.id(), key_id]), wrapped)?;
        Some(DataKey { key_id: key_id.to_owned(), bytes: bytes.try_into().ok()? })
    }
}

impl DataKey {
    /// A new one of this id.
    #[must_use]
    pub fn generate(key_id: String) -> Self {
        Self { key_id, bytes: clock::random() }
    }

    /// What rows call it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.key_id
    }

    /// The bytes as they are stored in this place; `None`: they are too many.
    #[must_use]
    pub fn seal(&self, place: Place<'_>, bytes: &[u8]) -> Option<String> {
        encrypt(&self.bytes, &self.bound(place), bytes)
    }

    /// What was stored in this place; `None`: it was stored elsewhere, with another key, or was changed.
    #[must_use]
    pub fn open(&self, place: Place<'_>, text: &str) -> Option<Vec<u8>> {
        decrypt(&self.bytes, &self.bound(place), text)
    }

    fn bound(&self, Place { table, row, column }: Place<'_>) -> Vec<u8> {
        bound(&[COLUMN, &self.key_id, table, row, column])
    }
}

/// Whether the text can be a wrapped data key.
#[must_use]
pub fn is_wrap(text: &str) -> bool {
    BASE64_STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == OVERHEAD + KEY)
}

/// Whether the text can be a sealed column.
#[must_use]
pub fn is_sealed(text: &str) -> bool {
    BASE64_STANDARD.decode(text).is_ok_and(|bytes| bytes.len() >= OVERHEAD)
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the master key {}", self.id())
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the data key {}", self.key_id)
    }
}

fn encrypt(key: &[u8; KEY], bound: &[u8], bytes: &[u8]) -> Option<String> {
    let nonce: [u8; NONCE] = clock::random();
    let payload = Payload { msg: bytes, aad: bound };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload).ok()?;
    Some(BASE64_STANDARD.encode([&nonce[..], &sealed].concat()))
}

fn decrypt(key: &[u8; KEY], bound: &[u8], text: &str) -> Option<Vec<u8>> {
    let text = BASE64_STANDARD.decode(text).ok()?;
    let (nonce, sealed) = text.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: sealed, aad: bound };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).ok()
}

/// The parts, each behind its length, so that no two lists of them read alike.
fn bound(parts: &[&str]) -> Vec<u8> {
    let part = |part: &&str| [&(part.len() as u64).to_be_bytes()[..], part.as_bytes()].concat();
    parts.iter().flat_map(part).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "table", row: "row", column: "column" };

    fn key(key_id: &str) -> DataKey {
        DataKey { key_id: key_id.to_owned(), bytes: [7; KEY] }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let sealed = key("key").seal(PLACE, b"text").unwrap();
        assert_eq!(key("key").open(PLACE, &sealed).unwrap(), b"text");
        assert_ne!(key("key").seal(PLACE, b"text").unwrap(), sealed, "nobody sees that two are the same");
        for place in [
            Place { table: "other", ..PLACE },
            Place { row: "other", ..PLACE },
            Place { column: "other", ..PLACE },
            Place { table: "row", row: "table", ..PLACE },
            Place { table: "tabler", row: "ow", ..PLACE },
            Place { row: "rowcolumn", column: "", ..PLACE },
        ] {
            assert!(key("key").open(place, &sealed).is_none(), "{place:?}");
        }
        assert!(key("other").open(PLACE, &sealed).is_none(), "the same bytes under another name");
        assert!(DataKey::generate("key".to_owned()).open(PLACE, &sealed).is_none());
    }

    #[test]
    fn no_changed_or_shortened_text_opens() {
        for text in ["", "a text"] {
            let sealed = key("key").seal(PLACE, text.as_bytes()).unwrap();
            assert!(is_sealed(&sealed));
            for index in 0..sealed.len() {
                for other in [b'A', b'B', b'/', b'=', b'z'] {
                    let mut changed = sealed.clone().into_bytes();
                    if std::mem::replace(&mut changed[index], other) != other {
                        assert!(key("key").open(PLACE, &String::from_utf8(changed).unwrap()).is_none(), "{index}");
                    }
                }
                assert!(key("key").open(PLACE, &sealed[..index]).is_none(), "{index}");
            }
        }
    }

    #[test]
    fn a_data_key_is_had_back_with_its_master_key_and_its_name_alone() {
        let (master, key) = (MasterKey([1; KEY]), key("key"));
        let wrapped = master.wrap(&key).unwrap();
        assert!(is_wrap(&wrapped) && !is_wrap(&wrapped[4..]));
        assert_eq!(master.unwrap("key", &wrapped), Some(key.clone()));
        assert_eq!(master.unwrap("other", &wrapped), None);
        assert_eq!(MasterKey([2; KEY]).unwrap("key", &wrapped), None);
        let column = DataKey { bytes: master.0, ..key }.seal(PLACE, &[7; KEY]).unwrap();
        assert_eq!(master.unwrap("key", &column), None, "a column is no data key, even under the same bytes");
    }

    #[test]
    fn a_master_key_is_64_digits_and_shown_by_its_fingerprint_alone() {
        let digits = "00ff".repeat(16);
        let master = MasterKey::parse(&digits).unwrap();
        assert_eq!((master.expose(), MasterKey::parse(&digits.to_uppercase())), (digits.clone(), Some(master.clone())));
        assert_eq!(format!("{master:?}"), format!("the master key {}", master.id()));
        assert!(master.id().len() == 16 && master.id() != MasterKey::generate().id());
        assert!(!format!("{:?}", key("key")).contains('7'));
        for bad in ["", &digits[1..], &format!("{digits}0"), &format!("+{}", &digits[1..]), &"é".repeat(32), &"g".repeat(64)] {
            assert!(MasterKey::parse(bad).is_none(), "{bad}");
        }
    }
}
