//! Processes that are measured: they end with this one, and say on their first line where they listen.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use roster::clock::monotonic;

use crate::Result;

/// How long a process may take to end after it was asked to.
const END: Duration = Duration::from_secs(30);

/// A command whose process is killed when we are, however we end.
pub(crate) fn bound(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it listens, as `host:port`.
    pub(crate) address: String,
    /// How long it took until it did.
    pub(crate) start: Duration,
}

impl Process {
    /// Starts it and waits until it says that it listens. What it logs is appended to the file.
    pub(crate) fn serve(mut command: Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let begun = monotonic();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
        let address = lines.find_map(|line| line.ok()?.strip_prefix("listening on ").map(ToOwned::to_owned));
        let start = begun.elapsed();
        let Some(address) = address else {
            child.wait()?;
            return Err(format!("{} does not listen: {}", command.get_program().display(), tail(log)).into());
        };
        Ok(Self { child, address, start })
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) -> Result<()> {
        end(&mut self.child, "TERM")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nobody to tell.
        drop(end(&mut self.child, "TERM"));
    }
}

/// Sends the signal and waits until the process has ended, which it has to in time.
pub(crate) fn end(child: &mut Child, signal: &str) -> Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    Command::new("kill").args(["-s", signal, &child.id().to_string()]).status()?;
    let asked = monotonic();
    while child.try_wait()?.is_none() {
        if asked.elapsed() > END {
            child.kill()?;
            child.wait()?;
            return Err("a process did not end in time and was killed".into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

/// The output of a command that has to succeed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}: {}", command.get_program().display(), output.status, said.trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
