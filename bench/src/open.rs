//! Load of callers who do not wait for each other: calls come when they come, and what a call waits for its turn counts too.

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use roster::clock::monotonic;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use crate::Result;
use crate::cases::{BUSY, GET_USER};
use crate::client::Connection;
use crate::closed::{Question, Run};
use crate::markdown::{Table, failed, time, whole};
use crate::options::Options;
use crate::progress::Progress;
use crate::random::Random;
use crate::stage::{Engine, Launch, Stage};
use crate::tally::{Tally, float, median};
use crate::target::{Target, echo_path, name};

/// What it is called on the command line.
pub(crate) const NAME: &str = "open-loop";
/// How much of what the server can do is asked of it.
const SHARES: &[f64] = &[0.25, 0.5, 0.75];
const CONNECTIONS: usize = 8;

/// What was found of a server at a rate.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    engine: Option<Engine>,
    share: f64,
    asked: f64,
    tally: Tally,
}

/// Drives the echo and Roster at shares of what they can do.
pub(crate) fn measure(stage: &Stage, options: &Options) -> Result<Vec<Open>> {
    let mut found = Vec::new();
    if !options.wants(NAME) {
        return Ok(found);
    }
    let mut driven = Vec::new();
    let mut echo = None;
    for engine in stage.engines(&options.engines) {
        let database = stage.database(engine, options.users())?;
        let target = Target::roster(stage, &database, &Launch::default())?;
        let caller = target.caller()?;
        let requests = Arc::new((GET_USER.requests)(&caller, database.users)?);
        if echo.is_none() {
            let (target, (path, _)) = (Target::echo(stage)?, echo_path(&caller, GET_USER.path, &requests)?);
            let question = target.question(&path, &requests)?;
            echo = Some((target, question));
        }
        let question = target.question(GET_USER.path, &requests)?;
        driven.push((target, question));
    }
    driven.splice(0..0, echo);
    let pace = options.pace();
    let run = Run { shape: BUSY, warm_up: pace.warm_up(), window: pace.window, threads: pace.threads, seed: 1 };
    for (target, question) in &driven {
        let mut rates = Vec::new();
        target.warm()?;
        for _ in 0..pace.rounds {
            rates.push(target.drive(question, run)?.0.rate());
        }
        let window = pace.window * u32::try_from(pace.rounds)?;
        for share in SHARES {
            let asked = (median(rates.iter().copied()) * share).max(1.0);
            let what = format!("{} at {} calls/s, each at its time", name(target.engine()), whole(asked));
            Progress::new(what, 1).at(0, "runs");
            let tally = drive(question, asked, window)?;
            found.push(Open { engine: target.engine(), share: *share, asked, tally });
        }
    }
    Ok(found)
}

/// A line a rate.
pub(crate) fn table(found: &[Open]) -> Table {
    let columns = ["server", "of its most", "asked/s", "answered/s", "p50", "p99", "p99.9", "longest", "failed"];
    let mut table = Table::new(&columns);
    for open in found {
        let times = [0.5, 0.99, 0.999, 1.0].map(|quantile| time(open.tally.latency(quantile)));
        let before = [name(open.engine), format!("{:.0} %", open.share * 100.0), whole(open.asked), whole(open.tally.rate())];
        table.row([&before[..], &times, &[failed(open.tally.failed())]].concat());
    }
    table
}

/// Calls at this rate for so long, and waits for all answers.
pub(crate) fn drive(question: &Question, rate: f64, window: Duration) -> Result<Tally> {
    let (due, mut arrivals) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(&question.address).await?);
        }
        let begun = monotonic();
        let pacer = thread::spawn(move || pace(begun, rate, window, &due));
        let tally = Rc::new(RefCell::new(Tally::new(Duration::ZERO)));
        let (mut calls, mut random, mut number) = (JoinSet::new(), Random::new(1), 0_usize);
        while let Some(scheduled) = arrivals.recv().await {
            let mut connection = connections[number % CONNECTIONS].clone();
            number += 1;
            let (head, frame, tally) = (question.head.clone(), question.requests.next(&mut random), Rc::clone(&tally));
            calls.spawn_local(async move {
                let status = connection.call(&head, frame, None).await?;
                tally.borrow_mut().record(status, scheduled.elapsed());
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            });
            // So that those who have ended take no memory.
            while let Some(ended) = calls.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = calls.join_next().await {
            ended??;
        }
        pacer.join().map_err(|_| "the thread that keeps the time has panicked")?;
        let mut sum = Tally::new(begun.elapsed());
        sum.add(&tally.borrow())?;
        Ok(sum)
    })
}

/// Sends the times at which calls are due, each when it has come. A thread of its own sleeps to within microseconds, where the timers
/// of a runtime know milliseconds.
fn pace(begun: Instant, rate: f64, window: Duration, due: &mpsc::UnboundedSender<Instant>) {
    be_punctual();
    let mut number = 0_u64;
    loop {
        let after = Duration::from_secs_f64(float(number) / rate);
        let scheduled = begun + after;
        let wait = scheduled.saturating_duration_since(monotonic());
        if !wait.is_zero() {
            thread::sleep(wait);
        }
        if after >= window || due.send(scheduled).is_err() {
            return;
        }
        number += 1;
    }
}

/// Asks the kernel not to put off this thread's timers. Where it does not let us, sleeps end some 50 µs late.
fn be_punctual() {
    let thread = fs::read_link("/proc/thread-self").ok().and_then(|link| Some(link.file_name()?.to_owned()));
    if let Some(thread) = thread {
        let _ = fs::write(std::path::Path::new("/proc").join(thread).join("timerslack_ns"), "1000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_due_at_their_times_also_when_nobody_takes_them() {
        let (due, mut arrivals) = mpsc::unbounded_channel();
        let begun = monotonic();
        // Behind by all of it: what was scheduled stays so.
        thread::sleep(Duration::from_millis(20));
        pace(begun, 1_000.0, Duration::from_millis(10), &due);
        drop(due);
        let mut times = Vec::new();
        while let Ok(scheduled) = arrivals.try_recv() {
            times.push((scheduled - begun).as_micros());
        }
        assert_eq!(times, (0..10).map(|millisecond| millisecond * 1_000).collect::<Vec<u128>>());
    }
}
