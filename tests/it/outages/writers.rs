//! Callers that write, each under keys of its own, and repeat each write until it is acknowledged, whatever befalls the database;
//! beside each write they read what it made.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use roster::proto::{GetUserRequest, GetUserResponse};
use tokio::task::JoinSet;
use tonic::Code;

use super::{assert_passing, now};
use crate::cli::crash::was_replayed;
use crate::cli::load::{Journal, KEY, Sent, Write, differences, model, stored};
use crate::wire::{Answer, Wire, framed, posting};

/// How long a caller waits before it repeats a call: less than it is told, so that the first OK is seen when it can be had.
const PAUSE: Duration = Duration::from_millis(20);
/// How often a caller repeats a call before the test fails.
const REPEATS: usize = 1_500;

/// Callers at work.
pub(super) struct Writers {
    callers: JoinSet<Journal>,
    shared: Arc<Shared>,
}

/// What befell all callers together.
#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// When a write was acknowledged.
    acknowledged: Mutex<Vec<Instant>>,
    /// How often a call was refused, by how.
    refusals: Mutex<BTreeMap<String, usize>>,
}

/// How it ended, every write acknowledged.
pub(super) struct Ended {
    pub(super) journals: Vec<Journal>,
    /// How often a call was refused, by how.
    pub(super) refusals: BTreeMap<String, usize>,
}

impl Writers {
    /// Starts callers, each on a connection of its own, that make what `script` says for the prefix of their ids and the step.
    pub(super) async fn start(address: SocketAddr, name: &str, callers: usize, script: fn(&str, usize) -> Write) -> Self {
        let (mut running, shared) = (JoinSet::new(), Arc::<Shared>::default());
        for number in 0..callers {
            let caller = Caller { wire: Wire::connect(address).await, shared: shared.clone() };
            running.spawn(caller.write_until_stopped(format!("{name}-{number}-"), script));
        }
        Self { callers: running, shared }
    }

    /// Waits until so many writes are acknowledged, all in all.
    pub(super) async fn acknowledge(&self, count: usize) {
        let begun = now();
        while self.shared.acknowledged.lock().unwrap().len() < count {
            assert!(begun.elapsed() < Duration::from_mins(10), "{:?}", self.shared.refusals);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// How many writes are acknowledged by now.
    pub(super) fn acknowledged(&self) -> usize {
        self.shared.acknowledged.lock().unwrap().len()
    }

    /// When the first write after this moment was acknowledged.
    pub(super) fn first_after(&self, moment: Instant) -> Option<Instant> {
        self.shared.acknowledged.lock().unwrap().iter().copied().filter(|at| *at > moment).min()
    }

    /// Lets each caller end with the write that it is at.
    pub(super) async fn end(mut self) -> Ended {
        self.shared.stop.store(true, Ordering::SeqCst);
        let mut journals = Vec::new();
        while let Some(journal) = self.callers.join_next().await {
            journals.push(journal.unwrap());
        }
        let refusals = self.shared.refusals.lock().unwrap().clone();
        Ended { journals, refusals }
    }
}

impl Ended {
    /// How many writes were made.
    pub(super) fn writes(&self) -> usize {
        self.journals.iter().map(|journal| journal.sent.len()).sum()
    }

    /// Asserts that all that was acknowledged is there, whole, and nothing else of these callers.
    pub(super) async fn assert_stored(&self, wire: &Wire) {
        let expected = model(self.journals.iter().flat_map(|journal| &journal.sent));
        let mut found = stored(wire).await;
        found.retain(|id, _| self.journals.iter().any(|journal| id.starts_with(&journal.prefix)));
        assert_eq!(differences(&expected, &found), [""; 0]);
    }
}

/// One caller.
struct Caller {
    wire: Wire,
    shared: Arc<Shared>,
}

impl Caller {
    async fn write_until_stopped(self, prefix: String, script: fn(&str, usize) -> Write) -> Journal {
        let mut sent = Vec::new();
        for step in 0.. {
            if self.shared.stop.load(Ordering::SeqCst) {
                break;
            }
            let (write, key) = (script(&prefix, step), format!("{prefix}{step}"));
            let answer = self.make(&write, &key).await;
            let made = Sent { write, key, answer: Some(answer) };
            self.look(&made).await;
            sent.push(made);
        }
        Journal { prefix, sent }
    }

    /// Makes the write, however often that takes. Only what may have been made before is told again.
    async fn make(&self, write: &Write, key: &str) -> Answer {
        let headers = [("x-api-key", KEY), ("idempotency-key", key), ("grpc-timeout", "10S")];
        let mut may_be_made = false;
        for _ in 0..REPEATS {
            let answer = self.wire.attempt(posting(write.path(), &headers), framed(&write.request())).await.unwrap();
            if answer.status.code() == Code::Ok {
                assert!(may_be_made || !was_replayed(&answer), "{write:?} was made although its callers were told it was not");
                self.shared.acknowledged.lock().unwrap().push(now());
                return answer;
            }
            may_be_made |= self.note(&answer);
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{write:?} is never acknowledged: {:?}", self.shared.refusals);
    }

    /// Reads whom the write made or changed, or does not find whom it deleted.
    async fn look(&self, sent: &Sent) {
        let id = match &sent.write {
            Write::Create(id) | Write::Update(id, _) | Write::Delete(id) => id.clone(),
            Write::CreateBatch(_) | Write::Join(_) => return,
        };
        let request = GetUserRequest { user_id: Some(id), ..Default::default() };
        for _ in 0..REPEATS {
            let answer = self.wire.call("/roster.v1.UserService/GetUser", &[("x-api-key", KEY)], &request).await;
            match (answer.status.code(), &sent.write) {
                (Code::NotFound, Write::Delete(_)) => return,
                (Code::Ok, Write::Create(_) | Write::Update(..)) => {
                    let shown = answer.message::<GetUserResponse>().user.unwrap().etag;
                    assert_eq!(vec![shown], sent.write.etags(sent.answer.as_ref().unwrap()), "{sent:?}");
                    return;
                }
                _ => drop(self.note(&answer)),
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{sent:?} is never shown: {:?}", self.shared.refusals);
    }

    /// Counts the refusal, and says whether the call may have been done nevertheless.
    fn note(&self, answer: &Answer) -> bool {
        let refusal = answer.refusal();
        assert_passing(&refusal);
        let unknown = refusal.metadata.contains_key("outcome");
        let how = if unknown { format!("{} outcome unknown", refusal.reason) } else { refusal.reason };
        *self.shared.refusals.lock().unwrap().entry(how).or_default() += 1;
        unknown || refusal.code == Code::DeadlineExceeded
    }
}
