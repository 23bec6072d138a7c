//! Of calls that are made twice at once, the second waits for the first: for a while, and without a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use crate::error::{Error, Result};

/// How long the second waits (contract §1).
const PATIENCE: Duration = Duration::from_secs(2);

type Turns = Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>;

/// The calls with an idempotency key that are under way in this process; the database's own constraint holds between processes.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct UnderWay(Arc<Turns>);

/// The turn to make a call. The next one gets its own when this is dropped.
pub(super) struct Turn {
    record_id: String,
    turns: Arc<Turns>,
    guard: Option<OwnedMutexGuard<()>>,
}

impl UnderWay {
    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Error::ConflictRetry`] when the call before takes too long.
    pub(super) async fn turn(&self, record_id: &str) -> Result<Turn> {
        let lock = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry(record_id.to_owned()).or_default().clone()
        };
        // From here on the entry is tidied up, also for a caller who stops waiting.
        let mut turn = Turn { record_id: record_id.to_owned(), turns: self.0.clone(), guard: None };
        let guard = tokio::time::timeout(PATIENCE, lock.lock_owned()).await;
        turn.guard = Some(guard.map_err(|_| Error::ConflictRetry)?);
        Ok(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody holds or awaits it but the map.
        if turns.get(&self.record_id).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.record_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_second_waits_two_seconds_and_nothing_is_left() {
        let under_way = UnderWay::default();
        let first = under_way.turn("a").await.unwrap();
        let other = under_way.turn("b").await.unwrap();
        assert!(matches!(under_way.turn("a").await, Err(Error::ConflictRetry)));
        let waiting = tokio::spawn({
            let under_way = under_way.clone();
            async move { under_way.turn("a").await.is_ok() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap());
        drop(other);
        assert!(under_way.0.lock().unwrap().is_empty());
    }
}
