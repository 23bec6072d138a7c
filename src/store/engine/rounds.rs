//! Reads that travel together: what is asked while a round is under way waits for the next one, and is answered by it in one go.
//! There is no timer that a question waits for, and no answer is kept: whoever asks is answered by a round that *began after* they
//! asked, so that they see all that was committed before.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::errors;
use crate::error::{Error, Result};

/// The most questions that wait for a round: whoever comes then is told at once that they are too many.
const WAITING: usize = 4_096;
/// How long a round may take before the next one begins beside it, where the source takes several.
const SLOW: Duration = Duration::from_millis(10);
/// When no round has ended for so long, all who wait are told that they are too many.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who answers.
pub(in crate::store) trait Source: Send + Sync + 'static {
    /// What is asked.
    type Question: Clone + Send + Sync + 'static;
    /// What is answered.
    type Answer: Send + 'static;
    /// The most questions of a round.
    const ROUND: usize = 256;

    /// For how long nobody has to ask until [`Source::rest`]; `None`: there is no use in waiting for that.
    fn stays(&self) -> Option<Duration> {
        None
    }

    /// Gives up what it has kept from one round to the next.
    fn rest(&self) {}

    /// Answers the questions in their order, of a state that is no older than the call.
    fn answer(&self, questions: Arc<Vec<Self::Question>>) -> impl Future<Output = Result<Vec<Self::Answer>>> + Send;
}

/// The rounds of a source on one runtime. Clones share them.
pub(in crate::store) struct Rounds<S: Source>(Arc<Inner<S>>);

struct Inner<S: Source> {
    source: S,
    waiting: Mutex<Waiting<S>>,
    permits: Arc<Semaphore>,
    /// Calls a worker who stays.
    bell: Notify,
}

struct Waiting<S: Source> {
    asked: Vec<(S::Question, Asker<S>)>,
    worker: Presence,
}

/// Whether somebody sees to it that rounds take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Away,
    /// Waits to be called.
    Staying,
    Working,
}

type Asker<S> = oneshot::Sender<Result<<S as Source>::Answer>>;

/// The answer to come. Dropped, the question need not be answered.
#[derive(Debug)]
pub(in crate::store) struct Ticket<A>(oneshot::Receiver<Result<A>>);

impl<A> Ticket<A> {
    /// Waits for it.
    ///
    /// # Errors
    /// Those of the round; [`Error::Overloaded`] when too many wait.
    pub(in crate::store) async fn answer(self) -> Result<A> {
        self.0.await.unwrap_or_else(|_| Err(Error::internal("a round was lost")))
    }
}

impl<S: Source> Clone for Rounds<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: Source> Rounds<S> {
    /// `at_once`: how many rounds of the source may be under way.
    pub(in crate::store) fn new(source: S, at_once: usize) -> Self {
        let waiting = Mutex::new(Waiting { asked: Vec::new(), worker: Presence::Away });
        Self(Arc::new(Inner { source, waiting, permits: Arc::new(Semaphore::new(at_once)), bell: Notify::new() }))
    }

    pub(super) fn source(&self) -> &S {
        &self.0.source
    }

    /// Puts the question to the next round.
    pub(in crate::store) fn ask(&self, question: S::Question) -> Ticket<S::Answer> {
        let (asker, ticket) = oneshot::channel();
        let mut waiting = self.0.waiting();
        if waiting.asked.len() >= WAITING {
            let _ = asker.send(Err(Error::Overloaded));
            return Ticket(ticket);
        }
        waiting.asked.push((question, asker));
        match std::mem::replace(&mut waiting.worker, Presence::Working) {
            Presence::Away => drop(tokio::spawn(Worker(self.0.clone()).work())),
            Presence::Staying => self.0.bell.notify_one(),
            Presence::Working => {}
        }
        Ticket(ticket)
    }
}

