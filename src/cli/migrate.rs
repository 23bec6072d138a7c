//! `roster migrate`: brings the database to the current schema, which a start does too, and tells what it has had.

use std::fmt::Write;

use clap::Args;
use roster_migrations::{State, Status};

use super::{Failure, print};
use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;

/// What is asked of `roster migrate`.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Only tell what has been done and what there is to do; ends with 1 while there is something
    #[arg(long)]
    status: bool,
}

/// Tells what there is to do, and does it.
pub(super) async fn run(migrate: &Migrate, config: &Config) -> Result<(), Failure> {
    let steps = Store::schema(config).await?;
    let pending: Vec<_> = steps.iter().filter(|step| step.state == State::Pending).map(|step| step.name.as_str()).collect();
    if migrate.status {
        print(table(&steps).as_bytes())?;
        return if pending.is_empty() { Ok(()) } else { Err(format!("{} steps are to be run", pending.len()).into()) };
    }
    for step in &pending {
        print(format!("to run: {step}\n").as_bytes())?;
    }
    Store::open(config, Clock::default()).await?.close().await;
    let done = if pending.is_empty() { "nothing to do".to_owned() } else { format!("{} steps were run", pending.len()) };
    print(format!("{done}; the database is up to date\n").as_bytes())
}

fn table(steps: &[Status]) -> String {
    let mut lines = format!("{:32}  {:7}  WORKS WITH\n", "STEP", "STATE");
    for step in steps {
        let state = match step.state {
            State::Applied => "done",
            State::Pending => "to run",
            State::Newer => "newer",
        };
        let from = step.compatible_from.as_ref().map_or_else(|| "?".to_owned(), |from| format!("roster {from} or later"));
        let _ = writeln!(lines, "{:32}  {state:7}  {from}", step.name);
    }
    lines
}
