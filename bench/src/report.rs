//! All that was found, as a document.

use crate::footprint::{self, Footprint};
use crate::markdown::whole;
use crate::open::{self, Open};
use crate::options::Options;
use crate::overload::{self, Overload};
use crate::reads;
use crate::rounds::Row;
use crate::size::{self, Size};
use crate::stage::Engine;
use crate::tally::float;
use crate::usage::Memory;
use crate::writes::Writes;
use crate::writes_table;

/// All that was found; what was not measured is empty.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) reads: Vec<Row>,
    /// What Roster had in memory after the reads.
    pub(crate) memory: Vec<(Engine, Memory)>,
    pub(crate) writes: Vec<Writes>,
    pub(crate) size: Vec<Size>,
    pub(crate) open: Vec<Open>,
    pub(crate) overload: Vec<Overload>,
    pub(crate) footprint: Vec<Footprint>,
}

const HEAD: &str = "\
# What Roster costs

Written by `cargo run --release -p roster-bench`, which measures all of it in one run. Figures of a machine say little about another one,
ratios more: everything stands beside a bare tonic server that decodes the same requests and answers with as many bytes, with its defaults
and Roster's allocator and build, driven in turn with Roster by the same client with the same requests. Roster's calls carry an API key,
which is checked in the database each time; users are drawn uniformly. Only calls that end with `grpc-status` 0 count; the others are in
the last column, and a run with some of them among the reads and the writes is not a good one.
";

const READS: &str = "\
## Reads

`8 × 32` is 8 connections with 32 calls in flight on each. Rates are medians of the rounds, ratios the medians of the rounds' ratios.
The processor time is that of the server, with PostgreSQL's. Statements are those that PostgreSQL has counted, its `BEGIN` and `COMMIT`
included, in a run of their own.
";

const WRITES: &str = "\
## Writes

On copies of the same databases. SQLite alone is a process that writes rows that differ from one of Roster's in the user's number, into
a copy of Roster's table with its indexes, as durably. pgbench runs, prepared, the statements that Roster sends for a user, in one
transaction. The slower disk is a library that lets each fsync wait for a millisecond, loaded into Roster and into whom it is compared to.
";

const SIZE: &str = "\
## Many users and few
";

const OPEN: &str = "\
## Latency at a given load

GetUser by id. Calls come at even intervals whether or not others have been answered, and a latency is counted from the time at which the
call was due: a server that stalls is charged for all who came meanwhile. The load is a share of the rate at 8 × 32, measured just before.
A caller who keeps time wakes up for each call, and takes more of the processor than those at 8 × 32 do: where the two share it, the
larger shares can be more than is left for the server. The echo then lets calls wait for seconds; Roster refuses those for which it has no
room (status 8, RESOURCE_EXHAUSTED), and what it refuses costs, too.
";

const OVERLOAD: &str = "\
## Overload

Roster on one core, 5,000 calls of GetUser in flight, each with a deadline of one second, until the callers go away.
";

const FOOTPRINT: &str = "\
## Memory and start
";

impl Found {
    /// Whether a call failed where none should: at a given load Roster may refuse what it has no room for.
    fn has_failures(&self) -> bool {
        let reads = self.reads.iter().flat_map(|row| &row.figures).any(|figures| !figures.failed.is_empty());
        let writes = self.writes.iter().flat_map(|writes| writes.ways.values()).any(|series| !series.sum.failed().is_empty());
        reads || writes
    }
}

/// The document. The chart, where there is one, lies beside it under this name.
pub(crate) fn document(found: &Found, machine: &[String], options: &Options, chart: Option<&str>) -> String {
    let mut parts: Vec<_> = machine.iter().map(|line| format!("- {line}\n")).collect();
    parts.insert(0, format!("{HEAD}\n"));
    let (pace, users) = (options.pace(), whole(float(options.users())));
    parts.push(format!(
        "- Databases: {users} users, each with two groups, two roles, a department, an identity and custom data\n"
    ));
    parts.push(format!("- Time: {} rounds of {} s a server and line\n\n", pace.rounds, pace.window.as_secs_f64()));
    if found.has_failures() {
        parts.push("**Some calls failed: see the last columns.**\n\n".to_owned());
    }
    parts.extend(chart.map(|chart| format!("![GetUser beside a bare tonic server]({chart})\n\n")));
    let sections = [
        (found.reads.is_empty(), READS, reads::table(&found.reads)),
        (found.writes.is_empty(), WRITES, writes_table::table(&found.writes)),
        (found.size.is_empty(), SIZE, size::table(&found.size)),
        (found.open.is_empty(), OPEN, open::table(&found.open)),
        (found.overload.is_empty(), OVERLOAD, overload::table(&found.overload)),
        (found.footprint.is_empty(), FOOTPRINT, footprint::table(&found.footprint, &found.memory)),
    ];
    let measured = sections.into_iter().filter(|(empty, ..)| !empty);
    parts.extend(measured.map(|(_, words, table)| format!("{words}\n{table}\n")));
    parts.concat().trim_end().to_owned() + "\n"
}
