//! Accounts at providers as identifiers: users are found by what hangs on them.

use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, Select};

use super::Shape;
use crate::entity::{identity, user};
use crate::store::engine::keys::{among, any_of};

/// Parts an account. No stored id has it, so that two accounts never read alike.
const SEPARATOR: char = '\n';

/// An account at a provider: where it is, and its id there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account(String);

impl Account {
    pub(super) fn new(place: &str, id: &str) -> Self {
        Self(format!("{place}{SEPARATOR}{id}"))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// The users who have one of the accounts by the connection to the provider, each beside the account.
pub(super) fn by_connection<S: Shape>(
    connection: &impl ConnectionTrait,
    accounts: &[&str],
    matched: &str,
) -> Select<user::Entity> {
    let select = select::<S>(connection, accounts, "identities.ext_idp_id || '\n' || identities.user_id_in_idp", matched);
    // Where all are of one connection the index has both parts.
    let place = |account: &&str| account.split_once(SEPARATOR).map(|(place, _)| place.to_owned());
    let first = accounts.first().and_then(place);
    match first.filter(|first| accounts.iter().all(|account| place(account).as_ref() == Some(first))) {
        Some(place) => select.filter(any_of(connection, identity::Column::ExtIdpId, [place])),
        None => select,
    }
}

/// The users who have one of the accounts by the provider, each beside the account.
pub(super) fn by_provider<S: Shape>(
    connection: &impl ConnectionTrait,
    accounts: &[&str],
    matched: &str,
) -> Select<user::Entity> {
    select::<S>(connection, accounts, "identities.provider || '\n' || identities.user_id_in_idp", matched)
}

/// `both`: what spells an account. The ids are asked for beside it, since there is an index of them.
fn select<S: Shape>(
    connection: &impl ConnectionTrait,
    accounts: &[&str],
    both: &'static str,
    matched: &str,
) -> Select<user::Entity> {
    let join = user::Entity::belongs_to(identity::Entity).from(user::Column::UserId).to(identity::Column::UserId).into();
    let ids = accounts.iter().filter_map(|account| Some(account.split_once(SEPARATOR)?.1));
    let select = S::select().join(JoinType::InnerJoin, join).expr_as(Expr::cust(both), matched);
    let select = select.filter(any_of(connection, identity::Column::UserIdInIdp, ids));
    select.filter(among(connection, Expr::cust(both), accounts))
}