impl<S: Source> Inner<S> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<S>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The questions of the next round, so many at most; `None`: nobody waits, and whoever comes next has to call the worker.
    fn next(&self, most: usize) -> Option<Vec<(S::Question, Asker<S>)>> {
        let mut waiting = self.waiting();
        waiting.asked.retain(|(_, asker)| !asker.is_closed());
        let count = waiting.asked.len().min(most);
        let later = waiting.asked.split_off(count);
        let round = std::mem::replace(&mut waiting.asked, later);
        if round.is_empty() {
            waiting.worker = Presence::Staying;
            return None;
        }
        Some(round)
    }

    /// Waits for the next who asks, for as long as the source stays. Whether somebody has asked.
    async fn called(&self) -> bool {
        if let Some(stays) = self.source.stays()
            && tokio::time::timeout(stays, self.bell.notified()).await.is_ok()
        {
            return true;
        }
        let mut waiting = self.waiting();
        if waiting.worker == Presence::Staying {
            waiting.worker = Presence::Away;
            return false;
        }
        true
    }

    async fn round(self: Arc<Self>, asked: Vec<(S::Question, Asker<S>)>, permit: OwnedSemaphorePermit) {
        let (questions, askers): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let questions = Arc::new(questions);
        match self.source.answer(questions.clone()).await {
            Ok(answers) => {
                for (asker, answer) in askers.into_iter().zip(answers) {
                    let _ = asker.send(Ok(answer));
                }
            }
            // A fault in what one of them asks for is nothing to the others.
            Err(Error::Internal(_)) if askers.len() > 1 => {
                for (asker, question) in askers.into_iter().zip(questions.iter()) {
                    let alone = self.source.answer(Arc::new(vec![question.clone()])).await;
                    let answer = alone.and_then(|mut answers| answers.pop().ok_or_else(|| Error::internal("no answer")));
                    let _ = asker.send(answer);
                }
            }
            Err(error) => fail(askers, &error),
        }
        drop(permit);
    }
}

fn fail<A>(askers: impl IntoIterator<Item = oneshot::Sender<Result<A>>>, error: &Error) {
    for asker in askers {
        let _ = asker.send(Err(errors::shared(error)));
    }
}

/// Whoever sees to it that rounds take place.
struct Worker<S: Source>(Arc<Inner<S>>);

impl<S: Source> Worker<S> {
    async fn work(self) {
        loop {
            // Lets all who are about to ask do so.
            tokio::task::yield_now().await;
            let permit = tokio::time::timeout(PATIENCE, self.0.permits.clone().acquire_owned()).await;
            let most = if permit.is_ok() { S::ROUND } else { WAITING };
            let Some(asked) = self.0.next(most) else {
                // A round is under way still, and may keep what is to be given up.
                if permit.is_err() {
                    continue;
                }
                drop(permit);
                if self.0.called().await {
                    continue;
                }
                self.0.source.rest();
                return;
            };
            let Ok(Ok(permit)) = permit else {
                fail(asked.into_iter().map(|(_, asker)| asker), &Error::Overloaded);
                continue;
            };
            let mut round = Box::pin(self.0.clone().round(asked, permit));
            if tokio::time::timeout(SLOW, &mut round).await.is_err() {
                tokio::spawn(round);
            }
        }
    }
}

