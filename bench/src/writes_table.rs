//! Users that were created, as a table.

use crate::goals::Goal;
use crate::markdown::{Table, failed, ratio, time, whole};
use crate::stage::Engine;
use crate::writes::{Series, Way, Writes};

/// What the rate is to be of what the database does with one row a transaction, with one call at a time where an fsync takes a
/// millisecond longer, and with a thousand rows a transaction.
const OF_SQLITE: f64 = 0.8;
const OF_PGBENCH: f64 = 0.5;
const OF_ALONE: f64 = 10.0;
const OF_INSERTS: f64 = 0.4;

/// What the way is called on the engine.
fn name(way: Way, engine: Engine) -> &'static str {
    match (way, engine) {
        (Way::EchoBusy, _) => "echo of CreateUser, 8 × 16 in flight",
        (Way::EchoAlone, _) => "echo of CreateUser, one at a time",
        (Way::EchoBatched, _) => "echo of BatchCreateUsers, 1 × 2 in flight",
        (Way::Busy, _) => "CreateUser, 8 × 16 in flight",
        (Way::Alone, _) => "CreateUser, one at a time",
        (Way::Batched, _) => "BatchCreateUsers, 1,000 a call, 1 × 2 in flight",
        (Way::One, Engine::Sqlite) => "SQLite alone, a transaction a row",
        (Way::One, Engine::Postgres) => "pgbench, the same statements in one transaction, 16 clients",
        (Way::Many, Engine::Sqlite) => "SQLite alone, bare INSERTs, 1,000 a transaction",
        (Way::Many, Engine::Postgres) => "pgbench, bare INSERTs, 1,000 a transaction, 2 clients",
    }
}

/// What a way is compared to, by name, and what it is to reach of it.
fn compared(way: Way, writes: &Writes) -> Vec<(&'static str, Way, Option<Goal>)> {
    let (of_one, of_one_name) = match writes.engine {
        Engine::Sqlite => (OF_SQLITE, "SQLite alone"),
        Engine::Postgres => (OF_PGBENCH, "pgbench"),
    };
    match way {
        Way::Busy if writes.slow => {
            let goal = (writes.engine == Engine::Sqlite).then_some(Goal::AtLeast(OF_ALONE));
            vec![(of_one_name, Way::One, None), ("one at a time", Way::Alone, goal)]
        }
        Way::Busy => vec![("echo", Way::EchoBusy, None), (of_one_name, Way::One, Some(Goal::AtLeast(of_one)))],
        Way::Alone if !writes.slow => vec![("echo", Way::EchoAlone, None)],
        Way::Batched if writes.slow => vec![("bare INSERTs", Way::Many, None)],
        Way::Batched => {
            vec![("echo", Way::EchoBatched, None), ("bare INSERTs", Way::Many, Some(Goal::AtLeast(OF_INSERTS)))]
        }
        _ => Vec::new(),
    }
}

/// All figures, a way a line.
pub(crate) fn table(measured: &[Writes]) -> Table {
    let columns = ["users created", "disk", "users/s", "ratio", "goal", "p50", "p99", "CPU/user", "statements/user", "failed"];
    let mut table = Table::new(&columns);
    for writes in measured {
        for (way, series) in &writes.ways {
            table.row(line(writes, *way, series));
        }
    }
    table
}

fn line(writes: &Writes, way: Way, series: &Series) -> Vec<String> {
    let compared = compared(way, writes).into_iter();
    let compared: Vec<_> = compared.filter_map(|(name, other, goal)| Some((name, writes.ratio(way, other)?, goal))).collect();
    let ratios = compared.iter().map(|(name, figure, _)| format!("{} of {name}", ratio(*figure)));
    let goals = compared.iter().filter_map(|(_, figure, goal)| Some((*goal)?.verdict(*figure)));
    let called = series.sum.calls() > 0;
    let latency = |quantile| if called { time(series.sum.latency(quantile)) } else { String::new() };
    vec![
        format!("{}: {}", writes.engine, name(way, writes.engine)),
        if writes.slow { "fsync + 1 ms" } else { "as it is" }.to_owned(),
        whole(writes.rate(way).unwrap_or_default()),
        ratios.collect::<Vec<_>>().join(", "),
        goals.collect::<Vec<_>>().join(", "),
        latency(0.5),
        latency(0.99),
        series.cpu.map(|cpu| format!("{cpu:.1} µs")).unwrap_or_default(),
        series.statements.map(ratio).unwrap_or_default(),
        failed(series.sum.failed()),
    ]
}
