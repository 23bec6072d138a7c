//! Where passwords are hashed: beside the threads that serve calls, a few at a time, and not for more callers than can wait.

use std::num::NonZero;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Argon2id, Checked, Parameters, Password, PasswordHash};
use crate::error::{Cause, Error, Result};

/// How many callers of each kind wait at most. A hash by the default parameters takes 14 to 20 ms, so that the last waits for about a
/// second where one is computed at a time, and less where more are. An imported hash can take a second itself.
const CHECKS: usize = 64;
/// See [`CHECKS`].
const SETS: usize = 16;
/// See [`CHECKS`]: each has up to 50 passwords.
const BATCHES: usize = 4;

/// What passwords are hashed for. Each has places of its own, so that nobody who sets passwords keeps others from checking theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// One is checked.
    Check,
    /// One is set.
    Set,
    /// Many are set.
    Batch,
}

/// Hashes passwords, for at most so many callers at a time. Clones share them.
#[derive(Clone, Debug)]
pub struct Hashing {
    argon2id: Arc<Argon2id>,
    /// For all who compute or wait, by what they do.
    checks: Arc<Semaphore>,
    sets: Arc<Semaphore>,
    batches: Arc<Semaphore>,
    /// For those who compute.
    permits: Arc<Semaphore>,
}

/// A place among the callers, until it is dropped.
#[derive(Debug)]
pub struct Place {
    hashing: Hashing,
    _permit: OwnedSemaphorePermit,
}

/// The turn of one who has waited.
#[derive(Debug)]
pub struct Turn {
    argon2id: Arc<Argon2id>,
    permit: OwnedSemaphorePermit,
}

impl Hashing {
    /// Hashes that cost this, on all cores but one.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        // One core, where there are more, is left to those who hash nothing.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::with_permits(parameters, (cores - 1).max(1))
    }

    fn with_permits(parameters: Parameters, permits: usize) -> Self {
        let [checks, sets, batches] = [CHECKS, SETS, BATCHES].map(|places| Arc::new(Semaphore::new(permits + places)));
        let argon2id = Arc::new(Argon2id::new(parameters));
        Self { argon2id, checks, sets, batches, permits: Arc::new(Semaphore::new(permits)) }
    }

    /// Takes a place, or fails at once.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when all are taken.
    pub fn place(&self, work: Work) -> Result<Place> {
        let places = match work {
            Work::Check => &self.checks,
            Work::Set => &self.sets,
            Work::Batch => &self.batches,
        };
        let permit = places.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        Ok(Place { hashing: self.clone(), _permit: permit })
    }

    /// See [`Argon2id::computed`].
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.argon2id.computed()
    }
}

impl Place {
    /// Waits for a turn, anew for each hash: who has many to compute stands behind those who have one.
    ///
    /// # Errors
    /// None but a fault of ours.
    pub async fn turn(&self) -> Result<Turn> {
        let permit = self.hashing.permits.clone().acquire_owned().await.map_err(Error::internal)?;
        Ok(Turn { argon2id: self.hashing.argon2id.clone(), permit })
    }

    /// See [`Argon2id::hash`].
    ///
    /// # Errors
    /// [`Error::Internal`] when it cannot be computed.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash> {
        self.turn().await?.compute(move |argon2id| argon2id.hash(&password)).await
    }
}

impl Turn {
    /// See [`Argon2id::check`].
    ///
    /// # Errors
    /// [`Error::Internal`] when it cannot be computed.
    pub async fn check(self, stored: Option<PasswordHash>, password: Password) -> Result<Checked> {
        self.compute(move |argon2id| argon2id.check(stored.as_ref(), &password)).await
    }

