//! The benchmark: Roster on SQLite and on PostgreSQL beside a bare tonic server that answers with as many bytes, driven in turn and in
//! the same way. `docs/benchmark.md` is what it writes.

mod caller;
mod cases;
mod chart;
mod client;
mod closed;
mod echo;
mod footprint;
mod goals;
mod load;
mod machine;
mod markdown;
mod open;
mod options;
mod overload;
mod people;
mod pgbench;
mod postgres;
mod process;
mod progress;
mod random;
mod raw;
mod reads;
mod report;
mod requests;
mod rounds;
mod size;
mod slowsync;
mod stage;
mod tally;
mod target;
mod usage;
mod writes;
mod writes_table;

use std::fs;
use std::io::{Write, stderr, stdout};
use std::process::ExitCode;

use clap::Parser;

use crate::options::{Cli, Command, Options};
use crate::progress::say;
use crate::report::Found;
use crate::stage::Stage;

/// What is written, into the directory for it.
const DOCUMENT: &str = "benchmark.md";
const CHART: &str = "benchmark.svg";

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
    let (reads, memory) = reads::measure(&stage, options)?;
    let found = Found {
        reads,
        memory,
        writes: writes::measure(&mut stage, options)?,
        size: size::measure(&stage, options)?,
        open: open::measure(&stage, options)?,
        overload: overload::measure(&stage, options)?,
        footprint: footprint::measure(&stage, options)?,
    };
    let chart = chart::draw(&found.reads);
    let document = report::document(&found, &machine::describe(&stage)?, options, chart.as_ref().map(|_| CHART));
    write!(stdout(), "{document}")?;
    if let Some(directory) = options.out() {
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(DOCUMENT), document)?;
        chart.map_or(Ok(()), |chart| fs::write(directory.join(CHART), chart))?;
        say(&format!("written: {DOCUMENT} and {CHART}"));
    }
    Ok(())
}
