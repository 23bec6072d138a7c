//! Whether identifiers are taken, and by how many users (seed 000).

use super::row::Brief;
use crate::error::Result;
use crate::store::{Identifier, Store};

/// Identifiers to look for, as one check.
pub type Probe = Vec<Identifier>;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// Which of the probe's identifiers are taken, by their place in it.
    pub taken: Vec<usize>,
    /// Whether all that are taken are one user's; `None` when none is.
    pub same_user: Option<bool>,
}

impl Store {
    /// The findings of the probes, in their order, at one query for each kind of identifier.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn probe_users(&self, probes: &[Probe]) -> Result<Vec<Probed>> {
        let mut found = self.lookup::<Brief>(&probes.concat()).await?.into_iter();
        Ok(probes.iter().map(|probe| finding(found.by_ref().take(probe.len()))).collect())
    }
}

fn finding(found: impl Iterator<Item = Option<Brief>>) -> Probed {
    let (taken, owners): (Vec<_>, Vec<_>) =
        found.enumerate().filter_map(|(place, brief)| brief.map(|brief| (place, brief.user_id))).unzip();
    let same_user = owners.first().map(|first| owners.iter().all(|owner| owner == first));
    Probed { taken, same_user }
}
