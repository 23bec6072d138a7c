//! Where callers queue for a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// How long a caller without a shorter deadline queues, and how long one who has much to do.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
const LONG_PATIENCE: Duration = Duration::from_secs(30);

/// Lets so many in at a time, in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    permits: Arc<Semaphore>,
    size: u32,
    patience: Duration,
}

impl Queue {
    pub(super) fn new(size: u32) -> Self {
        Self { permits: Arc::new(Semaphore::new(size as usize)), size, patience: PATIENCE }
    }

    /// For those who have much to do: one at a time.
    pub(super) fn for_bulk() -> Self {
        Self { patience: LONG_PATIENCE, ..Self::new(1) }
    }

    /// Waits to be let in, until the permit is dropped.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when it takes too long; [`Error::StoreUnavailable`] once it is closed.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit> {
        let entered = tokio::time::timeout(self.patience, self.permits.clone().acquire_owned()).await;
        entered.map_err(|_| Error::Overloaded)?.map_err(closed)
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.permits.close();
    }

    /// Waits until nobody is in, and lets nobody in any more.
    pub(super) async fn close_behind_all(&self) {
        let permits = self.permits.acquire_many(self.size).await;
        // Closed before the permits go back: whoever waits for one must not begin now.
        self.permits.close();
        drop(permits);
    }
}

fn closed(cause: AcquireError) -> Error {
    Error::StoreUnavailable { outcome_unknown: false, cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_too_long_is_told_so() {
        let queue = Queue::new(1);
        let permit = queue.enter().await.unwrap();
        assert!(matches!(queue.enter().await, Err(Error::Overloaded)));
        drop(permit);
        assert!(queue.enter().await.is_ok());
    }

    #[tokio::test]
    async fn nobody_enters_once_it_is_closed() {
        let queue = Queue::new(2);
        let permit = queue.enter().await.unwrap();
        let closing = tokio::spawn({
            let queue = queue.clone();
            async move { queue.close_behind_all().await }
        });
        tokio::task::yield_now().await;
        drop(permit);
        closing.await.unwrap();
        assert!(matches!(queue.enter().await, Err(Error::StoreUnavailable { .. })));
    }
}
