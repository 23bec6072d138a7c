//! What a verification finds, gathered by check.

use super::Progress;

/// The most faults of a check that are told one by one; all are counted.
const TOLD: usize = 20;
/// How many rows pass between two words on the progress.
const STEP: u64 = 10_000;

/// What was found, check by check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The checks, in the order in which they were made.
    pub checks: Vec<Checked>,
}

/// What one check found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What was looked at.
    pub name: &'static str,
    /// How many rows of it.
    pub rows: u64,
    /// How many faults they have.
    pub faults: u64,
    /// The first of the faults. They name rows by their ids, and no personal data.
    pub told: Vec<String>,
    /// What could not be looked at, if anything: it is no fault.
    pub note: Option<String>,
}

/// A check under way.
pub(super) struct Findings<'a> {
    checked: Checked,
    progress: Progress<'a>,
}

impl Report {
    /// How many faults there are.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.checks.iter().map(|check| check.faults).sum()
    }

    pub(super) fn add(&mut self, findings: Findings<'_>) {
        self.checks.push(findings.checked);
    }
}

impl<'a> Findings<'a> {
    pub(super) fn new(name: &'static str, progress: Progress<'a>) -> Self {
        progress(name, 0);
        Self { checked: Checked { name, rows: 0, faults: 0, told: Vec::new(), note: None }, progress }
    }

    /// Notes a row that was looked at.
    pub(super) fn row(&mut self) {
        self.checked.rows += 1;
        if self.checked.rows.is_multiple_of(STEP) {
            (self.progress)(self.checked.name, self.checked.rows);
        }
    }

    /// Notes rows that were looked at together.
    pub(super) fn rows(&mut self, rows: u64) {
        self.checked.rows += rows;
        (self.progress)(self.checked.name, self.checked.rows);
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, fault: impl Into<String>) {
        self.checked.faults += 1;
        if self.checked.told.len() < TOLD {
            self.checked.told.push(fault.into());
        }
    }

    /// Notes what could not be looked at.
    pub(super) fn note(&mut self, note: String) {
        self.checked.note = Some(note);
    }

    /// Notes a fault unless it is so.
    pub(super) fn expect(&mut self, holds: bool, fault: impl FnOnce() -> String) {
        if !holds {
            self.fault(fault());
        }
    }
}
