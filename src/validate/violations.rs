//! All that is wrong with a request, gathered so that one answer names it all (contract §1, AIP-193).

use crate::limits;

/// One problem of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field from the request, such as `user.email`.
    pub field: String,
    /// What is wrong with it, in words that suit an end of a sentence: `must be …`.
    pub description: String,
}

/// The problems found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    list: Vec<Violation>,
    bytes: usize,
    count: usize,
}

impl Violations {
    /// Notes a problem. All are counted, the first [`limits::VIOLATIONS`] are kept as far as they fit.
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.count += 1;
        let violation = Violation { field: field.into(), description: description.into() };
        let bytes = violation.field.len() + violation.description.len();
        if self.list.len() < limits::VIOLATIONS && self.bytes + bytes <= limits::VIOLATION_BYTES {
            self.bytes += bytes;
            self.list.push(violation);
        }
    }

    /// Takes on those of an item whose paths begin with `prefix` in the request; also those are counted that are not told.
    pub fn append(&mut self, prefix: &str, others: &Self) {
        for Violation { field, description } in &others.list {
            self.add(format!("{prefix}{field}"), description.clone());
        }
        self.count += others.count - others.list.len();
    }

    /// Notes the problem of a failed check and gives the value of one that passed.
    pub fn take<T>(&mut self, field: &str, checked: Result<T, impl Into<String>>) -> Option<T> {
        checked.map_err(|description| self.add(field, description)).ok()
    }

    /// Whether the number of a list's items is 1 to `most`; the items of another one need not be looked at.
    pub fn check_items(&mut self, field: &str, items: usize, most: usize) -> bool {
        let within = (1..=most).contains(&items);
        if !within {
            self.add(field, format!("must have 1 to {most} items"));
        }
        within
    }

    /// A request with one problem.
    pub fn one(field: impl Into<String>, description: impl Into<String>) -> Self {
        let mut violations = Self::default();
        violations.add(field, description);
        violations
    }

    /// Notes a problem where a value was looked for.
    pub fn refuse<T>(&mut self, field: &str, description: &str) -> Option<T> {
        self.add(field, description);
        None
    }

    /// Those that are reported.
    #[must_use]
    pub fn list(&self) -> &[Violation] {
        &self.list
    }

    /// How many there are, reported or not.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The value, if there is nothing wrong.
    ///
    /// # Errors
    /// The violations, if there are any.
    pub fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.count == 0 { Ok(value) } else { Err(self) }
    }

    /// As [`Violations::none_or`], for a value whose absence is among the violations.
    ///
    /// # Errors
    /// The violations, if there are any.
    pub fn none_or_some<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) => self.none_or(value),
            None => Err(self),
        }
    }
}

/// A piece of input as an error may show it: quoted, escaped, at most [`limits::ECHO_CHARACTERS`] characters.
#[must_use]
pub fn quote(input: &str) -> String {
    let mut shown = String::new();
    for letter in input.chars() {
        let escaped: String = letter.escape_debug().collect();
        if shown.chars().count() + escaped.chars().count() > limits::ECHO_CHARACTERS {
            shown.push('…');
            break;
        }
        shown += &escaped;
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_and_keeps_twenty() {
        let mut violations = Violations::default();
        for index in 0..50 {
            violations.add(format!("users[{index}]"), "must be given");
        }
        assert_eq!((violations.list().len(), violations.count()), (20, 50));
    }

    #[test]
    fn keeps_four_kibibytes() {
        let mut violations = Violations::default();
        for _ in 0..10 {
            violations.add("user.name", "x".repeat(1_000));
        }
        assert_eq!((violations.list().len(), violations.count()), (4, 10));
    }

    #[test]
    fn shows_little_input_and_no_control_characters() {
        assert_eq!(quote("a\u{202e}b\n"), r#""a\u{202e}b\n""#);
        assert_eq!(quote(&"x".repeat(100)), format!("\"{}…\"", "x".repeat(64)));
    }
}