/// A round that panics takes those along who waited for it alone.
impl<S: Source> Drop for Worker<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tokio::spawn(Self(self.0.clone()).work());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    const ROUND: usize = <Arc<Database> as Source>::ROUND;

    /// Answers with what is committed when the round begins, and then takes its time.
    #[derive(Default)]
    struct Database {
        committed: AtomicUsize,
        rounds: AtomicUsize,
        fails: bool,
        /// Whether each round has the answers of the one before, which was under way when it was asked.
        late: bool,
        before: AtomicUsize,
        /// How much longer a round takes than it must.
        slow: Duration,
        stays: Option<Duration>,
        /// How many rounds had ended whenever it rested.
        rests: Mutex<Vec<usize>>,
        ended: AtomicUsize,
    }

    impl Source for Arc<Database> {
        type Question = ();
        type Answer = usize;

        fn stays(&self) -> Option<Duration> {
            self.stays
        }

        fn rest(&self) {
            self.rests.lock().unwrap().push(self.ended.load(Ordering::SeqCst));
        }

        async fn answer(&self, questions: Arc<Vec<()>>) -> Result<Vec<usize>> {
            let now = self.committed.load(Ordering::SeqCst);
            let before = self.before.swap(now, Ordering::SeqCst);
            self.rounds.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1) + self.slow).await;
            self.ended.fetch_add(1, Ordering::SeqCst);
            if self.fails {
                return Err(Error::StoreUnavailable { outcome_unknown: false, cause: "gone".into() });
            }
            Ok(vec![if self.late { before } else { now }; questions.len()])
        }
    }

    /// What somebody is answered who asks after a commit that was made while a round was under way.
    async fn answered_after_a_commit(late: bool) -> usize {
        let database = Arc::new(Database { late, ..Database::default() });
        let rounds = Rounds::new(database.clone(), 4);
        let first = rounds.ask(());
        while database.rounds.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        database.committed.store(1, Ordering::SeqCst);
        let second = rounds.ask(());
        assert_eq!(first.answer().await.unwrap(), 0);
        second.answer().await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_during_a_round_sees_what_was_committed_before_they_asked() {
        assert_eq!(answered_after_a_commit(false).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_joined_the_round_under_way_would_not() {
        assert_eq!(answered_after_a_commit(true).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_ask_at_once_are_one_round_and_more_than_fit_are_several() {
        for (askers, rounds_expected) in [(1, 1), (ROUND, 1), (ROUND + 1, 2)] {
            let database = Arc::new(Database::default());
            let rounds = Rounds::new(database.clone(), 4);
            let tickets: Vec<_> = (0..askers).map(|_| rounds.ask(())).collect();
            assert!(join_all(tickets.into_iter().map(Ticket::answer)).await.iter().all(Result::is_ok));
            assert_eq!(database.rounds.load(Ordering::SeqCst), rounds_expected, "{askers}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_leaves_the_others_in_peace() {
        let database = Arc::new(Database::default());
        let rounds = Rounds::new(database.clone(), 4);
        drop(rounds.ask(()));
        let other = rounds.ask(());
        assert!(other.answer().await.is_ok());
        drop(rounds.ask(()));
        tokio::time::sleep(SLOW).await;
        assert_eq!(database.rounds.load(Ordering::SeqCst), 1, "nobody waited for a second one");
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_reaches_all_who_waited_and_too_many_are_told_so() {
        let rounds = Rounds::new(Arc::new(Database { fails: true, ..Database::default() }), 4);
        let tickets: Vec<_> = (0..=WAITING).map(|_| rounds.ask(())).collect();
        let mut answers = join_all(tickets.into_iter().map(Ticket::answer)).await;
        assert!(matches!(answers.pop(), Some(Err(Error::Overloaded))));
        assert!(answers.iter().all(|answer| matches!(answer, Err(Error::StoreUnavailable { outcome_unknown: false, .. }))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_stays_rests_once_nobody_has_asked_for_so_long() {
        let stays = Duration::from_millis(50);
        let database = Arc::new(Database { stays: Some(stays), ..Database::default() });
        let rounds = Rounds::new(database.clone(), 1);
        for pause in [0, 30, 49, 50, 51, 200] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            assert!(rounds.ask(()).answer().await.is_ok(), "{pause}");
        }
        tokio::time::sleep(stays * 2).await;
        let rests = database.rests.lock().unwrap().clone();
        assert!(matches!(rests[..], [.., 5, 6]), "{rests:?}");
        assert!(rests.windows(2).all(|two| two[0] < two[1]), "{rests:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_does_not_rest_before_its_round_has_ended() {
        let (stays, slow) = (Some(Duration::from_millis(50)), PATIENCE * 2);
        let database = Arc::new(Database { slow, stays, ..Database::default() });
        let rounds = Rounds::new(database.clone(), 1);
        let ticket = rounds.ask(());
        tokio::time::sleep(SLOW).await;
        drop(ticket);
        tokio::time::sleep(slow * 2).await;
        assert_eq!(*database.rests.lock().unwrap(), [1]);
    }
}
