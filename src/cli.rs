//! The command line: `roster`, `roster keys …`, `roster config`, `roster descriptor`. What was asked for goes to standard output,
//! everything else to standard error.

mod keys;
mod migrate;
mod secrets;
mod serve;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use roster_migrations::State;

use crate::clock::Clock;
use crate::config::{self, Config, Loaded, Location, Overrides};
use crate::store::Store;
use crate::{proto, telemetry};

/// A gRPC identity service: does this user exist, who is this, what groups and roles do they hold?
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    overrides: Overrides,
}

const EXAMPLES: &str = "\
Examples:
  roster                                         serve on 127.0.0.1:50051 with ./roster.db
  roster --listen 127.0.0.1:6000 --database-url 'sqlite:///var/lib/roster/roster.db?mode=rwc'
  roster --database-url postgres://roster@db.example/roster
  roster config                                  show every setting and where it comes from
  roster keys create --name billing --scopes users:exists,users:read
  roster descriptor > roster.bin                 for ghz, buf and client builds without reflection";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve calls until SIGTERM or Ctrl-C (the default)
    Serve,
    /// Make, list, rotate and revoke API keys, also beside a serving process
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Change the keys of what is encrypted at rest, also beside a serving process
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Bring the database to the current schema, as a start does, and say what is done
    Migrate(migrate::Migrate),
    /// Check the whole database, also beside a serving process; ends with 1 where it has a fault
    Verify,
    /// Copy an SQLite database to a file, also beside a serving process, and check the copy
    Backup(verify::Backup),
    /// Print the effective settings and their sources as TOML, secrets masked
    Config,
    /// Write the API's descriptors (a binary google.protobuf.FileDescriptorSet) to standard output
    Descriptor,
}

impl Command {
    /// Whether it makes no sense without a database, which is not made for it.
    fn needs_database(&self, location: &Location) -> bool {
        match self {
            Self::Verify | Self::Secrets(_) => true,
            // Of a server it is refused, whatever there is.
            Self::Backup(_) => matches!(location, Location::Sqlite(_)),
            Self::Keys(keys) => !matches!(keys, keys::Keys::Create { .. }),
            _ => false,
        }
    }
}

/// Why a command failed, in words for whoever called it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command that the arguments name; the exit status is 0, 1 where it failed, 2 where it was not understood.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let loaded = match Config::load(&cli.overrides, config::environment()) {
        Ok(loaded) => loaded,
        Err(problems) => return complain(&problems.to_string(), 2),
    };
    match run(cli.command.unwrap_or(Command::Serve), &loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => complain(&with_causes(failure.as_ref()), 1),
    }
}

/// An error and what led to it, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn complain(problem: &str, status: u8) -> ExitCode {
    for line in problem.lines() {
        drop(writeln!(io::stderr(), "roster: {line}"));
    }
    ExitCode::from(status)
}

/// How long a thread is waited for that is still at a read nobody waits for.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

fn run(command: Command, loaded: &Loaded) -> Result<(), Failure> {
    match command {
        Command::Config => return print(loaded.effective().as_bytes()),
        Command::Descriptor => return print(proto::DESCRIPTORS),
        _ => {}
    }
    telemetry::init(&loaded.config);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        if command.needs_database(loaded.config.database_url.location()) && !is_there(&loaded.config).await? {
            return Err(format!("there is no database {}", loaded.config.database_url).into());
        }
        match command {
            Command::Keys(keys) => keys::run(keys, Store::open(&loaded.config, Clock::default()).await?).await,
            Command::Secrets(secrets) => secrets::run(secrets, &loaded.config).await,
            Command::Migrate(migrate) => migrate::run(&migrate, &loaded.config).await,
            Command::Verify => verify::run(&loaded.config).await,
            Command::Backup(backup) => verify::run_backup(&backup, &loaded.config).await,
            _ => serve::run(&loaded.config).await,
        }
    });
    runtime.shutdown_timeout(LEFT_BEHIND);
    done
}

/// Whether there is a database of ours: a file, or on a server at least one step of the schema.
async fn is_there(config: &Config) -> Result<bool, Failure> {
    Ok(match config.database_url.location() {
        Location::Sqlite(file) => file.path.exists(),
        Location::Postgres => Store::schema(config).await?.iter().any(|step| step.state != State::Pending),
    })
}

/// Writes to standard output; a reader that has seen enough is no failure.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_make_sense() {
        Cli::command().debug_assert();
    }
}
