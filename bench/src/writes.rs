//! Users that are created, one a call and a thousand a call, beside what the database itself does with the same rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use roster::proto::{
    BatchCreateUsersItem, BatchCreateUsersRequest, CreateUserRequest, CreateUserResponse, DeleteUserRequest,
    DeleteUserResponse, UserDto,
};

use crate::Result;
use crate::caller::Caller;
use crate::closed::{Question, Run, Shape, drive};
use crate::options::{Options, Pace};
use crate::people::{self, BATCH};
use crate::pgbench::{self, Script};
use crate::progress::{Progress, say};
use crate::raw::Raw;
use crate::requests::{Requests, TOKEN, Template};
use crate::slowsync;
use crate::stage::{Database, Engine, Launch, Stage};
use crate::tally::{Tally, float, median};
use crate::target::{Target, echo_path};

/// What it is called on the command line: users one by one, and by the thousand.
pub(crate) const CREATE: &str = "create-user";
pub(crate) const BATCHES: &str = "batch-create-users";

const CREATE_PATH: &str = "/roster.v1.UserService/CreateUser";
const DELETE_PATH: &str = "/roster.v1.UserService/DeleteUser";
const BATCH_PATH: &str = "/roster.v1.UserService/BatchCreateUsers";
/// 128 calls at once, one at a time, and batches: one is answered while the next is on its way.
const BUSY: Shape = Shape::new(8, 16);
const ALONE: Shape = Shape::new(1, 1);
const BATCHED: Shape = Shape::new(1, 2);
/// What pgbench has at once: more do not write more on a few cores.
const CLIENTS: u64 = 16;
const BULK_CLIENTS: u64 = 2;

/// Who creates users, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// The echo, for requests and answers of the same size.
    EchoBusy,
    EchoAlone,
    EchoBatched,
    /// Roster.
    Busy,
    Alone,
    Batched,
    /// The database itself, a transaction a user, and a transaction a thousand.
    One,
    Many,
}

impl Way {
    /// How many calls are on their way, of callers.
    fn shape(self) -> Option<Shape> {
        match self {
            Self::EchoBusy | Self::Busy => Some(BUSY),
            Self::EchoAlone | Self::Alone => Some(ALONE),
            Self::EchoBatched | Self::Batched => Some(BATCHED),
            Self::One | Self::Many => None,
        }
    }

    fn is_echo(self) -> bool {
        matches!(self, Self::EchoBusy | Self::EchoAlone | Self::EchoBatched)
    }

    fn is_batched(self) -> bool {
        matches!(self, Self::EchoBatched | Self::Batched | Self::Many)
    }
}

/// What came of a way in all rounds.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Users a second, in each round.
    rates: Vec<f64>,
    pub(crate) sum: Tally,
    /// Processor time of a user, in microseconds; `None`: it was not looked at.
    pub(crate) cpu: Option<f64>,
    /// Statements that the database was sent for a user.
    pub(crate) statements: Option<f64>,
}

/// All ways on an engine.
#[derive(Clone, Debug)]
pub(crate) struct Writes {
    pub(crate) engine: Engine,
    /// Whether an fsync takes a millisecond longer.
    pub(crate) slow: bool,
    pub(crate) ways: BTreeMap<Way, Series>,
}

impl Writes {
    /// Users a second, in the median.
    pub(crate) fn rate(&self, way: Way) -> Option<f64> {
        self.ways.get(&way).map(|series| median(series.rates.iter().copied()))
    }

    /// How much faster one way is than another, in the median of the rounds.
    pub(crate) fn ratio(&self, way: Way, other: Way) -> Option<f64> {
        let (one, other) = (self.ways.get(&way)?, self.ways.get(&other)?);
        Some(median(one.rates.iter().zip(&other.rates).map(|(one, other)| one / other)))
    }
}

