//! What to do when the database fails a call: whether it passes and is worth another attempt, whether the database is away and
//! others need not even try, and which connections are not to be trusted any more.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::errors;
use crate::clock;
use crate::error::{Error, Result};

/// How often a call is attempted, and for how long it goes on: what is in the way for longer, its caller is told of. PostgreSQL
/// takes a second to find a deadlock.
const ATTEMPTS: u32 = 8;
const PERSEVERANCE: Duration = Duration::from_millis(1_500);
/// The pause before the second attempt; it doubles, and each is shortened at random by up to half.
const FIRST_PAUSE: Duration = Duration::from_millis(4);
/// Whoever gets no connection while others were answered within this time is one too many: the database is not away.
const RECENT: Duration = Duration::from_millis(900);
/// Connections that are lost within this time are lost by one cause.
const LOSS: Duration = Duration::from_secs(1);

/// How the database can be reached, as the calls before have found.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// Whether it could not be connected to. Then one call at a time asks it, and all others are told so at once.
    away: AtomicBool,
    asking: tokio::sync::Mutex<()>,
    /// When it last answered anything.
    answered: Mutex<Option<Instant>>,
    /// When a connection was last lost, or found to be one to a server that does not write any more. Those that are older are
    /// most likely no better.
    lost: Mutex<Option<Instant>>,
}

impl Reach {
    /// Makes the attempt, and again a few times as long as what stands in its way will pass: a deadlock, a conflict of
    /// transactions, a lost connection. So it must be one that can be repeated as a whole. While the database is away, whoever
    /// comes first asks it for a sign of life, and goes on when there is one.
    ///
    /// # Errors
    /// Those of the last attempt; [`Error::StoreUnavailable`] at once while the database is known to be away;
    /// [`Error::Overloaded`] when it answers others but there is no connection to be had.
    pub(super) async fn attempts<T, F, A>(&self, ask: impl Fn() -> A, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
        A: Future<Output = Result<()>>,
    {
        if self.away.load(Ordering::Relaxed) {
            let asking = self.asking.try_lock().map_err(|_| away())?;
            self.noting(ask()).await?;
            drop(asking);
        }
        let began = clock::monotonic();
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.noting(attempt()).await {
                // Whoever found no connection may find one that somebody has given back.
                Err(error)
                    if (errors::passes(&error) || matches!(error, Error::Overloaded)) && began.elapsed() < PERSEVERANCE =>
                {
                    tracing::debug!(%error, "trying again");
                    tokio::time::sleep(shortened(pause)).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
        self.noting(attempt()).await
    }

    /// Does the work, and learns from how it ends.
    async fn noting<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let result = work.await;
        let Err(error @ Error::StoreUnavailable { .. }) = &result else {
            *lock(&self.answered) = Some(clock::monotonic());
            if self.away.swap(false, Ordering::Relaxed) {
                tracing::info!("the database is back");
            }
            return result;
        };
        if errors::cannot_connect(error) {
            let others_are_answered = || lock(&self.answered).is_some_and(|answered| answered.elapsed() < RECENT);
            if errors::has_none_left(error) && others_are_answered() {
                tracing::debug!(error = errors::cause(error), "no connection is left");
                return Err(Error::Overloaded);
            }
            if !self.away.swap(true, Ordering::Relaxed) {
                tracing::warn!(error = errors::cause(error), "the database is away");
            }
        } else if !errors::is_lost(error) {
            tracing::warn!(error = errors::cause(error), "the database failed a call");
        } else if self.lose() {
            tracing::warn!(error = errors::cause(error), "connections are replaced");
        }
        result
    }

    /// Notes that a connection was lost, and tells whether that is news: not again for a while, so that a server that never writes is
    /// not reconnected to for ever.
    fn lose(&self) -> bool {
        let mut lost = lock(&self.lost);
        let news = lost.is_none_or(|lost| lost.elapsed() >= LOSS);
        if news {
            *lost = Some(clock::monotonic());
        }
        news
    }

    /// Whether a connection of this age was there already when one was lost.
    pub(super) fn mistrusts(&self, age: Duration) -> bool {
        let lost = *lock(&self.lost);
        lost.is_some_and(|lost| lost.elapsed() <= age)
    }
}

fn away() -> Error {
    Error::StoreUnavailable { outcome_unknown: false, cause: "it is away".into() }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Between half of it and all of it, so that those who were in each other's way do not meet again.
fn shortened(pause: Duration) -> Duration {
    let half = pause / 2;
    half + half * u32::from(clock::random::<1>()[0]) / 255
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use sea_orm::{ConnAcquireErr, DbErr};

    use super::*;

    async fn answers() -> Result<()> {
        Ok(())
    }

    fn no_connection() -> Error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout).into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_conflict_is_tried_again_some_times() {
        let (reach, tries) = (Reach::default(), AtomicU32::new(0));
        let until = |good: u32| {
            let tries = &tries;
            move || async move { if tries.fetch_add(1, Ordering::SeqCst) + 1 < good { Err(Error::ConflictRetry) } else { Ok(()) } }
        };
        reach.attempts(answers, until(3)).await.unwrap();
        assert_eq!(tries.swap(0, Ordering::SeqCst), 3);
        assert!(matches!(reach.attempts(answers, until(u32::MAX)).await, Err(Error::ConflictRetry)));
        assert_eq!(tries.swap(0, Ordering::SeqCst), ATTEMPTS);
        // Whoever waited long for a lock has waited enough.
        let slow = || async {
            tokio::time::sleep(PERSEVERANCE).await;
            until(u32::MAX)().await
        };
        assert!(matches!(reach.attempts(answers, slow).await, Err(Error::ConflictRetry)));
        assert_eq!(tries.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_database_is_away_one_call_asks_and_the_others_are_told() {
        let reach = Reach::default();
        assert!(reach.attempts(answers, || async { Err::<(), _>(no_connection()) }).await.is_err());
        let asked = AtomicU32::new(0);
        let slow = || async {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(())
        };
        let (first, second) = tokio::join!(reach.attempts(slow, answers), reach.attempts(slow, answers));
        assert!(first.is_ok());
        assert!(matches!(second, Err(Error::StoreUnavailable { outcome_unknown: false, .. })));
        let (first, second) = tokio::join!(reach.attempts(slow, answers), reach.attempts(slow, answers));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gets_no_connection_while_others_are_answered_is_one_too_many() {
        let reach = Reach::default();
        let without = || async { Err::<(), _>(no_connection()) };
        reach.attempts(answers, answers).await.unwrap();
        assert!(matches!(reach.attempts(answers, without).await, Err(Error::Overloaded)));
        tokio::time::advance(RECENT).await;
        assert!(matches!(reach.attempts(answers, without).await, Err(Error::StoreUnavailable { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn connections_older_than_a_loss_are_mistrusted() {
        let reach = Reach::default();
        assert!(!reach.mistrusts(Duration::from_secs(9)));
        reach.lose();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(reach.mistrusts(Duration::from_secs(3)));
        assert!(!reach.mistrusts(Duration::from_secs(1)));
    }
}
