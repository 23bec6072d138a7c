//! `roster verify` and `roster backup`: on the database itself, also beside a serving process.

use std::fmt::Write;
use std::io::{self, IsTerminal, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::{Failure, print};
use crate::config::Config;
use crate::store::backup;
use crate::store::verify::{Report, verify};

/// What is asked of `roster backup`.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write; it must not be there yet
    file: PathBuf,
}

/// Looks at the whole database and tells what it found.
pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let report = verify(config, &tell).await?;
    clear();
    print(table(&report).as_bytes())?;
    match report.faults() {
        0 => Ok(()),
        faults => Err(format!("the database has {faults} faults").into()),
    }
}

/// Copies the database, looks at the copy, and tells what is in it.
pub(super) async fn run_backup(asked: &Backup, config: &Config) -> Result<(), Failure> {
    let report = backup::backup(config, &asked.file, &tell).await?;
    clear();
    let (table, file) = (table(&report), asked.file.display());
    let key = config.secret_key_file();
    let key = key.map_or_else(|| "ROSTER_SECRET_KEY".to_owned(), |file| format!("{}, if it is there", file.display()));
    print(
        format!(
            "{table}{file} holds all that was answered before it began\n\
             The master key of what is encrypted is not in it: keep {key}, too, but elsewhere\n"
        )
        .as_bytes(),
    )
}

fn table(report: &Report) -> String {
    let mut lines = format!("{:20}  {:>10}  FOUND\n", "CHECK", "LOOKED AT");
    for check in &report.checks {
        let found = if check.faults == 0 { "ok".to_owned() } else { format!("{} FAULTS", check.faults) };
        let _ = writeln!(lines, "{:20}  {:>10}  {found}", check.name, check.rows);
        for said in check.note.iter().chain(&check.told) {
            let _ = writeln!(lines, "  {said}");
        }
        if check.faults > check.told.len() as u64 {
            let _ = writeln!(lines, "  and {} more", check.faults - check.told.len() as u64);
        }
    }
    lines
}

/// One line that changes, where somebody looks; elsewhere a line for each check of many rows.
fn tell(name: &'static str, rows: u64) {
    if io::stderr().is_terminal() {
        drop(write!(io::stderr(), "\r\x1b[K{name}: {rows}"));
    } else if rows > 0 && rows.is_multiple_of(100_000) {
        tracing::info!(name, rows, "verifying");
    }
}

pub(super) fn clear() {
    if io::stderr().is_terminal() {
        drop(write!(io::stderr(), "\r\x1b[K"));
    }
}
