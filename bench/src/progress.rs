//! What is going on, on standard error: a line that changes on a terminal, elsewhere a new one now and then.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use roster::clock::monotonic;
use tokio::time::Instant;

/// How often it is said, on a terminal and elsewhere.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// A piece of work that takes its time.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    total: u64,
    terminal: bool,
    said: Option<Instant>,
}

impl Progress {
    /// Work of so many steps.
    pub(crate) fn new(what: impl Into<String>, total: u64) -> Self {
        Self { what: what.into(), total, terminal: stderr().is_terminal(), said: None }
    }

    /// So many steps are done; `about` says more about where it is.
    pub(crate) fn at(&mut self, done: u64, about: &str) {
        let now = monotonic();
        let wait = if self.terminal { ON_TERMINAL } else { ELSEWHERE };
        if self.said.is_some_and(|said| now - said < wait) {
            return;
        }
        self.said = Some(now);
        let line = format!("{}: {done} of {} {about}", self.what, self.total);
        let mut out = stderr();
        // Who does not see it has lost nothing.
        drop(if self.terminal { write!(out, "\r\x1b[2K{line}") } else { writeln!(out, "{line}") });
        drop(out.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.said.is_some() {
            drop(write!(stderr(), "\r\x1b[2K"));
        }
    }
}

/// Says something once.
pub(crate) fn say(line: &str) {
    drop(writeln!(stderr(), "{line}"));
}
