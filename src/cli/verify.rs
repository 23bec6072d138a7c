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
    print(format!("{}{} holds all that was answered before it began\n", table(&report), asked.file.display()).as_bytes())
}

fn table(report: &Report) -> String {
    let mut lines = format!("{:20}  {:>10}  FOUND\n", "CHECK", "LOOKED AT");
    for check in &report.checks {
        let found = if check.faults == 0 { "ok".to_owned() } else { format!("{} FAULTS", check.faults) };
        let _ = writeln!(lines, "{:20}  {:>10}  {found}", check.name, check.rows);
        for fault in &check.told {
            let _ = writeln!(lines, "  {fault}");
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

fn clear() {
    if io::stderr().is_terminal() {
        drop(write!(io::stderr(), "\r\x1b[K"));
    }
}
