//! Whether identifiers are taken, and by how many users (seed 000): the one thing that is told of the whole pool to everybody.

use prost::Message;

use super::row::Met;
use crate::error::{Error, Result};
use crate::proto::UserDto;
use crate::store::lookup::Asked;
use crate::store::{Identifier, Store, Tenant};

/// Identifiers to look for, as one check.
pub type Probe = Vec<Identifier>;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// Which of the probe's identifiers are taken, by their place in it.
    pub taken: Vec<usize>,
    /// Whether all that are taken are one user's; `None` when none is, or one by a user whom the tenant does not see.
    pub same_user: Option<bool>,
}

impl Store {
    /// The findings of the probes, in their order, at one query for each kind of identifier.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn probe_users(&self, tenant: &Tenant, probes: &[Probe]) -> Result<Vec<Probed>> {
        if let [probe] = probes
            && let [identifier] = probe.as_slice()
        {
            return Ok(vec![finding([self.meet_user(tenant, identifier).await?])]);
        }
        let met = self.lookup::<Met>(tenant, &probes.concat()).await?;
        let mut met = met.into_iter().map(Result::ok);
        Ok(probes.iter().map(|probe| finding(met.by_ref().take(probe.len()))).collect())
    }

    /// The user who has the identifier; `None`: nobody has it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn meet_user(&self, tenant: &Tenant, identifier: &Identifier) -> Result<Option<Met>> {
        let found = match self.look(tenant, identifier, Asked::Met).await {
            Err(Error::UserNotFound) => return Ok(None),
            found => found?,
        };
        let user = UserDto::decode(found.bytes).map_err(Error::internal)?;
        let (user_id, created_at) = (user.user_id.unwrap_or_default(), user.created_at.unwrap_or_default());
        Ok(Some(Met { user_id, created_at, seen: found.seen }))
    }
}

fn finding(met: impl IntoIterator<Item = Option<Met>>) -> Probed {
    let met = met.into_iter().enumerate();
    let (taken, met): (Vec<_>, Vec<_>) = met.filter_map(|(place, met)| Some((place, met?))).unzip();
    let same_user = met.first().filter(|_| met.iter().all(|met| met.seen));
    let same_user = same_user.map(|first| met.iter().all(|met| met.user_id == first.user_id));
    Probed { taken, same_user }
}
