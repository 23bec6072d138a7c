//! What SQLite itself does with the rows that Roster writes: one-row transactions, or many rows in one, on Roster's own table with its
//! indexes, and from a row that Roster wrote.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use roster::clock::monotonic;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::Result;
use crate::people;
use crate::process::{bound, output};
use crate::requests::{TOKEN, new_numbers};
use crate::tally::float;

/// Numbers that are set aside for a run: more rows than it can write.
const NUMBERS: u64 = 1_000_000;

/// What is written where, for how long.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Raw {
    /// The database, which has a user with the number that stands for others
    #[arg(long)]
    pub(crate) file: PathBuf,
    /// Rows a transaction
    #[arg(long)]
    pub(crate) rows: u64,
    /// The number of the first user
    #[arg(long)]
    first: u64,
    /// How long to write, in seconds
    #[arg(long)]
    seconds: f64,
}

impl Raw {
    /// Rows for so long, of users whom the database does not have.
    pub(crate) fn new(file: PathBuf, rows: u64, window: Duration) -> Self {
        Self { file, rows, first: new_numbers(NUMBERS), seconds: window.as_secs_f64() }
    }

    /// Writes in a process of its own, and says how many rows a second it wrote.
    pub(crate) fn run_apart(&self, variables: &[(&'static str, String)]) -> Result<f64> {
        let mut command: Command = bound(&std::env::current_exe()?);
        command.envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        command.arg("raw").arg("--file").arg(&self.file).args(["--rows", &self.rows.to_string()]);
        command.args(["--first", &self.first.to_string(), "--seconds", &self.seconds.to_string()]);
        Ok(output(&mut command)?.trim().parse()?)
    }

    /// Writes, and prints how many rows a second it wrote.
    pub(crate) fn run(&self) -> Result<()> {
        let connection = Connection::open(&self.file)?;
        // As Roster has it, but for what it needs to read.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384; \
             PRAGMA mmap_size = 268435456; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864",
        )?;
        let (columns, row) = template(&connection)?;
        let places: Vec<_> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
        let insert = format!("INSERT INTO users ({}) VALUES ({})", columns.join(", "), places.join(", "));
        let (mut begin, mut commit) = (connection.prepare("BEGIN IMMEDIATE")?, connection.prepare("COMMIT")?);
        let mut insert = connection.prepare(&insert)?;
        let (start, window) = (monotonic(), Duration::from_secs_f64(self.seconds));
        let mut number = self.first;
        while start.elapsed() < window {
            begin.execute([])?;
            for _ in 0..self.rows {
                let digits = people::digits(number);
                insert.execute(params_from_iter(row.iter().map(|value| with_number(value, &digits))))?;
                number += 1;
            }
            commit.execute([])?;
        }
        let rate = float(number - self.first) / start.elapsed().as_secs_f64();
        Ok(writeln!(std::io::stdout(), "{rate}")?)
    }
}

/// The columns, and the row of the user with the number that stands for others.
fn template(connection: &Connection) -> Result<(Vec<String>, Vec<Value>)> {
    let mut select = connection.prepare("SELECT * FROM users WHERE user_id = ?1")?;
    let columns: Vec<_> = select.column_names().iter().map(|name| format!("\"{name}\"")).collect();
    let width = columns.len();
    let row = select.query_row([people::user_id(TOKEN)], |row| (0..width).map(|index| row.get(index)).collect())?;
    Ok((columns, row))
}

fn with_number(value: &Value, digits: &str) -> Value {
    match value {
        Value::Text(text) if text.contains(TOKEN) => Value::Text(text.replace(TOKEN, digits)),
        other => other.clone(),
    }
}
