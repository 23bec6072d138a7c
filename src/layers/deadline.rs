//! The caller's deadline, `grpc-timeout`. tonic enforces it too, but answers CANCELLED.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use crate::clock;
use crate::error::{Error, Result};

/// When the call must be answered; `None`: it has no deadline. One that cannot be read is none, as tonic has it.
pub(super) fn of(headers: &HeaderMap) -> Option<Instant> {
    let timeout = parse(headers.get("grpc-timeout")?.to_str().ok()?)?;
    clock::monotonic().checked_add(timeout)
}

/// The work's result, or [`Error::Deadline`] when it takes longer. What is dropped then either has not begun to write or goes on
/// without the caller: see `Store::write`.
pub(super) async fn enforce<T>(deadline: Option<Instant>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(deadline) = deadline else { return work.await };
    let (mut work, mut timer) = (pin!(work), pin!(tokio::time::sleep_until(deadline)));
    poll_fn(move |context| {
        // The clock is asked, not the timer alone: tonic's own timer, set a moment later, may be the one that woke us.
        if timer.as_mut().poll(context).is_ready() || clock::monotonic() >= deadline {
            return Poll::Ready(Err(Error::Deadline));
        }
        work.as_mut().poll(context)
    })
    .await
}

/// Reads a `grpc-timeout`: up to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 60 * 60)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit() {
        let cases = [
            ("1H", 3_600_000_000_000),
            ("2M", 120_000_000_000),
            ("3S", 3_000_000_000),
            ("4m", 4_000_000),
            ("5u", 5_000),
            ("6n", 6),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        for text in ["", "S", "1", "123456789S", "-1S", "1s", "1.5S", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_takes_longer_is_dropped() {
        let deadline = clock::monotonic() + Duration::from_millis(20);
        let slow = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        };
        assert!(matches!(enforce(Some(deadline), slow).await, Err(Error::Deadline)));
        assert!(matches!(enforce(Some(deadline), async { Ok(1) }).await, Err(Error::Deadline)));
        assert!(matches!(enforce(None, async { Ok(1) }).await, Ok(1)));
    }
}
