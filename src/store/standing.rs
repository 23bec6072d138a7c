//! What stands at a level: groups, roles, departments and posts. How those of a level are had is written here once; and how one is
//! that has an id of its own, which is found by it wherever it stands, as far as the caller reaches.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PartialModelTrait, QueryFilter, QuerySelect, Select,
};

use super::engine::{Reading, keys::is};
use super::paging::{Keyset, Listed, Page, list};
use super::resources::Resource;
use super::{Level, Store, Tx};
use crate::entity::organization;
use crate::error::{Error, Result};

/// A kind of resource that stands at a level.
pub trait Standing: Resource {
    /// Where one stands.
    const LEVEL: Self::Column;
    /// The same as a reference, which the database makes of it.
    const ORGANIZATION_ID: Self::Column;
    /// What those of a level are listed by: unique there.
    const ORDER: Self::Column;
}

/// What one is named by that has an id of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Located {
    /// Where it must stand; `None`: anywhere.
    pub level: Option<Level>,
    /// Its id.
    pub id: String,
}

/// Those of a level: there is no other way to them.
pub(super) fn at<S: Standing>(level: &Level) -> Select<S::Entity> {
    S::Entity::find().filter(level.is(S::LEVEL))
}

/// Puts a new row to the level.
pub(super) fn stand<S: Standing>(row: &mut S::Row, level: &Level) -> Result<()> {
    row.not_set(S::ORGANIZATION_ID);
    row.set(S::LEVEL, level.key().ok_or(Error::OrganizationNotFound)?.into());
    Ok(())
}

/// The one of this id. Where any level will do, one of an organization that is deleted is gone, also while its row still is there.
pub(super) fn find<S: Standing>(key: &Located) -> Select<S::Entity> {
    let found = S::Entity::find().filter(is(S::ID, &key.id));
    if let Some(level) = &key.level {
        return found.filter(level.is(S::LEVEL));
    }
    let deleted = Query::select()
        .expr(Expr::value(1))
        .from(organization::Entity)
        .and_where(organization::Column::OrganizationId.into_expr().equals((S::Entity::default(), S::LEVEL)))
        .and_where(organization::Column::DeletedAt.is_not_null())
        .to_owned();
    found.filter(Condition::not(Condition::all().add(Expr::exists(deleted))))
}

/// Refuses a level that was named and is not there.
pub(super) async fn require(connection: &impl ConnectionTrait, key: &Located) -> Result<()> {
    match &key.level {
        Some(level) => level.require(connection).await,
        None => Ok(()),
    }
}

/// As [`require`], and until the transaction ends the level stays: for any level, that at which the one of this id stands.
pub(super) async fn keep<S: Standing<Key = Located>>(tx: &Tx, key: &Located) -> Result<()> {
    if let Some(level) = &key.level {
        return level.keep(tx).await;
    }
    // It never changes, so that it may be read before it is locked.
    let level = find::<S>(key).select_only().column(S::LEVEL).into_tuple::<String>().one(&tx.connection).await?;
    let level = level.ok_or_else(|| S::not_found(key))?;
    match Level::of(&level).keep(tx).await {
        Err(Error::OrganizationNotFound) => Err(S::not_found(key)),
        kept => kept,
    }
}

impl Store {
    /// A page of those of a level.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`].
    pub async fn standing<S: Standing>(&self, level: &Level, page: &Page) -> Result<Listed<S::Dto>> {
        let (level, page) = (level.clone(), page.clone());
        let read = move |reading: Reading| {
            let (level, page) = (level.clone(), page.clone());
            async move {
                let connection = &reading.connection();
                level.require(connection).await?;
                let select = S::Dto::select_cols(at::<S>(&level).select_only());
                let listed = list(connection, select, &Keyset::ascending([S::ORDER.into_expr()]), &page).await?;
                let (page, rows) = listed.apart();
                Ok(page.with(S::complete(connection, rows).await?))
            }
        };
        self.engine.scan(read).await
    }
}
