//! Usernames: composed (NFC), so that one look is one name, and case-sensitive as the seeds have them.

use unicode_normalization::UnicodeNormalization;

use super::{INVISIBLE, is_invisible};
use crate::limits;
use crate::validate::text;

/// A username as it is stored and matched, checked for a write.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn parse(written: &str) -> Result<String, String> {
    let key = key(written);
    if key.is_empty() {
        return Err("must not be empty".to_owned());
    }
    text::at_most(&key, limits::USERNAME_CHARACTERS)?;
    if key.chars().any(is_invisible) {
        return Err(INVISIBLE.to_owned());
    }
    Ok(key)
}

/// What a username is matched by. A lookup takes any: one that could not be written finds nobody.
#[must_use]
pub fn key(written: &str) -> String {
    written.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_width_stay() {
        for written in ["a", "Bob", "bob@example.com", "+8618812348888", "Ｂｏｂ", "ﬃ", "张三", "<script>", "👩"] {
            assert_eq!(parse(written).as_deref(), Ok(written));
        }
    }

    #[test]
    fn ways_to_write_a_letter_are_one() {
        for written in ["Å", "A\u{30a}", "\u{212b}"] {
            assert_eq!(parse(written).as_deref(), Ok("\u{c5}"));
            assert_eq!(key(written), "\u{c5}");
        }
        assert_eq!(key("\u{1112}\u{1161}\u{11ab}"), "한");
    }

    #[test]
    fn the_length_is_that_of_the_stored_form() {
        assert!(parse(&"界".repeat(128)).is_ok());
        assert!(parse(&"A\u{30a}".repeat(128)).is_ok());
        for written in ["", &"界".repeat(129)] {
            assert!(parse(written).is_err());
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        let characters = [
            ' ', '\t', '\0', '\u{7f}', '\u{85}', '\u{a0}', '\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2028}', '\u{3000}',
        ];
        for written in characters.iter().flat_map(|character| [format!("{character}a"), format!("a{character}b")]) {
            assert_eq!(parse(&written), Err(INVISIBLE.to_owned()), "{written:?}");
        }
    }

    #[test]
    fn a_lookup_takes_any() {
        assert_eq!(key(" a\u{202e} "), " a\u{202e} ");
        assert_eq!(key(""), "");
    }
}
