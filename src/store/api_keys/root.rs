//! The first key: the one that the configuration names, or one of our own making while no key has ever existed.

use sea_orm::{EntityTrait, PaginatorTrait};

use super::CreateApiKey;
use crate::api_key::Secret;
use crate::entity::{api_key, api_key_secret};
use crate::error::{Cause, Error, Result};
use crate::scope::Scopes;
use crate::store::{Level, Mutation, Tx};

/// How a new key reaches its owner.
pub type HandOver = Box<dyn Fn(&Secret) -> Result<(), Cause> + Send + Sync>;

/// Makes a key for everything if no key has ever existed. It is handed over before it is committed, and not made where that
/// fails: a key that nobody has seen would lock everybody out.
pub struct EnsureRootKey(pub HandOver);

impl Mutation for EnsureRootKey {
    type Answer = ();

    async fn apply(&self, tx: &Tx) -> Result<()> {
        if api_key::Entity::find().count(&tx.connection).await? > 0 {
            return Ok(());
        }
        let root = CreateApiKey { name: "root".to_owned(), scopes: Scopes::ALL, expires_at: None, level: Level::Pool };
        let created = root.apply(tx).await?;
        (self.0)(&created.secret).map_err(Error::Internal)
    }
}

/// Sees to it that the key of the configuration exists, as a key for everything.
#[derive(Clone, Debug)]
pub struct EnsureApiKey {
    /// The whole key.
    pub secret: Secret,
}

/// What was found or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ensured {
    /// The key was there.
    Present,
    /// The key was added.
    Added,
    /// The key was revoked before, and stays so.
    Revoked,
    /// The key was given another secret since, and this one has ended.
    RotatedAway,
}

impl Mutation for EnsureApiKey {
    type Answer = Ensured;

    async fn apply(&self, tx: &Tx) -> Result<Ensured> {
        let query = api_key_secret::Entity::find_by_id(self.secret.hash()).find_also_related(api_key::Entity);
        match query.one(&tx.connection).await? {
            Some((_, Some(key))) if key.revoked_at.is_some() => Ok(Ensured::Revoked),
            Some((secret, _)) if secret.expires_at.is_some_and(|end| end <= tx.now) => Ok(Ensured::RotatedAway),
            Some(_) => Ok(Ensured::Present),
            None => {
                let key =
                    CreateApiKey { name: "bootstrap".to_owned(), scopes: Scopes::ALL, expires_at: None, level: Level::Pool };
                key.insert(tx, tx.clock.new_id(), self.secret.clone()).await.map(|_| Ensured::Added)
            }
        }
    }
}
