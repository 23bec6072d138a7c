//! More callers than a server of one core can serve: what it answers them, what memory that takes, and when it is itself again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use roster::clock::monotonic;

use crate::Result;
use crate::cases::{ALONE, GET_USER};
use crate::closed::{Question, Run, Shape, drive};
use crate::markdown::{Table, megabytes, time, whole};
use crate::options::Options;
use crate::progress::Progress;
use crate::stage::{Engine, Launch, Stage};
use crate::tally::Tally;
use crate::target::Target;
use crate::usage::memory;

/// What it is called on the command line.
pub(crate) const NAME: &str = "overload";
/// Who calls: 5,000 at a time.
const CROWD: Shape = Shape::new(50, 100);
/// What callers give a call, in milliseconds.
const TIMEOUT: u64 = 1_000;
/// How long they call, at the least.
const LEAST: Duration = Duration::from_secs(5);
/// How long a look at the latency takes, and how often one is taken until the server has to be itself again.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: u32 = 10;
/// What a median latency may be of the one before to be the same.
const SAME: f64 = 2.0;
/// `DEADLINE_EXCEEDED` and `RESOURCE_EXHAUSTED`: how a server may answer who comes too late.
const LATE: &[i32] = &[4, 8];

/// What was found on an engine.
#[derive(Clone, Debug)]
pub(crate) struct Overload {
    engine: Engine,
    crowd: Tally,
    /// What it had in memory before, at the most meanwhile, and afterwards, but for files, in bytes.
    before: u64,
    most: u64,
    after: u64,
    p50_before: Duration,
    /// How long after the crowd has gone the latency is as it was; `None`: not in time.
    back: Option<Duration>,
}

/// Crowds Roster on each engine.
pub(crate) fn measure(stage: &Stage, options: &Options) -> Result<Vec<Overload>> {
    let mut found = Vec::new();
    let engines = if options.wants(NAME) { stage.engines(&options.engines) } else { Vec::new() };
    for engine in engines {
        Progress::new(format!("5,000 calls at a time on one core, {engine}"), 1).at(0, "runs");
        let database = stage.database(engine, options.users())?;
        let target = Target::roster(stage, &database, &Launch { one_core: true, ..Launch::default() })?;
        let requests = Arc::new((GET_USER.requests)(&target.caller()?, database.users)?);
        let question = target.question(GET_USER.path, &requests)?;
        let p50_before = look(&question)?.latency(0.5);
        let process = target.process.id();
        let before = memory(process)?.anonymous;
        let late = Question { head: question.head.clone().with_timeout(TIMEOUT)?, ..question.clone() };
        let (crowd, most) = crowd(&late, process, options)?;
        let back = until_back(&question, p50_before)?;
        found.push(Overload { engine, crowd, before, most, after: memory(process)?.anonymous, p50_before, back });
    }
    Ok(found)
}

/// Who comes alone.
fn look(question: &Question) -> Result<Tally> {
    let run = Run { shape: ALONE, warm_up: Duration::ZERO, window: LOOK, threads: 1, seed: 1 };
    drive(question, run, || {})
}

/// The crowd, and the most memory that the process had meanwhile.
fn crowd(question: &Question, process: u32, options: &Options) -> Result<(Tally, u64)> {
    let pace = options.pace();
    let window = LEAST.max(pace.window * 2);
    let run = Run { shape: CROWD, warm_up: Duration::ZERO, window, threads: pace.threads, seed: 1 };
    let over = Arc::new(AtomicBool::new(false));
    let watch = Arc::clone(&over);
    let watcher = thread::spawn(move || {
        let mut most = 0;
        while !watch.load(Ordering::Relaxed) {
            most = memory(process).map_or(most, |memory| most.max(memory.anonymous));
            thread::sleep(Duration::from_millis(50));
        }
        most
    });
    let tally = drive(question, run, || {});
    over.store(true, Ordering::Relaxed);
    let most = watcher.join().map_err(|_| "the thread that watches the memory has panicked")?;
    Ok((tally?, most))
}

/// How long it takes until a call takes what it took before.
fn until_back(question: &Question, p50_before: Duration) -> Result<Option<Duration>> {
    let gone = monotonic();
    for _ in 0..LOOKS {
        let begun = gone.elapsed();
        let seen = look(question)?;
        if seen.failed().is_empty() && seen.latency(0.5) <= p50_before.mul_f64(SAME) {
            return Ok(Some(begun));
        }
    }
    Ok(None)
}

/// A line an engine.
pub(crate) fn table(found: &[Overload]) -> Table {
    let columns = [
        "5,000 calls at a time, one core",
        "answered/s",
        "DEADLINE_EXCEEDED",
        "RESOURCE_EXHAUSTED",
        "other failures",
        "RssAnon before",
        "at the most",
        "after",
        "p50 alone before",
        "back to it after",
        "goal",
    ];
    let mut table = Table::new(&columns);
    for overload in found {
        let failed = overload.crowd.failed();
        let times = |status: &i32| failed.get(status).copied().unwrap_or_default();
        let others: BTreeMap<_, _> = failed.iter().filter(|(status, _)| !LATE.contains(status)).collect();
        let bad = others.values().map(|times| **times).sum::<u64>();
        let well = overload.back.is_some() && bad == 0;
        table.row([
            overload.engine.to_string(),
            whole(overload.crowd.rate()),
            times(&LATE[0]).to_string(),
            times(&LATE[1]).to_string(),
            if bad == 0 { "0".to_owned() } else { format!("**{others:?}**") },
            megabytes(overload.before),
            megabytes(overload.most),
            megabytes(overload.after),
            time(overload.p50_before),
            overload.back.map_or_else(|| "never".to_owned(), |back| format!("{:.0} s", back.as_secs_f64())),
            format!("≤ 10 s {}", if well { "✓" } else { "✗" }),
        ]);
    }
    table
}
