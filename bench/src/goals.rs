//! What Roster is to reach, and whether it does.

use crate::cases::{ALONE, BUSY, ONE_CONNECTION};
use crate::closed::Shape;
use crate::markdown::ratio;
use crate::stage::Engine;

/// The echo's rate or latency, times this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// No less.
    AtLeast(f64),
    /// No more.
    AtMost(f64),
}

impl Goal {
    /// Whether the figure reaches it.
    pub(crate) fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(goal) => figure >= goal,
            Self::AtMost(goal) => figure <= goal,
        }
    }

    /// The goal and whether the figure reaches it.
    pub(crate) fn verdict(self, figure: f64) -> String {
        format!("{self} {}", if self.is_met(figure) { "✓" } else { "✗" })
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(goal) => write!(formatter, "≥ {}", ratio(*goal)),
            Self::AtMost(goal) => write!(formatter, "≤ {}", ratio(*goal)),
        }
    }
}

/// What the rate of a call is to be of the echo's.
pub(crate) fn rate(case: &str, shape: Shape, engine: Engine) -> Option<Goal> {
    let least = match (case, shape, engine) {
        ("get-user" | "get-user-by-email" | "user-exists", BUSY, Engine::Sqlite) => 0.65,
        ("get-user" | "get-user-by-email" | "user-exists", BUSY, Engine::Postgres) => 0.5,
        ("get-user" | "user-exists", ONE_CONNECTION, _) => 0.4,
        ("list-users", BUSY, _) => 0.12,
        ("get-user-relations", BUSY, _) => 0.2,
        _ => return None,
    };
    Some(Goal::AtLeast(least))
}

/// What the median latency of a call is to be of the echo's.
pub(crate) fn latency(case: &str, shape: Shape, engine: Engine) -> Option<Goal> {
    match (case, shape, engine) {
        ("get-user" | "user-exists", ALONE, Engine::Sqlite) => Some(Goal::AtMost(2.0)),
        ("get-user" | "user-exists", ALONE, Engine::Postgres) => Some(Goal::AtMost(4.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_or_not() {
        assert_eq!(Goal::AtLeast(0.65).verdict(0.65), "≥ 0.65 ✓");
        assert_eq!(Goal::AtMost(2.0).verdict(2.1), "≤ 2.00 ✗");
    }
}
