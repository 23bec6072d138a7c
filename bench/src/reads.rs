//! The calls that only read, beside the echo.

use crate::Result;
use crate::cases::READS;
use crate::goals;
use crate::markdown::{Table, failed, ratio, time, whole};
use crate::options::Options;
use crate::rounds::{self, Figures, Row};
use crate::stage::{Engine, Launch, Stage};
use crate::tally::float;
use crate::target::{Target, name};
use crate::usage::{Memory, memory};

/// The calls, and what Roster has in memory after them on each engine.
type Reads = (Vec<Row>, Vec<(Engine, Memory)>);

/// Measures those that are wanted.
pub(crate) fn measure(stage: &Stage, options: &Options) -> Result<Reads> {
    let mut rows = Vec::new();
    let wanted: Vec<_> = READS.iter().filter(|case| options.wants(case.name)).collect();
    if wanted.is_empty() {
        return Ok((rows, Vec::new()));
    }
    let mut targets = vec![Target::echo(stage)?];
    for engine in stage.engines(&options.engines) {
        let database = stage.database(engine, options.users())?;
        targets.push(Target::roster(stage, &database, &Launch::default())?);
    }
    for case in wanted {
        rows.extend(rounds::measure(*case, &targets, options.pace())?);
    }
    let servers = targets.iter().filter_map(|target| Some((target.engine()?, target.process.id())));
    let memory = servers.map(|(engine, process)| Ok((engine, memory(process)?))).collect::<Result<_>>()?;
    Ok((rows, memory))
}

/// All figures, a server a line.
pub(crate) fn table(rows: &[Row]) -> Table {
    let columns = [
        "call",
        "answer",
        "in flight",
        "server",
        "calls/s",
        "of the echo",
        "goal",
        "p50",
        "of the echo's",
        "goal",
        "p99",
        "CPU/call",
        "statements/call",
        "failed",
    ];
    let mut table = Table::new(&columns);
    for row in rows {
        let echo = row.of(None);
        for figures in &row.figures {
            table.row(line(row, figures, echo));
        }
    }
    table
}

fn line(row: &Row, figures: &Figures, echo: Option<&Figures>) -> Vec<String> {
    let slower = echo.filter(|_| figures.engine.is_some()).map(|echo| figures.p50.div_duration_f64(echo.p50));
    let rate_goal = figures.engine.and_then(|engine| goals::rate(row.case.name, row.shape, engine)).zip(figures.ratio);
    let latency_goal = figures.engine.and_then(|engine| goals::latency(row.case.name, row.shape, engine)).zip(slower);
    let verdict = |goal: Option<(goals::Goal, f64)>| goal.map(|(goal, figure)| goal.verdict(figure)).unwrap_or_default();
    vec![
        row.case.title.to_owned(),
        format!("{} B", whole(float(row.answer as u64))),
        row.shape.to_string(),
        name(figures.engine),
        whole(figures.rate),
        figures.ratio.map(ratio).unwrap_or_default(),
        verdict(rate_goal),
        time(figures.p50),
        slower.map(ratio).unwrap_or_default(),
        verdict(latency_goal),
        time(figures.p99),
        format!("{:.1} µs", figures.cpu),
        figures.statements.map_or_else(|| "n/a".to_owned(), ratio),
        failed(&figures.failed),
    ]
}
