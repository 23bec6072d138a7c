//! Time, ids and randomness: the only place that asks the machine for them, so that tests can set them (clippy denies the
//! rest).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::{NoContext, Uuid};

use crate::proto::Timestamp;

/// The service's idea of now.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds since 1970 that a test has set; `None`: the machine's time.
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// A clock that stands at `start` until it is moved.
    #[must_use]
    pub fn stopped_at(start: Timestamp) -> Self {
        Self { set: Some(Arc::new(AtomicI64::new(start.micros()))) }
    }

    /// Moves a stopped clock on; the machine's clock does not take it.
    pub fn advance(&self, by: Duration) {
        if let Some(set) = &self.set {
            set.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Now, in UTC, to the microsecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.set.as_ref().map_or_else(system_micros, |set| set.load(Ordering::SeqCst)))
    }

    /// A new id: UUIDv7, lower case, hyphenated; later ones sort after earlier ones.
    #[must_use]
    pub fn new_id(&self) -> String {
        let now = self.now();
        let seconds = u64::try_from(now.seconds).unwrap_or_default();
        let stamp = uuid::Timestamp::from_unix(NoContext, seconds, u32::try_from(now.nanos).unwrap_or_default());
        Uuid::new_v7(stamp).hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
fn system_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The monotonic time, for deadlines and durations.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
pub fn monotonic() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// `N` bytes that nobody can guess.
///
/// # Panics
/// When the operating system has no randomness to give: nothing safe can be made then.
#[must_use]
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "the one place that asks for randomness")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_told() {
        let clock = Clock::stopped_at(Timestamp { seconds: 1_700_000_000, nanos: 0 });
        assert_eq!(clock.now().seconds, 1_700_000_000);
        clock.clone().advance(Duration::from_secs(5));
        assert_eq!(clock.now().seconds, 1_700_000_005);
    }

    #[test]
    fn ids_are_lower_case_hyphenated_version_7() {
        let id = Clock::default().new_id();
        assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7);
        assert_eq!(id, id.to_lowercase());
        assert_eq!(id.len(), 36);
    }
}
