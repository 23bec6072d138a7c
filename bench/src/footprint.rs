//! What Roster takes when nobody calls: memory, and the time to start.

use std::thread;
use std::time::Duration;

use crate::Result;
use crate::markdown::{Table, megabytes, time};
use crate::options::Options;
use crate::size::FEW;
use crate::stage::{Engine, Launch, Stage};
use crate::tally::median;
use crate::usage::{Memory, memory};

/// What it is called on the command line.
pub(crate) const NAME: &str = "footprint";
/// How often it is started, and how long nobody calls.
const STARTS: usize = 5;
const IDLE: Duration = Duration::from_secs(1);
/// What it may take.
const START: Duration = Duration::from_millis(200);
const RESIDENT: u64 = 30_000_000;
const ANONYMOUS: u64 = 150_000_000;

/// What was found on an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footprint {
    engine: Engine,
    /// Until it listens, in the median.
    start: Duration,
    idle: Memory,
}

/// Starts it several times and leaves it alone.
pub(crate) fn measure(stage: &Stage, options: &Options) -> Result<Vec<Footprint>> {
    let mut found = Vec::new();
    let engines = if options.wants(NAME) { stage.engines(&options.engines) } else { Vec::new() };
    for engine in engines {
        let database = stage.database(engine, FEW)?;
        let (mut starts, mut resident) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let process = stage.serve(&database, &Launch::default())?;
            starts.push(process.start.as_secs_f64());
            thread::sleep(IDLE);
            resident.push(memory(process.id())?);
            process.stop()?;
        }
        resident.sort_unstable_by_key(|memory| memory.resident);
        found.push(Footprint { engine, start: Duration::from_secs_f64(median(starts)), idle: resident[STARTS / 2] });
    }
    Ok(found)
}

/// A line an engine. `after` is what it had in memory after all reads.
pub(crate) fn table(found: &[Footprint], after: &[(Engine, Memory)]) -> Table {
    let columns = [
        "Roster alone",
        "start",
        "goal",
        "RSS idle",
        "goal",
        "RssAnon idle",
        "RSS after the reads",
        "RssAnon after the reads",
        "goal",
    ];
    let mut table = Table::new(&columns);
    let verdict = |goal: String, met: bool| format!("≤ {goal} {}", if met { "✓" } else { "✗" });
    for footprint in found {
        let mut cells = vec![
            footprint.engine.to_string(),
            time(footprint.start),
            verdict(time(START), footprint.start <= START),
            megabytes(footprint.idle.resident),
            verdict(megabytes(RESIDENT), footprint.idle.resident <= RESIDENT),
            megabytes(footprint.idle.anonymous),
        ];
        let after = after.iter().find(|(engine, _)| *engine == footprint.engine);
        cells.extend(after.map_or_else(<[String; 3]>::default, |(_, after)| {
            let anonymous = verdict(megabytes(ANONYMOUS), after.anonymous <= ANONYMOUS);
            [megabytes(after.resident), megabytes(after.anonymous), anonymous]
        }));
        table.row(cells);
    }
    table
}
