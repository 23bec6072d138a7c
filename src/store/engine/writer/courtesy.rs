//! Room for other processes, such as `roster keys` beside a server. SQLite keeps no queue for its lock: who finds it taken looks
//! again every 100 ms, and could look for long where one group follows the other.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock;

/// How often it is looked whether there was room: before anybody gives up, see the busy timeout.
const WINDOW: Duration = Duration::from_secs(4);
/// Free for this part of the time, the lock is found free by whoever looks again and again.
const ENOUGH: u32 = 10;
/// A rest in which everybody looks once.
const REST: Duration = Duration::from_millis(110);

/// When the lock was free of late.
pub(super) struct Courtesy {
    since: Instant,
    /// When the last group ended, and for how long it was free before.
    ended: Instant,
    free: Duration,
}

impl Courtesy {
    pub(super) fn new() -> Self {
        let now = clock::monotonic();
        Self { since: now, ended: now, free: Duration::ZERO }
    }

    /// A group is about to begin: how long it has to wait.
    pub(super) fn rest(&mut self) -> Option<Duration> {
        let now = clock::monotonic();
        self.free += now - self.ended;
        if now - self.since < WINDOW {
            return None;
        }
        let crowded = self.free < (now - self.since) / ENOUGH;
        (self.since, self.free) = (now, Duration::ZERO);
        crowded.then_some(REST)
    }

    /// A group has ended.
    pub(super) fn end(&mut self) {
        self.ended = clock::monotonic();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rests(busy: u64, idle: u64) -> usize {
        let mut courtesy = Courtesy::new();
        let mut rests = 0;
        for _ in 0..1_000 {
            rests += usize::from(courtesy.rest().is_some());
            tokio::time::advance(Duration::from_millis(busy)).await;
            courtesy.end();
            tokio::time::advance(Duration::from_millis(idle)).await;
        }
        rests
    }

    #[tokio::test(start_paused = true)]
    async fn it_rests_where_the_lock_is_hardly_ever_free() {
        assert_eq!(rests(20, 0).await, 4);
        assert_eq!(rests(20, 4).await, 0);
        assert_eq!(rests(0, 20).await, 0);
    }
}
