//! The keys of the matrix: every way of having no key, and every scope there is, for the whole pool and bound to an organization.

use std::collections::BTreeSet;
use std::time::Duration;

use roster::scope::{Scope, Scopes};

use super::names::Level;
use super::table::{Row, TABLE};
use super::world::World;

/// A key, and what is to become of whoever presents it.
pub(super) struct Key {
    /// What it is called in mismatches.
    pub(super) name: String,
    pub(super) secret: Option<String>,
    /// The organization that it is bound to, or the pool.
    pub(super) bound: Level,
    opens: Opens,
}

enum Opens {
    /// Nothing, for this reason.
    Nothing(&'static str),
    Scopes(Scopes),
}

impl Key {
    /// All of them.
    pub(super) async fn all(world: &World) -> Vec<Self> {
        let expiring = world.roster.clock.now().plus(Duration::from_secs(1));
        let expired = world.roster.key("*", Some(expiring)).await.secret.expose().to_owned();
        world.roster.clock.advance(Duration::from_secs(1));
        let nothing = |name: &str, secret, reason| Self {
            name: name.to_owned(),
            secret,
            bound: Level::Pool,
            opens: Opens::Nothing(reason),
        };
        let mut keys = vec![
            nothing("no key", None, "API_KEY_MISSING"),
            nothing("garbage", Some("kanari?".repeat(8)), "API_KEY_INVALID"),
            nothing("expired", Some(expired), "API_KEY_EXPIRED"),
            nothing("revoked", Some(world.revoked.clone()), "API_KEY_REVOKED"),
        ];
        // Each scope by itself, none, all, and what some RPC needs.
        let needs = TABLE.iter().map(|row| row.needs).filter(|needs| *needs != "any");
        let scopes: BTreeSet<_> = Scope::all().map(Scope::name).chain(["", "*"]).chain(needs).collect();
        for (bound, scopes) in
            [Level::Pool, Level::A].into_iter().flat_map(|bound| scopes.iter().map(move |scopes| (bound, *scopes)))
        {
            keys.push(Self::new(world, scopes, bound).await);
        }
        keys.push(Self::new(world, "*", Level::B).await);
        keys
    }

    pub(super) async fn new(world: &World, scopes: &str, bound: Level) -> Self {
        let (secret, opens) = (Some(world.key(scopes, bound).await), Opens::Scopes(scopes.parse().unwrap()));
        Self { name: format!("{bound:?} {scopes:?}"), secret, bound, opens }
    }

    /// The reason that it is refused the RPC for, whatever the request, and the scope that it lacks.
    pub(super) fn refused(&self, row: &Row) -> Option<(&'static str, Option<&'static str>)> {
        let held = match &self.opens {
            Opens::Nothing(reason) => return Some((reason, None)),
            Opens::Scopes(held) => held,
        };
        let needed = row.needs.split(' ').filter(|scope| *scope != "any");
        let mut lacking = needed.filter_map(|scope| held.lacking(scope.parse().unwrap()));
        lacking.next().map(|scope| ("SCOPE_DENIED", Some(scope)))
    }

    /// Whether it has all scopes: more is asked of such a key.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.opens, Opens::Scopes(Scopes::ALL))
    }
}
