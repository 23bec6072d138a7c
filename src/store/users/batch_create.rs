//! Creating many users in one transaction.

use std::collections::{BTreeMap, HashSet};

use super::{CreateUser, batch_insert, conflicts};
use crate::error::{Error, Result};
use crate::store::credentials::Credential;
use crate::store::engine::locks;
use crate::store::{Level, Mutation, Tx, organizations};
use crate::validate::Violations;

/// Creates users; of those that clash with each other the later loses.
#[derive(Clone, Debug)]
pub struct BatchCreateUsers {
    /// The users, or what is wrong with them.
    pub users: Vec<Result<CreateUser, Violations>>,
    /// Whether the first that cannot be created fails all.
    pub atomic: bool,
}

/// A user that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedUser {
    /// Their id.
    pub user_id: String,
    /// Their etag.
    pub etag: String,
}

impl Mutation for BatchCreateUsers {
    type Answer = Vec<Result<CreatedUser>>;
    const BULK: bool = true;

    fn credentials(&self) -> Vec<(usize, &Credential)> {
        let users = self.users.iter().enumerate().filter_map(|(item, user)| Some((item, user.as_ref().ok()?)));
        users.filter_map(|(item, user)| Some((item, user.credential()?))).collect()
    }

    fn user_of(answer: &Self::Answer, item: usize) -> Option<&str> {
        Some(&answer.get(item)?.as_ref().ok()?.user_id)
    }

    async fn apply(&self, tx: &Tx) -> Result<Self::Answer> {
        locks::alone(&tx.connection, "batch_create_users").await?;
        let owners = self.keep_owners(tx).await?;
        let results = self.insert(tx, &owners).await?;
        let mut results = self.explain_each(tx, results).await?;
        if self.atomic && results.last().is_some_and(Result::is_err) {
            let item = format!("users[{}]", results.len() - 1);
            results.pop().transpose().map_err(|error| Error::Item { item, error: error.into() })?;
        }
        self.join_owners(tx, &results).await?;
        Ok(results)
    }
}

impl BatchCreateUsers {
    /// The organizations that will own users, each looked for once.
    fn owners(&self) -> BTreeMap<Option<&str>, &Level> {
        let owners = self.users.iter().flatten().filter_map(CreateUser::owner);
        owners.map(|owner| (owner.organization_id(), owner)).collect()
    }

    /// Keeps those of the owners that are there.
    async fn keep_owners(&self, tx: &Tx) -> Result<HashSet<Option<&str>>> {
        let mut kept = HashSet::new();
        for (id, owner) in self.owners() {
            match owner.keep(tx).await {
                Ok(()) => drop(kept.insert(id)),
                Err(Error::OrganizationNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kept)
    }

    /// Inserts those that can be inserted; what is atomic ends with the first that cannot.
    async fn insert(&self, tx: &Tx, owners: &HashSet<Option<&str>>) -> Result<Vec<Result<CreatedUser>>> {
        let fit = |user: &Result<CreateUser, Violations>| match user {
            Ok(user) if user.owner().is_some_and(|owner| !owners.contains(&owner.organization_id())) => {
                Some(Error::OrganizationNotFound)
            }
            Ok(_) => None,
            Err(violations) => Some(violations.clone().into()),
        };
        let mut unfit: Vec<_> = self.users.iter().map(fit).collect();
        if self.atomic
            && let Some(first) = unfit.iter().position(Option::is_some)
        {
            unfit.truncate(first + 1);
        }
        let fit: Vec<_> =
            self.users.iter().zip(&unfit).filter(|(_, unfit)| unfit.is_none()).flat_map(|(user, _)| user).collect();
        let mut inserted = batch_insert::insert(tx, &fit, self.atomic).await?.into_iter();
        Ok(unfit.into_iter().map_while(|unfit| unfit.map_or_else(|| inserted.next(), |error| Some(Err(error)))).collect())
    }

    /// Makes the users that were created members of the organizations that own them.
    async fn join_owners(&self, tx: &Tx, results: &[Result<CreatedUser>]) -> Result<()> {
        for (id, owner) in self.owners() {
            let its = |user: &CreateUser| user.owner().is_some_and(|owner| owner.organization_id() == id);
            let created = self.users.iter().zip(results).filter(|(user, _)| user.as_ref().is_ok_and(its));
            let user_ids: Vec<_> = created.filter_map(|(_, result)| Some(result.as_ref().ok()?.user_id.clone())).collect();
            organizations::join(tx, owner, &user_ids).await?;
        }
        Ok(())
    }

    /// Says of the users that clash all that stood in their way, at one query for each kind of identifier.
    async fn explain_each(&self, tx: &Tx, results: Vec<Result<CreatedUser>>) -> Result<Vec<Result<CreatedUser>>> {
        let created: Vec<_> = results.iter().map(|result| result.as_ref().ok().map(|user| user.user_id.clone())).collect();
        let clashed = |result: &Result<CreatedUser>| matches!(result, Err(Error::AlreadyExists(_)));
        let clashing = self.users.iter().zip(&results).filter(|(_, result)| clashed(result));
        let claims = clashing.filter_map(|(user, _)| user.as_ref().ok()?.claims().ok()).collect();
        let mut taken = conflicts::taken(&tx.connection, claims).await?.into_iter();
        let explain = |(index, result): (usize, Result<CreatedUser>)| match result {
            Err(error @ Error::AlreadyExists(_)) => {
                // Users of this batch that were created later were not in the way.
                let earlier = |owner: &str| !created[index..].iter().flatten().any(|later| later == owner);
                Err(conflicts::all(error, &taken.next().unwrap_or_default(), earlier))
            }
            result => result,
        };
        let mut results: Vec<_> = results.into_iter().enumerate().map(explain).collect();
        // Whoever was in the way of these is gone by now.
        for (user, result) in self.users.iter().zip(&mut results) {
            if let (Ok(user), Err(Error::AlreadyExists(conflicts))) = (user, &*result)
                && conflicts.is_empty()
            {
                *result = batch_insert::insert_one(tx, user).await?;
            }
        }
        Ok(results)
    }
}
