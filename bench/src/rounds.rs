//! Drives several servers in turn, so that what else the machine does meets all of them alike.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Result;
use crate::cases::Case;
use crate::closed::{Question, Run, Shape, drive};
use crate::options::Pace;
use crate::progress::Progress;
use crate::stage::Engine;
use crate::tally::{Tally, float, median};
use crate::target::{Target, echo_path, name};

/// How long statements are counted at most.
const COUNTING: Duration = Duration::from_secs(1);

/// What was found of a server.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// `None`: the echo.
    pub(crate) engine: Option<Engine>,
    /// Calls a second, in the median of the rounds.
    pub(crate) rate: f64,
    /// Of the echo's, in the median of the rounds; `None`: it is the echo, or there was none.
    pub(crate) ratio: Option<f64>,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Processor time of the server and its database for a call, in microseconds.
    pub(crate) cpu: f64,
    /// Statements that the database was sent for a call; `None`: it cannot say.
    pub(crate) statements: Option<f64>,
    /// Calls that did not go well, by status.
    pub(crate) failed: BTreeMap<i32, u64>,
}

/// A call in a shape, and what was found of each server.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) case: Case,
    pub(crate) shape: Shape,
    /// How long the answers are, in bytes.
    pub(crate) answer: usize,
    pub(crate) figures: Vec<Figures>,
}

impl Row {
    /// What was found on the engine; `None` is the echo.
    pub(crate) fn of(&self, engine: Option<Engine>) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.engine == engine)
    }
}

/// A server, what it is asked, and what has come of it.
struct Driven<'target> {
    target: &'target Target<'target>,
    question: Question,
    rounds: Vec<Tally>,
    cpu: Duration,
}

/// Drives the servers with the call in all its shapes. The first is the echo.
pub(crate) fn measure(case: Case, targets: &[Target], pace: Pace) -> Result<Vec<Row>> {
    let (questions, answer) = questions(case, targets)?;
    let rows = case.shapes.iter().map(|shape| {
        let driven = targets.iter().zip(&questions);
        let driven = driven.map(|(target, question)| Driven {
            target,
            question: question.clone(),
            rounds: Vec::new(),
            cpu: Duration::ZERO,
        });
        Ok(Row { case, shape: *shape, answer, figures: in_turn(case.title, driven.collect(), *shape, pace)? })
    });
    rows.collect()
}

/// What each server is asked: Roster the call, and the echo for as many bytes as Roster answers with; and how many those are.
fn questions(case: Case, targets: &[Target]) -> Result<(Vec<Question>, usize)> {
    let (mut questions, mut echo) = (Vec::new(), None);
    for target in targets {
        let Some(database) = &target.database else { continue };
        let caller = target.caller()?;
        let requests = Arc::new((case.requests)(&caller, database.users)?);
        if echo.is_none() {
            echo = Some((echo_path(&caller, case.path, &requests)?, Arc::clone(&requests)));
        }
        questions.push(target.question(case.path, &requests)?);
    }
    let ((path, answer), requests) = echo.ok_or("there is no server to measure")?;
    for (index, target) in targets.iter().enumerate().filter(|(_, target)| target.database.is_none()) {
        questions.insert(index, target.question(&path, &requests)?);
    }
    Ok((questions, answer))
}

fn in_turn(title: &str, mut driven: Vec<Driven>, shape: Shape, pace: Pace) -> Result<Vec<Figures>> {
    let mut run = Run { shape, warm_up: pace.warm_up(), window: pace.window, threads: pace.threads, seed: 1 };
    let mut progress = Progress::new(format!("{title}, {shape}"), pace.rounds as u64);
    // What is measured is how they are after a while.
    for one in &driven {
        one.target.warm()?;
        one.target.drive(&one.question, run)?;
    }
    for round in 0..pace.rounds {
        for one in &mut driven {
            progress.at(round as u64, &format!("rounds, {}", name(one.target.engine())));
            run.seed += 1;
            let (tally, cpu) = one.target.drive(&one.question, run)?;
            one.cpu += cpu;
            one.rounds.push(tally);
        }
    }
    let echo = driven.iter().find(|one| one.target.database.is_none()).map(|one| one.rounds.clone());
    run.window = run.window.min(COUNTING);
    driven.iter().map(|one| figures(one, echo.as_deref(), run)).collect()
}

fn figures(one: &Driven, echo: Option<&[Tally]>, run: Run) -> Result<Figures> {
    let engine = one.target.engine();
    let mut sum = Tally::new(Duration::ZERO);
    for round in &one.rounds {
        sum.add(round)?;
    }
    let ratios = echo.filter(|_| engine.is_some());
    let ratios = ratios.map(|echo| one.rounds.iter().zip(echo).map(|(round, echo)| round.rate() / echo.rate()));
    // Also what calls before and after the window have sent is counted, so those are all counted.
    let all = Run { warm_up: Duration::ZERO, ..run };
    let statements = one.target.count_statements(|| Ok(drive(&one.question, all, || {})?.calls()))?;
    Ok(Figures {
        engine,
        rate: median(one.rounds.iter().map(Tally::rate)),
        ratio: ratios.map(median),
        p50: sum.latency(0.5),
        p99: sum.latency(0.99),
        cpu: one.cpu.as_secs_f64() * 1e6 / float(sum.calls().max(1)),
        statements,
        failed: sum.failed().clone(),
    })
}
