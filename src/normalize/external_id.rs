//! External ids: another system's name for a user, which only that system can compare, so it stays exactly as given.

use crate::limits;
use crate::validate::text;

/// An external id as it is stored and matched: as given.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn parse(written: &str) -> Result<String, String> {
    if written.is_empty() {
        return Err("must not be empty".to_owned());
    }
    text::at_most(written, limits::ID_CHARACTERS)?;
    text::printable(written, false)?;
    Ok(written.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_as_given() {
        for written in ["a", " a b ", "CN=José,OU=x", "Jose\u{301}", "ﬃ", "a\u{200d}b", &"界".repeat(256)] {
            assert_eq!(parse(written).as_deref(), Ok(written));
        }
    }

    #[test]
    fn lengths_and_characters_have_limits() {
        for written in ["", &"x".repeat(257), "a\0", "a\tb", "a\nb", "a\u{85}", "a\u{202e}b"] {
            assert!(parse(written).is_err(), "{written:?}");
        }
    }
}
