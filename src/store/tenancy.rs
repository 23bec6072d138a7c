//! Tenancy (contract §5): whose data a caller may see, and the level at which groups, roles, departments and posts stand. Each is
//! asked for wherever a row is looked for, so that nothing can be found without it.

use std::sync::Arc;

use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::Tx;
use super::engine::keys::is;
use crate::entity::organization::{self, Column, member};
use crate::entity::user;
use crate::error::{Error, Result};

/// Whose data may be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tenant {
    /// The whole pool's.
    #[default]
    Pool,
    /// An organization's: that of its members, and what stands in it.
    Organization(Arc<str>),
}

impl Tenant {
    /// That of a key that is bound to an organization, or to none.
    #[must_use]
    pub fn of(organization_id: Option<&str>) -> Self {
        organization_id.map_or(Self::Pool, |id| Self::Organization(id.into()))
    }

    /// The organization, unless it is the whole pool.
    #[must_use]
    pub fn organization_id(&self) -> Option<&str> {
        if let Self::Organization(id) = self { Some(id) } else { None }
    }

    /// Whether a user is seen: those of the whole pool all are, those of an organization when they are its members.
    pub(super) fn sees_user(&self) -> Condition {
        Condition::all().add_option(self.membership())
    }

    /// Whether the user at hand is a member of the tenant's organization; none: the tenant is of the whole pool.
    pub(super) fn membership(&self) -> Option<Expr> {
        let id = self.organization_id()?;
        let membership = Query::select()
            .expr(Expr::value(1))
            .from(member::Entity)
            .and_where(member::Column::OrganizationId.eq(id))
            .and_where(member::Column::UserId.into_expr().equals((user::Entity, user::Column::UserId)))
            .to_owned();
        Some(Expr::exists(membership))
    }

    /// Whether what is about an organization of this id may be shown.
    pub(super) fn sees_organization(&self, organization_id: &str) -> bool {
        self.organization_id().is_none_or(|own| own == organization_id)
    }

    /// The level that a request means: the organization that it names, else the tenant's own.
    #[must_use]
    pub fn level(&self, named: Option<&str>) -> Level {
        match (self, named) {
            (Self::Pool, None) => Level::Pool,
            (Self::Pool, Some(named)) if !named.is_empty() => Level::Named(named.into()),
            (Self::Organization(own), Some(named)) if **own != *named => Level::Nowhere,
            (Self::Pool, Some(_)) => Level::Nowhere,
            (Self::Organization(own), _) => Level::Own(own.clone()),
        }
    }
}

/// Where groups, roles, departments and posts stand: one level at a time, never several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// The pool's own.
    #[default]
    Pool,
    /// In the organization that the caller's key is bound to; there is one as long as the key is good.
    Own(Arc<str>),
    /// In an organization that was named; there may be none.
    Named(Arc<str>),
    /// In one that the caller may not see: the same as none.
    Nowhere,
}

impl Level {
    /// The one that a column has.
    pub(super) fn of(key: &str) -> Self {
        if key.is_empty() { Self::Pool } else { Self::Named(key.into()) }
    }

    /// The organization, unless it is the pool's own level.
    #[must_use]
    pub fn organization_id(&self) -> Option<&str> {
        if let Self::Own(id) | Self::Named(id) = self { Some(id) } else { None }
    }

    /// As columns have it: empty at the pool's own level; `None`: no row can stand there.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Pool => Some(""),
            Self::Own(id) | Self::Named(id) => Some(id),
            Self::Nowhere => None,
        }
    }

    /// Whether the column has this level.
    pub(super) fn is(&self, column: impl ColumnTrait) -> Expr {
        self.key().map_or_else(|| Expr::value(false), |key| is(column, key))
    }

    /// Refuses a level that is not there.
    pub(super) async fn require(&self, connection: &impl ConnectionTrait) -> Result<()> {
        match self {
            Self::Pool | Self::Own(_) => Ok(()),
            Self::Nowhere => Err(Error::OrganizationNotFound),
            Self::Named(id) => {
                let there = organization(id).select_only().column(Column::OrganizationId).into_tuple::<String>();
                there.one(connection).await?.map(drop).ok_or(Error::OrganizationNotFound)
            }
        }
    }

    /// As [`Level::require`], and until the transaction ends the organization's row stays: it may be marked as deleted meanwhile,
    /// which has to wait for nobody, but is not cleared. Before anything else is locked.
    pub(super) async fn keep(&self, tx: &Tx) -> Result<()> {
        self.lock(tx, LockType::KeyShare).await
    }

    /// As [`Level::keep`], and nobody marks it as deleted: for what the mark has to see.
    pub(super) async fn keep_unmarked(&self, tx: &Tx) -> Result<()> {
        self.lock(tx, LockType::Share).await
    }

    async fn lock(&self, tx: &Tx, lock: LockType) -> Result<()> {
        let Some(id) = self.organization_id() else { return self.require(&tx.connection).await };
        let there = organization(id).select_only().column(Column::OrganizationId).lock(lock).into_tuple::<String>();
        there.one(&tx.connection).await?.map(drop).ok_or(Error::OrganizationNotFound)
    }
}

/// The organization of this id, unless it is deleted.
fn organization(id: &str) -> sea_orm::Select<organization::Entity> {
    organization::Entity::find().filter(is(Column::OrganizationId, id)).filter(Column::DeletedAt.is_null())
}
