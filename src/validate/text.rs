//! Which characters and lengths a stored text may have (contract §1, "text").

use crate::limits;
use crate::proto::reflect::TextRule;

/// Whether a character changes the direction of what follows: it could make a text read as another.
#[must_use]
pub fn is_bidi_control(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Checks a text against its rule.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub fn check(rule: TextRule, text: &str) -> Result<(), String> {
    match rule {
        TextRule::Unspecified => Ok(()),
        TextRule::Line => free(text, limits::TEXT_CHARACTERS, false),
        TextRule::Block => free(text, limits::TEXT_CHARACTERS, true),
        TextRule::LongLine => free(text, limits::LONG_TEXT_CHARACTERS, false),
        TextRule::LongBlock => free(text, limits::LONG_TEXT_CHARACTERS, true),
        TextRule::Date => date(text),
        TextRule::ChosenId => drawn_from("._:|@+-", limits::CHOSEN_ID_CHARACTERS, text),
        TextRule::Code => drawn_from("._:-", limits::CODE_CHARACTERS, text),
        TextRule::Id | TextRule::Opaque if text.is_empty() => Err("must not be empty".to_owned()),
        TextRule::Id => free(text, limits::ID_CHARACTERS, false),
        TextRule::Opaque => printable(text, false),
    }
}

/// Checks that a text has at most `most` characters.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub fn at_most(text: &str, most: usize) -> Result<(), String> {
    // A character takes one byte or more, so most texts need no counting.
    let fits = text.len() <= most || text.chars().nth(most).is_none();
    if fits { Ok(()) } else { Err(format!("must have at most {most} characters")) }
}

/// Checks that a text to be stored has no control characters, but for tab and newline in a block, and no bidi controls.
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub fn printable(text: &str, block: bool) -> Result<(), String> {
    let refused = |character: &char| {
        let layout = block && matches!(character, '\t' | '\n');
        (character.is_control() && !layout) || is_bidi_control(*character)
    };
    match text.chars().find(refused) {
        None => Ok(()),
        Some(character) => Err(format!("must not contain the character U+{:04X}", u32::from(character))),
    }
}

fn free(text: &str, most: usize, block: bool) -> Result<(), String> {
    at_most(text, most)?;
    printable(text, block)
}

fn date(text: &str) -> Result<(), String> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let exists = shaped && text.parse::<jiff::civil::Date>().is_ok_and(|date| date.year() >= 1);
    if exists { Ok(()) } else { Err("must be a date written YYYY-MM-DD".to_owned()) }
}

/// ASCII letters, digits and these marks.
fn drawn_from(marks: &str, most: usize, text: &str) -> Result<(), String> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || marks.contains(character);
    if (1..=most).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    let marks: Vec<_> = marks.chars().map(String::from).collect();
    Err(format!("must have 1 to {most} characters of A-Z a-z 0-9 {}", marks.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_characters() {
        assert!(check(TextRule::Line, &"界".repeat(256)).is_ok());
        assert!(check(TextRule::Line, &"界".repeat(257)).is_err());
        assert!(check(TextRule::LongLine, &"x".repeat(2_048)).is_ok());
        assert!(check(TextRule::LongLine, &"x".repeat(2_049)).is_err());
    }

    #[test]
    fn control_and_bidi_characters_are_refused() {
        for text in ["a\0", "a\u{7f}", "a\u{85}", "a\u{202e}b", "\u{2066}a", "a\tb", "a\nb"] {
            assert!(check(TextRule::Line, text).is_err(), "{text:?}");
        }
        assert!(check(TextRule::Block, "a\tb\nc").is_ok());
        assert!(check(TextRule::Block, "a\rb").is_err());
        assert!(check(TextRule::Block, "a\0").is_err());
        assert!(check(TextRule::Line, "नमस्ते \u{200d} עברית").is_ok());
    }

    #[test]
    fn dates_exist() {
        for text in ["2022-06-03", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert!(check(TextRule::Date, text).is_ok(), "{text}");
        }
        for text in ["", "2022-6-3", "2023-02-29", "0000-01-01", "2022-06-03T00:00", "20220603", "22-06-03", "+022-06-03"] {
            assert!(check(TextRule::Date, text).is_err(), "{text}");
        }
    }

    #[test]
    fn chosen_ids_keep_to_their_alphabet() {
        for text in ["a", "auth0|123", "x@y.z", "A-1_2.3:4+5", &"a".repeat(128)] {
            assert!(check(TextRule::ChosenId, text).is_ok(), "{text}");
        }
        for text in ["", "a b", "é", "a/b", &"a".repeat(129)] {
            assert!(check(TextRule::ChosenId, text).is_err(), "{text}");
        }
    }
}