    async fn compute<T, F>(self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Argon2id) -> Result<T, Cause> + Send + 'static,
    {
        let computing = tokio::task::spawn_blocking(move || {
            // Given back by the work itself: a caller that gives up does not end it.
            let _permit = self.permit;
            work(&self.argon2id)
        });
        computing.await.map_err(Error::internal)?.map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn hashing(permits: usize) -> Hashing {
        Hashing::with_permits(Parameters::parse("m=8,t=1,p=1").unwrap(), permits)
    }

    fn places(hashing: &Hashing) -> Vec<Place> {
        std::iter::from_fn(|| hashing.place(Work::Check).ok()).collect()
    }

    #[tokio::test]
    async fn a_place_hashes_and_checks_one_after_the_other() {
        let hashing = hashing(1);
        let place = hashing.place(Work::Check).unwrap();
        let hash = place.hash(Password::new("one")).await.unwrap();
        for (password, matches) in [("one", true), ("two", false)] {
            let turn = place.turn().await.unwrap();
            let checked = turn.check(Some(hash.clone()), Password::new(password)).await.unwrap();
            assert_eq!(checked.matches, matches);
        }
        assert!(!place.turn().await.unwrap().check(None, Password::new("one")).await.unwrap().matches);
        assert_eq!(hashing.computed(), 4);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_place() {
        let hashing = hashing(3);
        for _ in 0..2 {
            let taken = places(&hashing);
            assert_eq!(taken.len(), 3 + CHECKS);
            assert!(matches!(hashing.clone().place(Work::Check), Err(Error::Overloaded)));
            assert!(hashing.place(Work::Set).is_ok() && hashing.place(Work::Batch).is_ok(), "each kind has places of its own");
        }
        assert!(places(&Hashing::new(Parameters::default())).len() > CHECKS);
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_place_but_its_work_keeps_its_turn() {
        let hashing = hashing(1);
        let ((started, starts), (end, ends)) = (mpsc::channel(), mpsc::channel());
        let place = hashing.place(Work::Check).unwrap();
        let first = tokio::spawn(async move {
            let work = move |_: &Argon2id| {
                started.send(()).unwrap();
                ends.recv().map_err(Cause::from)
            };
            place.turn().await?.compute(work).await
        });
        tokio::task::spawn_blocking(move || starts.recv().unwrap()).await.unwrap();
        let place = hashing.place(Work::Check).unwrap();
        let waiting = tokio::spawn(async move { place.hash(Password::new("waits")).await });
        tokio::task::yield_now().await;
        first.abort();
        waiting.abort();
        assert!(first.await.unwrap_err().is_cancelled() && waiting.await.unwrap_err().is_cancelled());
        let taken = places(&hashing);
        assert_eq!(taken.len(), 1 + CHECKS, "both places are free");
        let next = taken[0].hash(Password::new("next"));
        let next = tokio::time::timeout(Duration::from_millis(50), next);
        assert!(next.await.is_err(), "the work of the first still runs");
        assert_eq!(hashing.computed(), 0);
        end.send(()).unwrap();
        taken[1].hash(Password::new("last")).await.unwrap();
        assert_eq!(hashing.computed(), 1, "who gave up waiting is passed over");
    }

    #[tokio::test]
    async fn no_more_are_computed_at_a_time_than_permitted() {
        let hashing = hashing(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let callers: Vec<_> = places(&hashing)
            .into_iter()
            .map(|place| {
                let (running, most) = (running.clone(), most.clone());
                tokio::spawn(async move {
                    let work = move |_: &Argon2id| {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(2));
                        running.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    };
                    place.turn().await?.compute(work).await
                })
            })
            .collect();
        for (index, caller) in callers.into_iter().enumerate() {
            if index % 3 == 0 {
                caller.abort();
            } else {
                caller.await.unwrap().unwrap();
            }
        }
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_turn_back() {
        let hashing = hashing(1);
        let place = hashing.place(Work::Check).unwrap();
        let turn = place.turn().await.unwrap();
        let failed = turn.compute(|_| -> Result<(), Cause> { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(Error::Internal(_))));
        assert!(place.hash(Password::new("one")).await.is_ok());
    }
}
