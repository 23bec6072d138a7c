//! What is kept of a password.

use std::fmt;

use argon2::{Algorithm, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;

use super::derivation::{Derivation, Scheme};
use super::{Parameters, Password, cost, format};
use crate::error::Cause;
use crate::limits;

/// How many bytes a salt has, and the fewest of argon2's.
const SALT: std::ops::RangeInclusive<usize> = 1..=64;
const ARGON2_SALT: usize = argon2::MIN_SALT_LEN;
/// How many bytes a digest has.
const DIGEST: std::ops::RangeInclusive<usize> = 16..=64;

/// What is kept of a password. Never shown.
#[derive(Clone)]
pub struct PasswordHash {
    text: String,
    derivation: Derivation,
}

impl PasswordHash {
    /// Reads a hash that was made elsewhere, of at most [`limits::PASSWORD_HASH_BYTES`]:
    /// - argon2id, argon2i, scrypt, PBKDF2 (SHA-256, SHA-512) in the PHC string format,
    /// - bcrypt (`2a`, `2b`, `2y`),
    /// - PBKDF2 as Python's passlib and Django write it.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence which does not show it. It costs too much to check, for one.
    pub fn import(text: &str) -> Result<Self, String> {
        if text.len() > limits::PASSWORD_HASH_BYTES {
            return Err(format!("must have at most {} bytes", limits::PASSWORD_HASH_BYTES));
        }
        let derivation =
            format::read(text).ok_or("must be an argon2id, argon2i, bcrypt, scrypt or PBKDF2 (SHA-256, SHA-512) hash")?;
        if !has_lengths(&derivation) {
            return Err("must have a salt of 1 to 64 bytes (8 to 64 with argon2) and a digest of 16 to 64 bytes".to_owned());
        }
        cost::check(&derivation)?;
        Ok(Self { text: text.to_owned(), derivation })
    }

    /// Reads what was kept, whatever it costs; `None`: it is none.
    #[must_use]
    pub fn stored(text: &str) -> Option<Self> {
        let derivation = format::read(text)?;
        let sound = has_lengths(&derivation) && cost::is_bearable(derivation.scheme);
        sound.then(|| Self { text: text.to_owned(), derivation })
    }

    /// The text that [`PasswordHash::stored`] reads, to be kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Derives one of argon2id from a salt of at least 8 bytes.
    pub(super) fn derive(parameters: Parameters, password: &Password, salt: &[u8], bytes: usize) -> Result<Self, Cause> {
        let mut digest = vec![0; bytes];
        let scheme = Scheme::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, parameters };
        scheme.derive(password.as_bytes(), salt, &mut digest)?;
        let encode = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
        let text = format!("$argon2id$v=19${parameters}${}${}", encode(salt), encode(&digest));
        Ok(Self { text, derivation: Derivation { scheme, salt: salt.to_owned(), digest } })
    }

    /// Whether it is of this password. It takes its time.
    pub(super) fn matches(&self, password: &Password) -> Result<bool, Cause> {
        self.derivation.matches(password.as_bytes())
    }

    /// As [`PasswordHash::matches`], also where it was made elsewhere of the same characters in pieces, as some keyboards write them.
    pub(super) fn matches_in_pieces(&self, password: &Password) -> Result<bool, Cause> {
        let pieces = password.in_pieces();
        Ok(self.matches(password)? || (pieces != password.0 && self.derivation.matches(pieces.as_bytes())?))
    }

    /// Whether no other password matches it where this one does.
    pub(super) fn is_exact(&self, password: &Password) -> bool {
        self.derivation.scheme.is_exact(password.as_bytes())
    }

    /// What it costs, when it is one of argon2id in its last version.
    pub(super) fn parameters(&self) -> Option<Parameters> {
        match self.derivation.scheme {
            Scheme::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, parameters } => Some(parameters),
            _ => None,
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<password hash>")
    }
}

