//! How a query looks for a word inside a text: without regard to case in any script, every character standing for itself.
//!
//! The engines' own case folding knows ASCII alone, or depends on their locale. So the pattern spells each letter in all its
//! cases: `GLOB '*[Éé]*'` on SQLite, the regular expression `~ '[Éé]'` on PostgreSQL.

use std::collections::HashMap;
use std::sync::LazyLock;

use sea_orm::sea_query::{BinOper, Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend};

/// Whether the column's text contains the word.
pub(in crate::store) fn contains(connection: &impl ConnectionTrait, column: impl ColumnTrait, word: &str) -> Expr {
    let (operator, pattern) = match connection.get_database_backend() {
        DbBackend::Postgres => ("~", regex(word)),
        _ => ("GLOB", glob(word)),
    };
    column.into_expr().binary(BinOper::Custom(operator), Expr::value(pattern))
}

fn glob(word: &str) -> String {
    let plain = |letter| match letter {
        '*' | '?' | '[' => format!("[{letter}]"),
        plain => plain.to_string(),
    };
    format!("*{}*", pattern(word, plain))
}

fn regex(word: &str) -> String {
    pattern(word, |letter| if letter.is_ascii_punctuation() { format!("\\{letter}") } else { letter.to_string() })
}

/// The word's letters in all their cases; how what has no case is written, `plain` tells.
fn pattern(word: &str, plain: impl Fn(char) -> String) -> String {
    let letter = |letter: char| CASES.get(&fold(letter)).map_or_else(|| plain(letter), |cases| format!("[{cases}]"));
    word.chars().map(letter).collect()
}

/// The letters that differ in case alone, by what they fold to; what has no case is not in it.
static CASES: LazyLock<HashMap<char, String>> = LazyLock::new(|| {
    let mut cases: HashMap<char, String> = HashMap::new();
    for letter in '\0'..=char::MAX {
        if fold(letter) != letter {
            let folded = fold(letter);
            cases.entry(folded).or_insert_with(|| folded.into()).push(letter);
        }
    }
    cases
});

/// The letter in lower case, by way of its upper case, as far as these are single letters; the dot that İ keeps is none.
fn fold(letter: char) -> char {
    let upper = only(letter.to_uppercase()).unwrap_or(letter);
    only(upper.to_lowercase().filter(|letter| *letter != DOT_ABOVE)).unwrap_or(upper)
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

const DOT_ABOVE: char = '\u{307}';

#[cfg(test)]
mod tests {
    use super::*;

    fn in_all_cases(letters: &str) -> bool {
        let mut patterns = letters.chars().map(|letter| glob(&letter.to_string()));
        let first = patterns.next().unwrap();
        letters.chars().all(|letter| first.contains(letter)) && patterns.all(|pattern| pattern == first)
    }

    #[test]
    fn letters_stand_in_all_their_cases() {
        for letters in ["aA", "éÉ", "łŁ", "жЖ", "σςΣ", "kK\u{212a}", "iIİ", "ǆǅǄ", "\u{10428}\u{10400}", "ｂＢ"]
        {
            assert!(in_all_cases(letters), "{letters}");
        }
        assert_eq!(glob("王1-]^ß"), "*王1-]^[ßẞ]*");
        assert_eq!(regex("王1-ß"), "王1\\-[ßẞ]");
    }

    #[test]
    fn wildcards_stand_for_themselves() {
        assert_eq!(glob("*?[%_\\"), "*[*][?][[]%_\\*");
        assert_eq!(regex("*?[%_\\"), r"\*\?\[\%\_\\");
    }
}
