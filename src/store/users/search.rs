//! Search (seed 004): users who have every word of a query somewhere in the searched fields.

use std::collections::BTreeSet;

use sea_orm::{Condition, ConnectionTrait};
use unicode_normalization::UnicodeNormalization;

use crate::entity::user::Column;
use crate::limits;
use crate::store::engine::search::contains;
use crate::store::lookup;
use crate::validate::{Violations, quote, text};

/// The fields that can be searched, with the columns they are searched in: the eleven of seed 004, in its order.
const FIELDS: &[(&str, &[Column])] = &[
    ("username", &[Column::Username]),
    ("nickname", &[Column::Nickname]),
    ("email", &[Column::Email]),
    ("phone", &[Column::Phone, Column::PhoneKey]),
    ("company", &[Column::Company]),
    ("name", &[Column::Name]),
    ("given_name", &[Column::GivenName]),
    ("family_name", &[Column::FamilyName]),
    ("middle_name", &[Column::MiddleName]),
    ("profile", &[Column::Profile]),
    ("preferred_username", &[Column::PreferredUsername]),
];

/// What to look for, and where.
#[derive(Clone, Debug)]
pub struct Search {
    words: Vec<String>,
    columns: Vec<Column>,
}

impl Search {
    /// Reads a request; no fields mean all of them. What is wrong goes to `violations`.
    pub fn read(query: Option<&str>, fields: &[String], violations: &mut Violations) -> Self {
        let query = query.unwrap_or_default();
        let words = violations.take("query", words(query)).unwrap_or_default();
        Self { words, columns: columns(fields, violations) }
    }

    /// All that decides who matches, as texts.
    #[must_use]
    pub fn question(&self) -> Vec<&str> {
        let mut question: Vec<_> = self.words.iter().map(String::as_str).chain([""]).collect();
        for column in &self.columns {
            question.push(lookup::name(*column));
        }
        question
    }

    /// Whether a user matches.
    pub(super) fn condition(&self, connection: &impl ConnectionTrait) -> Condition {
        let anywhere = |word: &String| {
            let mut any = Condition::any();
            for form in forms(word) {
                any = self.columns.iter().fold(any, |any, column| any.add(contains(connection, *column, &form)));
            }
            any
        };
        self.words.iter().map(anywhere).fold(Condition::all(), Condition::add)
    }
}

/// The columns of these fields, each of them once. That there are too many is among the violations already.
fn columns(fields: &[String], violations: &mut Violations) -> Vec<Column> {
    let mut chosen = BTreeSet::new();
    for (index, field) in fields.iter().enumerate().take(FIELDS.len()) {
        match FIELDS.iter().position(|(name, _)| name == field) {
            Some(place) => chosen.extend([place]),
            None => violations.add(format!("fields[{index}]"), {
                let names = FIELDS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                format!("{} is not a field that is searched; these are: {names}", quote(field))
            }),
        }
    }
    let searched = FIELDS.iter().enumerate().filter(|(place, _)| fields.is_empty() || chosen.contains(place));
    searched.flat_map(|(_, (_, columns))| *columns).copied().collect()
}

fn words(query: &str) -> Result<Vec<String>, String> {
    text::at_most(query, limits::QUERY_CHARACTERS)?;
    let words: Vec<_> = query.split_whitespace().map(ToOwned::to_owned).collect();
    match words.len() {
        0 => Err("must have a word to look for".to_owned()),
        1..=limits::QUERY_WORDS if query.contains('\0') => Err("must not contain the character U+0000".to_owned()),
        1..=limits::QUERY_WORDS => Ok(words),
        _ => Err(format!("must have at most {} words", limits::QUERY_WORDS)),
    }
}

/// The word in the forms that a stored text may have it in: composed, decomposed, and as it was written.
fn forms(word: &str) -> Vec<String> {
    let mut forms = vec![word.nfc().collect::<String>()];
    for form in [word.nfd().collect(), word.to_owned()] {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}