fn has_lengths(Derivation { scheme, salt, digest }: &Derivation) -> bool {
    let long_enough = !matches!(scheme, Scheme::Argon2 { .. }) || salt.len() >= ARGON2_SALT;
    long_enough && SALT.contains(&salt.len()) && DIGEST.contains(&digest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `Pässword 1`, made by argon2-cffi, bcrypt, hashlib, passlib and Django.
    const KNOWN: [&str; 21] = [
        "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$oBiTKJVg14YB0bdQsEWxo5ZpM0kbP45v4xbDyGnDk6k",
        "$argon2id$v=16$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$0D3Kk0YpgOA4Q/Vpab3k2FTzHKin2Tf4+8sXJpUufzU",
        "$argon2id$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$0D3Kk0YpgOA4Q/Vpab3k2FTzHKin2Tf4+8sXJpUufzU",
        "$argon2i$v=19$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$+p5ufY+ECDJCobPr82/EbWWB59d9V9kNSvwnAC5JHTI",
        "$argon2i$v=16$m=8,t=1,p=1$c2l4dGVlbiBieXRlcyBvaw$25tE2dNj02fQ8Ve+fgnE7MrT+0fHV/7O/rtigCBImfo",
        "$argon2id$v=19$m=64,t=3,p=2$OCBieXRlcyE$Me3aQrK756WcoEFfILtkLw",
        "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyBvaw$bPYjsu/OkOiRJ9qIwuOyJbXeUW8tt6DC5V1gzDpq3K4",
        "$2a$04$nk.v9H6FuFdGY883PjifquTbMZjPsQiv61DEjLZvz3jTKIqquEdy.",
        "$2b$04$HZIM3iVzo2o4y2y7nVtiU.urb4Lce/3WkSy1b4gkqHUfFiRXTyMZ6",
        "$2y$04$HZIM3iVzo2o4y2y7nVtiU.urb4Lce/3WkSy1b4gkqHUfFiRXTyMZ6",
        "$scrypt$ln=4,r=8,p=2$c2l4dGVlbiBieXRlcyBvaw$x14QD5xP1rhW5mOYAef0GBsurRyFzXCFd5OncDLOE24",
        "$scrypt$ln=4,r=8,p=1$c2l4dGVlbiBieXRlcyBvaw$mpxhjtuY71LlgbUZhM4neguZPswY5i/rK1FzrWk3Aws",
        "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEpo",
        "$pbkdf2-sha256$i=1000$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3BQ",
        "$pbkdf2-sha256$i=1000,l=40$c2l4dGVlbiBieXRlcyBvaw$9G6UnLnl0+NqKoUG31f3Be9Pdssw0S5TL6vZsb6fEppJFs/B60ZM6A",
        "$pbkdf2-sha512$i=1000,l=32$c2l4dGVlbiBieXRlcyBvaw$5yIzV680WDgpxsDt/61MGlMpoxaB22yqhDecYLpf0Iw",
        "$pbkdf2-sha512$i=1000$c2l4dGVlbiBieXRlcyBvaw$5yIzV680WDgpxsDt/61MGlMpoxaB22yqhDecYLpf0Iy8WoxF7urml8xdlxJG9+u2mPYYxM1\
         cGirVgW51VpF63w",
        "$pbkdf2-sha256$100$./v7./v7./v7./v7./v7.w$y6vgitr1vXwJ06tG5XknJ5pUkflubF/uksWaHTQJVoQ",
        "$pbkdf2-sha512$100$c2l4dGVlbiBieXRlcyBvaw$/FgdZtK1ch4cs2kFpYGeGlANqQozo8YBdXP3H39ILtcGFtWkJYkXFuzbw45kdgQfmh.PkbT4Gq\
         yAUJ517kH1Gw",
        "pbkdf2_sha256$100$Y8vGkx3qLm0aWz5t2R7dNe$Xa4dinUFKYP66lvfOkRFmGGPDSF2dN6y0URhAAxbh9A=",
        "pbkdf2_sha512$100$salt$gdou9AjS6N/bj5dW9EN9WqWRt6ZS1rllIQduTR8d3rCf5KIu9RTKpUNvzpA3+gHbZwEQIB0V16XszX8kMgRxyw==",
    ];

    fn matches(hash: &str, password: &str) -> bool {
        PasswordHash::import(hash).unwrap().matches(&Password::new(password)).unwrap()
    }

    #[test]
    fn hashes_made_elsewhere_are_of_their_password_alone() {
        for text in KNOWN {
            assert!(matches(text, "Pässword 1") && matches(text, "Pa\u{308}ssword 1"), "{text}");
            for other in ["", "Password 1", "Pässword 1 ", "Pässword 2", "P", "P\0ssword 1"] {
                assert!(!matches(text, other), "{text} {other:?}");
            }
        }
    }

    #[test]
    fn what_is_kept_is_the_text_as_it_was_imported() {
        for text in KNOWN {
            assert_eq!(PasswordHash::import(text).unwrap().as_str(), text);
            let stored = PasswordHash::stored(text).unwrap();
            assert!(stored.as_str() == text && stored.matches(&Password::new("Pässword 1")).unwrap(), "{text}");
        }
    }

    #[test]
    fn bcrypt_reads_72_bytes_and_every_string_has_a_hash() {
        let long = "$2b$04$RBybth3cJS6KVMisCccEue8c5mhW1/IFGJ5PxHYhQ4DRs2YilsV1y";
        let password = "0123456789".repeat(7) + "ab";
        assert!(matches(long, &password) && matches(long, &format!("{password}c")));
        assert!(!matches(long, &password[..71]) && !matches(long, &format!("{}\0", &password[..71])));
        let empty = "$2b$04$kKybiey2SDkUmb0BIg7Z2.TIe9SrMD149E49/yjDR35KM4JDiz/3e";
        assert!(matches(empty, "") && !matches(empty, "a") && !matches(empty, "\0a"));
    }

    #[test]
    fn what_a_bcrypt_salt_leaves_over_is_not_read() {
        assert!(matches("$2b$04$HZIM3iVzo2o4y2y7nVtiU/urb4Lce/3WkSy1b4gkqHUfFiRXTyMZ6", "Pässword 1"));
    }

    #[test]
    fn salts_and_digests_have_bounded_lengths() {
        let text = |name: &str, salt: usize, digest: usize| {
            let encode = |bytes: usize| BASE64_STANDARD_NO_PAD.encode(vec![7; bytes]);
            format!("{name}${}${}", encode(salt), encode(digest))
        };
        for (name, least) in [("$argon2id$v=19$m=8,t=1,p=1", 8), ("$scrypt$ln=1,r=1,p=1", 1), ("$pbkdf2-sha512$i=1", 1)] {
            for (salt, digest) in [(least, 16), (64, 64)] {
                let text = text(name, salt, digest);
                assert!(
                    PasswordHash::import(&text).unwrap().matches(&Password::new("")).is_ok_and(|matches| !matches),
                    "{text}"
                );
            }
            for (salt, digest) in [(least - 1, 32), (65, 32), (16, 15), (16, 65)] {
                let text = text(name, salt, digest);
                assert!(PasswordHash::import(&text).unwrap_err().starts_with("must have a salt"), "{text}");
                assert!(PasswordHash::stored(&text).is_none(), "{text}");
            }
        }
    }

    #[test]
    fn neither_a_problem_nor_a_hash_shows_the_text() {
        for text in [KNOWN[0].replace("id", "d"), KNOWN[0].replace("m=8", "m=999999"), KNOWN[0].repeat(9)] {
            assert!(!PasswordHash::import(&text).unwrap_err().contains("oBiT"), "{text}");
        }
        let salted = |salt: usize| format!("pbkdf2_sha256$1${}${}", "a".repeat(salt), BASE64_STANDARD_NO_PAD.encode([7; 33]));
        assert_eq!(PasswordHash::import(&salted(512)).unwrap_err(), "must have at most 512 bytes");
        assert_eq!(format!("{:?}", PasswordHash::import(&salted(64)).unwrap()), "<password hash>");
    }
}
