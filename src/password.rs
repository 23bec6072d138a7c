//! Passwords, and the hashes that are kept of them. Nothing here knows of the database.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

mod argon2id;
mod cost;
mod derivation;
mod format;
mod hash;
mod hashing;
mod parameters;

pub use argon2id::{Argon2id, Checked};
pub use hash::PasswordHash;
pub use hashing::{Hashing, Place, Turn, Work};
pub use parameters::Parameters;

/// The fewest characters of a password that is better than [`Level::Low`].
const MEDIUM_CHARACTERS: usize = 6;

/// A password in clear. Never shown.
///
/// Kept in NFC: keyboards write the same character in more than one way.
#[derive(Clone)]
pub struct Password(String);

/// How strong a password is (the seeds' rule).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Fewer than 6 characters, or all of one kind.
    Low,
    /// Two of letters, digits and others.
    Medium,
    /// All three.
    High,
}

impl Password {
    /// Reads a password as a user has written it. Its length is not checked.
    #[must_use]
    pub fn new(written: &str) -> Self {
        Self(written.nfc().collect())
    }

    /// How strong it is.
    #[must_use]
    pub fn level(&self) -> Level {
        if self.0.chars().count() < MEDIUM_CHARACTERS {
            return Level::Low;
        }
        let has = |kind: fn(char) -> bool| u8::from(self.0.chars().any(kind));
        // Roman numerals and their like are both; they count as digits.
        let is_letter = |character: char| character.is_alphabetic() && !character.is_numeric();
        match has(is_letter) + has(char::is_numeric) + has(|character| !character.is_alphanumeric()) {
            3 => Level::High,
            2 => Level::Medium,
            _ => Level::Low,
        }
    }

    /// The same in NFD.
    fn in_pieces(&self) -> String {
        self.0.nfd().collect()
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<password>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_told_by_length_and_kinds_of_characters() {
        for (password, level) in [
            ("", Level::Low),
            ("a1!b2", Level::Low),
            ("abcdef", Level::Low),
            ("123456", Level::Low),
            ("!?!?!?", Level::Low),
            ("密码密码密码", Level::Low),
            ("٠١٢٣٤٥", Level::Low),
            ("ⅧⅧⅧⅧⅧⅧ", Level::Low),
            ("abc123", Level::Medium),
            ("abc!!!", Level::Medium),
            ("123!!!", Level::Medium),
            ("密码密码密1", Level::Medium),
            ("abc 12", Level::High),
            ("ab12!?", Level::High),
            ("密码密码1。", Level::High),
            ("e\u{301}e\u{301}1!a", Level::Low),
            ("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}", Level::Low),
        ] {
            assert_eq!(Password::new(password).level(), level, "{password}");
        }
    }

    #[test]
    fn spellings_of_one_password_are_the_same() {
        assert_eq!(Password::new("e\u{301}").0, Password::new("\u{e9}").0);
        assert_eq!(Password::new("\u{212b}").0, "\u{c5}");
        assert_ne!(Password::new("ﬁ").0, Password::new("fi").0, "what only looks alike stays apart");
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?} {:#?}", Password::new("secret"), Some(Password::new("secret"))).matches("secret").count(), 0);
    }
}
