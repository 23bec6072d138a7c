//! Load of callers who wait for their answer before they ask again: how many calls a server gets done.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use roster::clock::monotonic;
use tokio::task::{JoinSet, LocalSet};

use crate::Result;
use crate::client::{Connection, Head};
use crate::random::Random;
use crate::requests::Requests;
use crate::tally::Tally;

/// How many connections, and how many calls at a time on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    pub(crate) streams: usize,
}

impl Shape {
    pub(crate) const fn new(connections: usize, streams: usize) -> Self {
        Self { connections, streams }
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} × {}", self.connections, self.streams)
    }
}

/// What is asked of whom.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) address: String,
    pub(crate) head: Head,
    pub(crate) requests: Arc<Requests>,
}

/// How far a run is: calls that end before or after its window count for nothing.
const BEFORE: u8 = 0;
const WITHIN: u8 = 1;
const OVER: u8 = 2;

/// How long a call may take that was under way when its run was over.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a run is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) shape: Shape,
    /// How long callers call before it counts, and how long it counts.
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
    /// Threads that call; connections are dealt to them in turn.
    pub(crate) threads: usize,
    pub(crate) seed: u64,
}

/// Asks for as long as the run says. `at` is called when its window begins and when it ends.
///
/// # Errors
/// When a connection fails.
pub(crate) fn drive(question: &Question, run: Run, mut at: impl FnMut()) -> Result<Tally> {
    let phase = Arc::new(AtomicU8::new(BEFORE));
    let threads = run.threads.min(run.shape.connections);
    let (ready, connected) = mpsc::channel();
    let callers: Vec<_> = (0..threads)
        .map(|thread| {
            let connections = (thread..run.shape.connections).step_by(threads).count();
            let caller = Caller {
                question: question.clone(),
                phase: Arc::clone(&phase),
                connections,
                streams: run.shape.streams,
                seed: run.seed + 1_000 * thread as u64,
            };
            let ready = ready.clone();
            thread::spawn(move || caller.run(&ready))
        })
        .collect();
    drop(ready);
    // Those who fail drop their end without a word, and tell below.
    let all_ready = (0..threads).all(|_| connected.recv().is_ok());
    let mut window = Duration::ZERO;
    if all_ready {
        thread::sleep(run.warm_up);
        at();
        let start = monotonic();
        phase.store(WITHIN, Ordering::Relaxed);
        thread::sleep(run.window);
        phase.store(OVER, Ordering::Relaxed);
        window = start.elapsed();
        at();
    }
    phase.store(OVER, Ordering::Relaxed);
    let mut sum = Tally::new(window);
    for caller in callers {
        sum.add(&caller.join().map_err(|_| "a thread that calls has panicked")??)?;
    }
    Ok(sum)
}

/// One thread's share of the callers.
struct Caller {
    question: Question,
    phase: Arc<AtomicU8>,
    connections: usize,
    streams: usize,
    seed: u64,
}

impl Caller {
    fn run(self, ready: &mpsc::Sender<()>) -> Result<Tally> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let caller = Rc::new(self);
        LocalSet::new().block_on(&runtime, async move {
            let mut connections = Vec::new();
            for _ in 0..caller.connections {
                connections.push(Connection::open(&caller.question.address).await?);
            }
            ready.send(())?;
            let (tally, mut callers) = (Rc::new(RefCell::new(Tally::new(Duration::ZERO))), JoinSet::new());
            for (number, connection) in connections.iter().enumerate() {
                for stream in 0..caller.streams {
                    let random = Random::new(caller.seed + (number * caller.streams + stream) as u64);
                    callers.spawn_local(Rc::clone(&caller).ask(connection.clone(), random, Rc::clone(&tally)));
                }
            }
            let all_answered = async {
                while let Some(ended) = callers.join_next().await {
                    ended??;
                }
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            };
            tokio::select! {
                ended = all_answered => ended?,
                () = caller.until_given_up() => return Err(format!("calls were not answered within {PATIENCE:?}").into()),
            }
            Ok(tally.replace(Tally::new(Duration::ZERO)))
        })
    }

    /// Until nobody waits any longer for what was asked within the run.
    async fn until_given_up(&self) {
        while self.phase.load(Ordering::Relaxed) != OVER {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        tokio::time::sleep(PATIENCE).await;
    }

    /// One caller, until the run is over.
    async fn ask(self: Rc<Self>, mut connection: Connection, mut random: Random, tally: Rc<RefCell<Tally>>) -> Result<()> {
        loop {
            let frame = self.question.requests.next(&mut random);
            let start = monotonic();
            let status = connection.call(&self.question.head, frame, None).await?;
            match self.phase.load(Ordering::Relaxed) {
                BEFORE => {}
                WITHIN => tally.borrow_mut().record(status, start.elapsed()),
                _ => return Ok(()),
            }
        }
    }
}
