//! What the claim `jti` says.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::clock;
use crate::proto::Timestamp;

/// Bytes that tell a token from all others.
const RANDOM: usize = 16;

/// The id of a token: `<user_created>.<generation>.<issued>.<random>`, times in microseconds since 1970.
///
/// The claim `iat` has seconds only, yet a revocation holds to the microsecond; and who is deleted and created again under the same
/// id must not get the tokens of the old user. That is why the id says more than who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenId {
    /// When the user was created, after 1970.
    pub user_created: Timestamp,
    /// Which generation of the user's tokens it is of, 0 or more: a revocation can begin another.
    pub generation: i64,
    /// When the token was given out, after 1970.
    pub issued: Timestamp,
    random: [u8; RANDOM],
}

impl TokenId {
    /// A new one.
    #[must_use]
    pub fn new(user_created: Timestamp, generation: i64, issued: Timestamp) -> Self {
        Self { user_created, generation, issued, random: clock::random() }
    }

    /// Reads an id as it is displayed; `None`: it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut part = || parts.next();
        let (user_created, generation, issued) = (number(part()?)?, number(part()?)?, number(part()?)?);
        let random = BASE64_URL_SAFE_NO_PAD.decode(part()?).ok()?.try_into().ok()?;
        let [user_created, issued] = [user_created, issued].map(Timestamp::from_micros);
        parts.next().is_none().then_some(Self { user_created, generation, issued, random })
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [user_created, issued] = [self.user_created, self.issued].map(Timestamp::micros);
        write!(formatter, "{user_created}.{}.{issued}.{}", self.generation, BASE64_URL_SAFE_NO_PAD.encode(self.random))
    }
}

/// A number in its one spelling, which has neither a sign nor zeros in front.
fn number(text: &str) -> Option<i64> {
    let plain = text == "0" || !text.starts_with(['0', '-', '+']);
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_to_the_microsecond() {
        for micros in [0, 1, 1_800_000_000_000_001, i64::MAX] {
            let id = TokenId::new(Timestamp::from_micros(micros), micros, Timestamp::from_micros(7));
            assert_eq!(TokenId::parse(&id.to_string()), Some(id));
        }
        let id = TokenId { random: [0; RANDOM], ..TokenId::new(Timestamp::from_micros(5), 2, Timestamp::from_micros(7)) };
        assert_eq!(id.to_string(), "5.2.7.AAAAAAAAAAAAAAAAAAAAAA");
        assert_ne!(TokenId::new(id.user_created, 2, id.issued), TokenId::new(id.user_created, 2, id.issued));
    }

    #[test]
    fn an_id_has_one_spelling() {
        let random = "AAAAAAAAAAAAAAAAAAAAAA";
        assert!(TokenId::parse(&format!("5.2.7.{random}")).is_some());
        for numbers in [
            "",
            "5",
            "5.2",
            "5.2.7.7",
            "-5.2.7",
            "+5.2.7",
            "05.2.7",
            "5.-0.7",
            "5.00.7",
            "5.2.",
            " 5.2.7",
            "5.2.9223372036854775808",
        ] {
            assert!(TokenId::parse(&format!("{numbers}.{random}")).is_none(), "{numbers}");
        }
        for random in
            ["", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAAAA"]
        {
            assert!(TokenId::parse(&format!("5.2.7.{random}")).is_none(), "{random}");
        }
    }
}