/// Measures on copies of the databases, first as the disk is, then with a slower one.
pub(crate) fn measure(stage: &mut Stage, options: &Options) -> Result<Vec<Writes>> {
    if !options.wants(CREATE) && !options.wants(BATCHES) {
        return Ok(Vec::new());
    }
    let mut measured = Vec::new();
    let slower = slowsync::variables(stage)?;
    if slower.is_none() {
        say("there is no slower disk: it takes a C compiler, cc");
    }
    for engine in stage.engines(&options.engines) {
        let loaded = stage.database(engine, options.users())?;
        let copy = stage.copy(&loaded, "writes")?;
        measured.push(on(stage, &copy, &[], options)?);
        if let Some(slower) = &slower {
            if engine == Engine::Postgres {
                stage.restart_postgres(slower)?;
            }
            measured.push(on(stage, &copy, slower, options)?);
            if engine == Engine::Postgres {
                stage.restart_postgres(&[])?;
            }
        }
        stage.remove(&copy)?;
    }
    Ok(measured)
}

/// What the database itself does.
enum Baseline {
    Sqlite(Database),
    Postgres { database: String, one: Script, many: Script },
}

fn on(stage: &Stage, database: &Database, slower: &[(&'static str, String)], options: &Options) -> Result<Writes> {
    let slow = !slower.is_empty();
    let engine = database.engine;
    let baseline = baseline(stage, database)?;
    let roster = Target::roster(stage, database, &Launch { variables: slower.to_vec(), ..Launch::default() })?;
    let echo = Target::echo(stage)?;
    // The echo has no disk.
    let echoes = if slow { &[][..] } else { &[Way::EchoBusy, Way::EchoAlone, Way::EchoBatched] };
    let ways = echoes.iter().chain(&[Way::Busy, Way::Alone, Way::One, Way::Batched, Way::Many]);
    let wanted = |way: &&Way| options.wants(if way.is_batched() { BATCHES } else { CREATE });
    let mut contenders = Vec::new();
    for way in ways.filter(wanted) {
        contenders.push(contender(*way, &roster, &echo)?);
    }
    let disk = if slow { "slower disk" } else { "disk as it is" };
    let pace = options.pace();
    let mut progress = Progress::new(format!("users created on {engine}, {disk}"), pace.rounds as u64);
    for round in 0..pace.rounds {
        progress.at(round as u64, "rounds");
        for contender in &mut contenders {
            contender.round(stage, &baseline, slower, pace)?;
        }
    }
    for contender in &mut contenders {
        contender.count_statements(pace)?;
    }
    if let Baseline::Sqlite(copy) = &baseline {
        stage.remove(copy)?;
    }
    let ways = contenders.into_iter().map(|contender| (contender.way, contender.series)).collect();
    Ok(Writes { engine, slow, ways })
}

/// A way, whom it calls, and what has come of it.
struct Contender<'target> {
    way: Way,
    target: &'target Target<'target>,
    question: Option<Question>,
    cpu: Duration,
    series: Series,
}

fn contender<'target>(way: Way, roster: &'target Target, echo: &'target Target) -> Result<Contender<'target>> {
    let target = if way.is_echo() { echo } else { roster };
    let mut question = None;
    if way.shape().is_some() {
        let requests = Arc::new(Requests::New(if way.is_batched() { batch() } else { Template::new(&create(), 1) }));
        let path = if way.is_batched() { BATCH_PATH } else { CREATE_PATH };
        let path = if way.is_echo() { echo_path(&roster.caller()?, path, &requests)?.0 } else { path.to_owned() };
        question = Some(target.question(&path, &requests)?);
    }
    let series = Series { rates: Vec::new(), sum: Tally::new(Duration::ZERO), cpu: None, statements: None };
    Ok(Contender { way, target, question, cpu: Duration::ZERO, series })
}

impl Contender<'_> {
    fn users(&self) -> f64 {
        if self.way.is_batched() { float(BATCH) } else { 1.0 }
    }

    fn run(&self, pace: Pace) -> Run {
        let shape = self.way.shape().unwrap_or(ALONE);
        Run { shape, warm_up: pace.warm_up(), window: pace.window, threads: pace.threads, seed: 1 }
    }

    fn round(&mut self, stage: &Stage, baseline: &Baseline, slower: &[(&'static str, String)], pace: Pace) -> Result<()> {
        let Some(question) = &self.question else {
            self.series.rates.push(run_baseline(self.way, stage, baseline, slower, pace)?);
            return Ok(());
        };
        let (tally, cpu) = self.target.drive(question, self.run(pace))?;
        self.cpu += cpu;
        self.series.rates.push(tally.rate() * self.users());
        self.series.sum.add(&tally)?;
        self.series.cpu = Some(self.cpu.as_secs_f64() * 1e6 / float(self.series.sum.calls().max(1)) / self.users());
        Ok(())
    }

    fn count_statements(&mut self, pace: Pace) -> Result<()> {
        if let Some(question) = &self.question {
            let run = Run { warm_up: Duration::ZERO, ..self.run(pace) };
            let statements = self.target.count_statements(|| Ok(drive(question, run, || {})?.calls()))?;
            self.series.statements = statements.map(|statements| statements / self.users());
        }
        Ok(())
    }
}

fn run_baseline(way: Way, stage: &Stage, baseline: &Baseline, slower: &[(&'static str, String)], pace: Pace) -> Result<f64> {
    let many = way == Way::Many;
    match baseline {
        Baseline::Sqlite(copy) => {
            let rows = if many { BATCH } else { 1 };
            Raw::new(stage.sqlite_file(&copy.name), rows, pace.window).run_apart(slower)
        }
        Baseline::Postgres { database, one, many: inserts } => {
            let (script, clients) = if many { (inserts, BULK_CLIENTS) } else { (one, CLIENTS) };
            script.run(stage, database, clients, pace.window)
        }
    }
}

/// Lets Roster create the user of whom the rows are made that the database is given without it.
fn baseline(stage: &Stage, database: &Database) -> Result<Baseline> {
    let target = Target::roster(stage, database, &Launch::default())?;
    let caller = target.caller()?;
    // Twice, so that nothing is logged that only a first call needs; and there may be one of an earlier run.
    delete_template(&caller);
    create_template(&caller)?;
    if database.engine == Engine::Postgres {
        delete_template(&caller);
        let one = pgbench::as_logged(stage, || create_template(&caller))?;
        let many = pgbench::inserts(stage, &database.name, BATCH)?;
        return Ok(Baseline::Postgres { database: database.name.clone(), one, many });
    }
    target.process.stop()?;
    stage.checkpoint(database)?;
    Ok(Baseline::Sqlite(stage.copy(database, "raw")?))
}

fn create_template(caller: &Caller) -> Result<()> {
    let user = UserDto { user_id: Some(people::user_id(TOKEN)), ..people::user(TOKEN) };
    let request = CreateUserRequest { user: Some(user), ..CreateUserRequest::default() };
    let _: CreateUserResponse = caller.ask(CREATE_PATH, &request)?;
    Ok(())
}

/// Deletes them, where they are.
fn delete_template(caller: &Caller) {
    let request = DeleteUserRequest { user_id: Some(people::user_id(TOKEN)), ..DeleteUserRequest::default() };
    let _: Result<DeleteUserResponse> = caller.ask(DELETE_PATH, &request);
}

fn create() -> CreateUserRequest {
    CreateUserRequest { user: Some(people::user(TOKEN)), ..CreateUserRequest::default() }
}

fn batch() -> Template {
    let item = BatchCreateUsersItem { user: Some(people::user(TOKEN)), ..BatchCreateUsersItem::default() };
    let users = usize::try_from(BATCH).unwrap_or(usize::MAX);
    Template::new(&BatchCreateUsersRequest { users: vec![item; users], ..BatchCreateUsersRequest::default() }, users)
}
