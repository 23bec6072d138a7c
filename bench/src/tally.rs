//! What came of calls: how many went well and how long they took, and how the others ended.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Result;
use crate::client::OK;

/// Two digits of a latency: the noise is in the second. None is longer than this, in nanoseconds, or it counts as this.
const DIGITS: u8 = 2;
const LONGEST: u64 = 300_000_000_000;

/// A count of calls. Latencies are in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// How long it was counted.
    pub(crate) window: Duration,
    latencies: Option<Histogram<u64>>,
    failed: BTreeMap<i32, u64>,
}

impl Tally {
    /// Of nothing yet.
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, latencies: Histogram::new_with_bounds(1, LONGEST, DIGITS).ok(), failed: BTreeMap::new() }
    }

    /// A call that ended with this status.
    pub(crate) fn record(&mut self, status: i32, took: Duration) {
        if status == OK {
            let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
            self.latencies.iter_mut().for_each(|latencies| latencies.saturating_record(nanoseconds));
        } else {
            *self.failed.entry(status).or_default() += 1;
        }
    }

    /// What another has counted in the same window, or in one that follows.
    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.window += other.window;
        if let (Some(latencies), Some(others)) = (&mut self.latencies, &other.latencies) {
            latencies.add(others).map_err(|error| format!("latencies cannot be summed: {error}"))?;
        }
        for (status, times) in &other.failed {
            *self.failed.entry(*status).or_default() += times;
        }
        Ok(())
    }

    /// How many went well.
    pub(crate) fn calls(&self) -> u64 {
        self.latencies.as_ref().map_or(0, Histogram::len)
    }

    /// How many of them a second.
    pub(crate) fn rate(&self) -> f64 {
        float(self.calls()) / self.window.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// How many did not, by `grpc-status`.
    pub(crate) fn failed(&self) -> &BTreeMap<i32, u64> {
        &self.failed
    }

    /// The latency that this share of them stayed below.
    pub(crate) fn latency(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.latencies.as_ref().map_or(0, |latencies| latencies.value_at_quantile(quantile)))
    }
}

/// A count as what can be divided; beyond 2^53 nobody counts.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are far below 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// The median, 0 of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_went_well_make_the_rate() {
        let mut tally = Tally::new(Duration::from_secs(2));
        for milliseconds in 1..=10 {
            tally.record(OK, Duration::from_millis(milliseconds));
        }
        tally.record(8, Duration::from_millis(1));
        assert_eq!(tally.calls(), 10);
        assert!((tally.rate() - 5.0).abs() < 1e-9);
        assert_eq!(tally.failed(), &BTreeMap::from([(8, 1)]));
        let middle = tally.latency(0.5);
        assert!((4_900..=5_100).contains(&middle.as_micros()), "{middle:?}");
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
