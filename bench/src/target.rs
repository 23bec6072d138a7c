//! The servers that are driven: Roster on an engine, or the echo.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::caller::Caller;
use crate::client::Head;
use crate::closed::{Question, Run, drive};
use crate::echo;
use crate::postgres::Postgres;
use crate::process::{Process, bound};
use crate::requests::Requests;
use crate::stage::{Database, Engine, Launch, Stage};
use crate::tally::{Tally, float};
use crate::usage;

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Target<'stage> {
    pub(crate) process: Process,
    /// What Roster keeps its users in; `None`: it is the echo.
    pub(crate) database: Option<Database>,
    /// The file that its database is.
    file: Option<PathBuf>,
    /// Who works for it.
    postgres: Option<&'stage Postgres>,
}

impl<'stage> Target<'stage> {
    /// Roster on the database.
    pub(crate) fn roster(stage: &'stage Stage, database: &Database, launch: &Launch) -> Result<Self> {
        let postgres = if database.engine == Engine::Postgres { Some(stage.server()?) } else { None };
        let file = if postgres.is_none() { Some(stage.sqlite_file(&database.name)) } else { None };
        let process = stage.serve(database, launch)?;
        let target = Self { process, database: Some(database.clone()), file, postgres };
        target.warm()?;
        Ok(target)
    }

    /// Has its database in memory, as far as it fits, as it is where a server has run for a while: what is read from a disk for the
    /// first time says nothing of the server, and Linux drops what nobody has used while others were measured.
    pub(crate) fn warm(&self) -> Result<()> {
        if let Some(file) = &self.file {
            io::copy(&mut File::open(file)?, &mut io::sink())?;
        }
        match (self.postgres, &self.database) {
            (Some(postgres), Some(database)) => postgres.warm(&database.name),
            _ => Ok(()),
        }
    }

    /// The echo.
    pub(crate) fn echo(stage: &Stage) -> Result<Self> {
        let mut command = bound(&std::env::current_exe()?);
        command.arg("echo");
        Ok(Self { process: Process::serve(command, &stage.file("echo.log"))?, database: None, file: None, postgres: None })
    }

    /// `None`: the echo.
    pub(crate) fn engine(&self) -> Option<Engine> {
        self.database.as_ref().map(|database| database.engine)
    }

    /// Somebody who calls it.
    pub(crate) fn caller(&self) -> Result<Caller> {
        Caller::new(&self.process.address, self.database.as_ref().map_or("nobody's", |database| &database.key))
    }

    /// These requests for this path.
    pub(crate) fn question(&self, path: &str, requests: &Arc<Requests>) -> Result<Question> {
        // The echo is sent a key too, though it does not look.
        let key = self
            .database
            .as_ref()
            .map_or("rk_0000000000000000_0000000000000000000000000000000000000000000", |known| &known.key);
        let (address, requests) = (self.process.address.clone(), Arc::clone(requests));
        Ok(Question { address, head: Head::new(path, key)?, requests })
    }

    /// The processor time that it has had, and what works for it.
    fn cpu(&self) -> Result<Duration> {
        let own = usage::cpu(self.process.id(), false)?;
        Ok(own + self.postgres.map_or(Ok(Duration::ZERO), |postgres| usage::cpu(postgres.id(), true))?)
    }

    /// Drives it, and says how much processor time that took.
    pub(crate) fn drive(&self, question: &Question, run: Run) -> Result<(Tally, Duration)> {
        let mut times = Vec::new();
        let tally = drive(question, run, || times.push(self.cpu()))?;
        let mut times = times.into_iter();
        let (before, after) = times.next().zip(times.next()).ok_or("nobody called")?;
        Ok((tally, after?.saturating_sub(before?)))
    }

    /// Counts the statements that the database is sent meanwhile; `None`: it cannot say.
    pub(crate) fn count_statements(&self, during: impl FnOnce() -> Result<u64>) -> Result<Option<f64>> {
        let (Some(postgres), Some(database)) = (self.postgres, &self.database) else { return Ok(None) };
        postgres.count_statements(true)?;
        let before = postgres.statements(&database.name)?;
        let calls = during()?;
        let after = postgres.statements(&database.name)?;
        postgres.count_statements(false)?;
        let more = after.zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(more.map(|statements| float(statements) / float(calls.max(1))))
    }
}

/// What a server is called in the tables.
pub(crate) fn name(engine: Option<Engine>) -> String {
    engine.map_or_else(|| "echo".to_owned(), |engine| engine.to_string())
}

/// The path that the echo answers as Roster answers these requests, and how long the answers are.
pub(crate) fn echo_path(caller: &Caller, path: &str, requests: &Requests) -> Result<(String, usize)> {
    let bytes = caller.answer_bytes(path, requests)?;
    Ok((echo::path(bytes), bytes))
}
