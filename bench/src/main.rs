//! The benchmark: Roster on SQLite and on PostgreSQL beside a bare tonic server that answers with as many bytes, driven in turn and in
//! the same way. `docs/benchmark.md` is what it writes.

mod caller;
mod cases;
mod client;
mod closed;
mod echo;
mod goals;
mod load;
mod markdown;
mod options;
mod people;
mod pgbench;
mod postgres;
mod process;
mod progress;
mod random;
mod raw;
mod reads;
mod requests;
mod rounds;
mod slowsync;
mod stage;
mod tally;
mod target;
mod usage;
mod writes;
mod writes_table;

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;

use crate::options::{Cli, Command, Options};
use crate::stage::Stage;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What fails here ends the run, in words for whoever started it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Echo) => echo::serve(),
        Some(Command::Raw(raw)) => raw.run(),
        None => run(&cli.options),
    };
    if let Err(error) = done {
        drop(writeln!(stderr(), "roster-bench: {error}"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(options: &Options) -> Result<()> {
    let roster = stage::roster(options.roster.as_deref())?;
    let mut stage = Stage::new(options.data.as_deref(), roster, &options.engines)?;
    let rows = reads::measure(&stage, options)?;
    write!(stdout(), "{}", reads::table(&rows))?;
    let writes = writes::measure(&mut stage, options)?;
    Ok(write!(stdout(), "\n{}", writes_table::table(&writes))?)
}
