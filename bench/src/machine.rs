//! Which machine it was, when, and with what; without names of hosts or people.

use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::Timestamp;
use roster::clock::Clock;

use crate::Result;
use crate::process::output;
use crate::stage::Stage;

/// A line each of what the figures were found with.
pub(crate) fn describe(stage: &Stage) -> Result<Vec<String>> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let field = |name: &str| {
        cpus.lines().find_map(|line| Some(line.strip_prefix(name)?.trim_start_matches([' ', '\t', ':']).to_owned()))
    };
    let model = field("model name").unwrap_or_else(|| "of an unknown model".to_owned());
    let cores = std::thread::available_parallelism()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let now = Timestamp::from_microsecond(Clock::default().now().micros())?;
    let roster = output(Command::new(stage.binary()).arg("--version"))?;
    let mut lines = vec![
        format!("Date: {}", now.strftime("%Y-%m-%d")),
        format!(
            "Machine: {cores} cores ({model}), {} GB of memory, Linux {}; client, servers and databases share it",
            memory()? / 1_000_000_000,
            kernel.trim()
        ),
        format!("Roster: {}{}", roster.trim(), commit().map(|commit| format!(", commit {commit}")).unwrap_or_default()),
        format!("Echo: tonic {}", locked("tonic")),
        format!("SQLite: {}", rusqlite::version()),
    ];
    if let Some(postgres) = &stage.postgres {
        lines.push(format!(
            "PostgreSQL: {}, shared_buffers a quarter of the memory, else its defaults for what makes it durable",
            postgres.version()?
        ));
    }
    Ok(lines)
}

/// All memory that the machine has, in bytes.
pub(crate) fn memory() -> Result<u64> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    Ok(total.ok_or("a machine without memory")?.parse::<u64>()? * 1024)
}

/// The commit that was built, where git says it.
fn commit() -> Option<String> {
    let mut git = Command::new("git");
    let said = output(git.args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"])).ok()?;
    Some(said.trim().to_owned())
}

/// The version of a crate that was built.
fn locked(name: &str) -> String {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap_or_default();
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("of an unknown version").trim_matches('"').to_owned()
}
