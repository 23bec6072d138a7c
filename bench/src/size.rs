//! Whether a look-up takes longer among many users than among few.

use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::cases::{ALONE, GET_USER};
use crate::closed::Run;
use crate::goals::Goal;
use crate::markdown::{Table, ratio, time, whole};
use crate::options::Options;
use crate::stage::{Engine, Launch, Stage};
use crate::tally::{Tally, float, median};
use crate::target::Target;

/// What it is called on the command line.
pub(crate) const NAME: &str = "size";
/// Few users.
pub(crate) const FEW: u64 = 5_000;
/// What many may cost of few.
const GOAL: Goal = Goal::AtMost(1.2);

/// What was found on an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    engine: Engine,
    many: u64,
    /// The median latencies among few and among many, and how the rounds compare.
    few_p50: Duration,
    many_p50: Duration,
    ratio: f64,
}

/// Asks one at a time, now among few and now among many.
pub(crate) fn measure(stage: &Stage, options: &Options) -> Result<Vec<Size>> {
    let mut found = Vec::new();
    let engines = if options.wants(NAME) { stage.engines(&options.engines) } else { Vec::new() };
    for engine in engines {
        let (mut targets, mut sums, mut rounds) = (Vec::new(), Vec::new(), Vec::new());
        for users in [FEW, options.users()] {
            let database = stage.database(engine, users)?;
            let target = Target::roster(stage, &database, &Launch::default())?;
            let requests = Arc::new((GET_USER.requests)(&target.caller()?, users)?);
            let question = target.question(GET_USER.path, &requests)?;
            targets.push((target, question));
            sums.push(Tally::new(Duration::ZERO));
        }
        let pace = options.pace();
        for round in 0..pace.rounds {
            let mut p50 = Vec::new();
            for ((target, question), sum) in targets.iter().zip(&mut sums) {
                let seed = 1_000_000 * round as u64;
                let run = Run { shape: ALONE, warm_up: pace.warm_up(), window: pace.window, threads: 1, seed };
                let (tally, _) = target.drive(question, run)?;
                p50.push(tally.latency(0.5).as_secs_f64());
                sum.add(&tally)?;
            }
            rounds.push(p50[1] / p50[0]);
        }
        let [few_p50, many_p50] = [0, 1].map(|index: usize| sums[index].latency(0.5));
        found.push(Size { engine, many: options.users(), few_p50, many_p50, ratio: median(rounds) });
    }
    Ok(found)
}

/// A line an engine.
pub(crate) fn table(found: &[Size]) -> Table {
    let mut table = Table::new(&["GetUser, one at a time", "users", "p50", "users", "p50", "ratio", "goal"]);
    for size in found {
        table.row([
            size.engine.to_string(),
            whole(float(FEW)),
            time(size.few_p50),
            whole(float(size.many)),
            time(size.many_p50),
            ratio(size.ratio),
            GOAL.verdict(size.ratio),
        ]);
    }
    table
}
