//! Whether identifiers are taken, and by how many users (seed 000): the one thing that is told of the whole pool to everybody.

use super::row::Brief;
use crate::error::Result;
use crate::proto::Timestamp;
use crate::store::engine::Reading;
use crate::store::{Identifier, Store, Tenant, lookup};

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

/// What is told of a user who has an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Their id, which is told to nobody.
    pub user_id: String,
    /// When the user was created.
    pub created_at: Timestamp,
    /// Whether the user is a member of the tenant's organization; of the whole pool nobody is.
    pub is_member: bool,
}

/// A user whom a check found.
struct Owner {
    user: Brief,
    seen: bool,
}

impl Store {
    /// The findings of the probes, in their order, at one query for each kind of identifier.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn probe_users(&self, tenant: &Tenant, probes: &[Probe]) -> Result<Vec<Probed>> {
        let mut owners = self.owners(tenant, probes.concat()).await?.into_iter();
        Ok(probes.iter().map(|probe| finding(owners.by_ref().take(probe.len()))).collect())
    }

    /// The user who has the identifier; `None`: nobody has it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn meet_user(&self, tenant: &Tenant, identifier: &Identifier) -> Result<Option<Met>> {
        let owner = self.owners(tenant, vec![identifier.clone()]).await?.pop().flatten();
        let is_member = |owner: &Owner| owner.seen && tenant.organization_id().is_some();
        let met = |owner: Owner| {
            let is_member = is_member(&owner);
            Met { user_id: owner.user.user_id, created_at: owner.user.created_at, is_member }
        };
        Ok(owner.map(met))
    }

    /// Who in the pool has the identifiers, and whether the tenant sees them.
    async fn owners(&self, tenant: &Tenant, identifiers: Vec<Identifier>) -> Result<Vec<Option<Owner>>> {
        if *tenant == Tenant::Pool {
            let found = self.lookup::<Brief>(tenant, &identifiers).await?;
            return Ok(found.into_iter().map(|user| user.ok().map(|user| Owner { user, seen: true })).collect());
        }
        let tenant = tenant.clone();
        let read = move |reading: Reading| {
            let (tenant, identifiers) = (tenant.clone(), identifiers.clone());
            async move {
                let found = lookup::find::<Brief>(&reading.connection(), &Tenant::Pool, &identifiers).await?;
                let seen = lookup::find::<Brief>(&reading.connection(), &tenant, &identifiers).await?;
                let owner =
                    |(user, seen): (Result<Brief>, Result<Brief>)| user.ok().map(|user| Owner { user, seen: seen.is_ok() });
                Ok(found.into_iter().zip(seen).map(owner).collect())
            }
        };
        self.engine.snapshot(read).await
    }
}

fn finding(owners: impl Iterator<Item = Option<Owner>>) -> Probed {
    let (taken, owners): (Vec<_>, Vec<_>) = owners.enumerate().filter_map(|(place, owner)| Some((place, owner?))).unzip();
    let same_user = owners.first().filter(|_| owners.iter().all(|owner| owner.seen));
    let same_user = same_user.map(|first| owners.iter().all(|owner| owner.user.user_id == first.user.user_id));
    Probed { taken, same_user }
}
