//! The command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::cases::READS;
use crate::raw::Raw;
use crate::stage::Engine;
use crate::writes::{BATCHES, CREATE};
use crate::{footprint, open, overload, size};

/// What Roster costs beside a bare tonic server that answers with as many bytes. The tables go to standard output.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What this program runs of itself in processes of their own.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve as a bare tonic server that answers with as many bytes as the path says
    Echo,
    /// Write rows into an SQLite database as fast as it takes them
    Raw(Raw),
}

/// What is measured and for how long.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many users the databases have
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// How long a server is driven in a round, in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How many rounds there are
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A short run to see that it works: 20,000 users, and 3 rounds of 0.3 seconds
    #[arg(long, conflicts_with_all = ["users", "seconds", "rounds"])]
    quick: bool,
    /// What Roster keeps its users in
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    pub(crate) engines: Vec<Engine>,
    /// What to measure, by name; without it, all
    #[arg(long, value_delimiter = ',', value_parser = parts())]
    only: Vec<String>,
    /// A directory to keep the loaded databases in, for the next run
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// Where to write benchmark.md and benchmark.svg; without it, a full run writes into docs/, and a part of one nowhere
    #[arg(long)]
    out: Option<PathBuf>,
    /// Roster's binary; without it, it is built
    #[arg(long)]
    pub(crate) roster: Option<PathBuf>,
    /// Threads that call
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// The names of all that can be measured.
fn parts() -> clap::builder::PossibleValuesParser {
    READS
        .iter()
        .map(|case| case.name)
        .chain([CREATE, BATCHES, size::NAME, open::NAME, overload::NAME, footprint::NAME])
        .collect::<Vec<_>>()
        .into()
}

/// Callers call before it counts: for this share of the time that counts, and no longer than this.
const WARM_UP: f64 = 0.25;
const LONGEST_WARM_UP: Duration = Duration::from_secs(1);

/// How long everything is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) window: Duration,
    pub(crate) rounds: usize,
    pub(crate) threads: usize,
}

impl Pace {
    /// How long callers call before it counts.
    pub(crate) fn warm_up(self) -> Duration {
        self.window.mul_f64(WARM_UP).min(LONGEST_WARM_UP)
    }
}

impl Options {
    /// How long everything is measured.
    pub(crate) fn pace(&self) -> Pace {
        let (seconds, rounds) = if self.quick { (0.3, 3) } else { (self.seconds.max(0.05), self.rounds.max(1)) };
        Pace { window: Duration::from_secs_f64(seconds), rounds, threads: self.threads.max(1) }
    }

    /// How many users the databases have.
    pub(crate) fn users(&self) -> u64 {
        if self.quick { 20_000 } else { self.users.max(1) }
    }

    /// Where the document is to be written; `None`: nowhere.
    pub(crate) fn out(&self) -> Option<PathBuf> {
        let is_full = !self.quick && self.only.is_empty();
        self.out.clone().or_else(|| is_full.then(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")))
    }

    /// Whether this is measured.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }
}
