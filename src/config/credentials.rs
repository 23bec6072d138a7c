//! The settings of user tokens and of passwords.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use super::values::whole;
use crate::password::Parameters;
use crate::validate::text::at_most;

/// The most characters in the name of an issuer or an audience.
const NAME_CHARACTERS: usize = 256;
/// How long a token may be good for.
const TTL: RangeInclusive<Duration> = Duration::from_secs(1)..=days(366);
/// How long a key may sign: long enough to be told to whoever checks tokens.
const ROTATION: RangeInclusive<Duration> = Duration::from_secs(10)..=days(366);
/// The most guesses that can be allowed, and in how long a time they are counted.
const GUESSES: u32 = 1_000_000;
const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=days(1);

/// What user tokens say, and how long they and their keys last. Whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTokens {
    /// Who gives them out, the claim `iss`: 1 to 256 characters.
    pub issuer: String,
    /// Whom they are for, the claim `aud`: 1 to 256 characters.
    pub audience: String,
    /// How long a token is good for: 1 s to 366 days.
    pub ttl: Duration,
    /// How long a key signs before the next one takes over: 10 s to 366 days.
    pub key_rotation: Duration,
}

/// How often a password may be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guesses {
    /// The most within the window, 1 to 1,000,000.
    pub most: u32,
    /// How long they count: whole seconds, 1 s to 24 h.
    pub window: Duration,
}

pub(super) fn token_name(text: &str) -> Result<String, String> {
    let fits = !text.is_empty() && at_most(text, NAME_CHARACTERS).is_ok();
    if fits { Ok(text.to_owned()) } else { Err(format!("expected 1 to {NAME_CHARACTERS} characters")) }
}

pub(super) fn token_ttl(text: &str) -> Result<Duration, String> {
    duration(text, &TTL).ok_or_else(|| "expected a time from 1s to 366d, such as 90s, 15m, 1h30m or 14d".to_owned())
}

pub(super) fn token_key_rotation(text: &str) -> Result<Duration, String> {
    duration(text, &ROTATION).ok_or_else(|| "expected a time from 10s to 366d, such as 12h or 30d".to_owned())
}

pub(super) fn password_argon2(text: &str) -> Result<Parameters, String> {
    Parameters::parse(text).ok_or_else(|| {
        "expected memory in KiB, iterations and lanes in this order, such as m=19456,t=2,p=1, up to m=1048576,t=100,p=16"
            .to_owned()
    })
}

pub(super) fn password_guesses(text: &str) -> Result<Option<Guesses>, String> {
    if text == "off" {
        return Ok(None);
    }
    let guesses = text.split_once('/').and_then(|(most, window)| {
        let most = whole(most).filter(|most| (1..=GUESSES).contains(most))?;
        Some(Guesses { most, window: duration(window, &WINDOW)? })
    });
    let expected = || format!("expected off, or 1 to {GUESSES} guesses in 1s to 24h, such as 100/15m");
    guesses.map(Some).ok_or_else(expected)
}

/// Reads whole seconds within the range, as `90s`, `15m`, `1h30m` or `14d`; a day has 24 hours.
fn duration(text: &str, range: &RangeInclusive<Duration>) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let duration = Duration::try_from(span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?).ok()?;
    (duration.subsec_nanos() == 0 && range.contains(&duration)).then_some(duration)
}

const fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        for (text, seconds) in [
            ("1s", 1),
            ("90s", 90),
            ("15m", 900),
            ("1h", 3_600),
            ("1h30m", 5_400),
            ("1h 30m", 5_400),
            ("14d", 1_209_600),
            ("366d", 31_622_400),
        ] {
            assert_eq!(token_ttl(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "0s", "-1h", "1h ago", "1", "soon", "1x", "500ms", "1500ms", "1.5s", "367d", "1mo", "1y", "99999999999d"]
        {
            assert!(token_ttl(text).is_err(), "{text}");
        }
        assert_eq!(token_key_rotation("10s"), Ok(Duration::from_secs(10)));
        assert!(token_key_rotation("9s").is_err());
    }

    #[test]
    fn names_are_neither_empty_nor_long() {
        for text in ["r", "https://id.example/", &"é".repeat(256)] {
            assert_eq!(token_name(text).unwrap(), text);
        }
        assert!(token_name("").is_err() && token_name(&"é".repeat(257)).is_err());
    }

    #[test]
    fn guesses_are_a_number_in_a_time_or_off() {
        let guesses = |most, seconds| Ok(Some(Guesses { most, window: Duration::from_secs(seconds) }));
        assert_eq!(password_guesses("100/15m"), guesses(100, 900));
        assert_eq!(password_guesses("1/1s"), guesses(1, 1));
        assert_eq!(password_guesses("1000000/24h"), guesses(1_000_000, 86_400));
        assert_eq!(password_guesses("off"), Ok(None));
        for text in
            ["", "on", "100", "/15m", "100/", "0/15m", "+1/15m", "-1/15m", "1000001/15m", "1/0s", "1/25h", "1/-1h", "1/1h/1h"]
        {
            assert!(password_guesses(text).is_err(), "{text}");
        }
    }
}
