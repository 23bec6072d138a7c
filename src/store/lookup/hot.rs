//! The lookups that are made most: for one identifier and a profile, or for whether somebody has it. Their queries are the same
//! as those of all others, built once.

use sea_orm::{ConnectionTrait, Iterable, QueryTrait};

use super::{Identifier, Kind, Shape};
use crate::error::{Error, Result};
use crate::store::engine::prepared::Prepared;
use crate::store::engine::reads::{Found, Look, Queries, User};
use crate::store::users::{Met, UserRow};
use crate::store::{Store, Tenant, api_keys};

/// What is read of the user.
#[derive(Clone, Copy)]
pub(in crate::store) enum Asked {
    Profile,
    Met,
}

/// The queries for each kind of identifier, what is read, and tenants who are bound to an organization or not.
pub(in crate::store) fn queries(connection: &impl ConnectionTrait) -> Queries {
    let users = Kind::iter().flat_map(|kind| {
        let profile = [false, true].map(|bound| prepare::<UserRow>(connection, kind, bound));
        let met = [false, true].map(|bound| prepare::<Met>(connection, kind, bound));
        profile.into_iter().chain(met)
    });
    Queries { key: api_keys::by_secret(connection), users: users.collect() }
}

fn prepare<S: Shape>(connection: &impl ConnectionTrait, kind: Kind, bound: bool) -> Prepared {
    Prepared::new(connection, bound, |keys, tenant| kind.select::<S>(connection, keys, tenant).into_query())
}

impl Store {
    /// The user who has the identifier.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::IdentityAmbiguous`]; those of the database.
    pub(in crate::store) async fn look(&self, tenant: &Tenant, identifier: &Identifier, asked: Asked) -> Result<User> {
        let bound = tenant.organization_id().is_some();
        // As `queries` has them.
        let query = identifier.kind() as usize * 4 + asked as usize * 2 + usize::from(bound);
        let look = Look { query, key: identifier.key().to_owned(), tenant: tenant.clone() };
        match self.reads.user(look).await? {
            Found::One(user) => Ok(user),
            Found::Nobody => Err(Error::UserNotFound),
            Found::Several => Err(Error::IdentityAmbiguous),
        }
    }
}
