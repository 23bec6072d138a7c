//! A caller's place in the writer's queue: either the caller leaves it, or the change begins, never both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const WAITING: u8 = 0;
/// It comes next: no other caller is in its way, only whoever else has the database's lock.
const NEXT: u8 = 1;
const BEGUN: u8 = 2;
const LEFT: u8 = 3;

/// The place, shared by the caller and what stands in the queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Arc<AtomicU8>);

/// The caller's side: dropped, it leaves.
#[derive(Debug)]
pub(super) struct Waiting(Place);

impl Place {
    pub(super) fn waiting(&self) -> Waiting {
        Waiting(self.clone())
    }

    /// Is the next, unless the caller has left.
    pub(super) fn come_next(&self) -> bool {
        self.moves(&[WAITING], NEXT)
    }

    /// Begins, unless the caller has left.
    pub(super) fn begin(&self) -> bool {
        self.moves(&[WAITING, NEXT], BEGUN)
    }

    fn moves(&self, from: &[u8], to: u8) -> bool {
        from.iter().any(|from| self.0.compare_exchange(*from, to, Ordering::AcqRel, Ordering::Acquire).is_ok())
    }
}

impl Waiting {
    /// Leaves since it takes too long, unless it is the next.
    pub(super) fn lose_patience(&self) -> bool {
        self.0.moves(&[WAITING], LEFT)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.moves(&[WAITING, NEXT], LEFT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_left_does_not_begin() {
        let place = Place::default();
        drop(place.waiting());
        assert!(!place.come_next() && !place.begin());
        let place = Place::default();
        let waiting = place.waiting();
        assert!(place.come_next());
        drop(waiting);
        assert!(!place.begin());
    }

    #[test]
    fn whoever_comes_next_waits_for_the_lock_and_what_has_begun_goes_on() {
        let place = Place::default();
        let waiting = place.waiting();
        assert!(place.come_next() && !waiting.lose_patience());
        assert!(place.begin());
        drop(waiting);
        assert!(!place.begin() && place.moves(&[BEGUN], BEGUN));
        let place = Place::default();
        assert!(place.waiting().lose_patience() && !place.begin());
    }
}
