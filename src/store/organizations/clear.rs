//! What is left of deleted organizations goes some rows at a time, so that no writer waits long. Callers see none of it.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use tokio::sync::Notify;

use super::member::disown;
use crate::entity::department;
use crate::entity::organization::{self, Column, member};
use crate::entity::user;
use crate::error::Result;
use crate::store::collections::Peopled;
use crate::store::departments::Departments;
use crate::store::engine::{Reading, keys::any_of};
use crate::store::groups::Groups;
use crate::store::posts::Posts;
use crate::store::roles::Roles;
use crate::store::standing::Standing;
use crate::store::{Context, Mutation, Store, Tx};

/// How often deleted organizations are looked for without a word of one: another process may have been at it, and ended.
const INTERVAL: Duration = Duration::from_secs(5);
/// How many rows go at once.
const STEP: u64 = 200;

/// Tells that an organization was deleted.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Clearing(Arc<Notify>);

/// Clears some rows of a deleted organization.
struct ClearOrganization(String);

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cleared {
    /// There may be more.
    Some,
    /// Nothing is left of it.
    All,
    /// Somebody is at work in it, or another replica clears it.
    NotNow,
}

impl Mutation for ClearOrganization {
    type Answer = Cleared;

    async fn apply(&self, tx: &Tx) -> Result<Cleared> {
        let its = || deleted().filter(Column::OrganizationId.eq(&self.0));
        let free = its().lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        if free.one(&tx.connection).await?.is_none() {
            let there = its().one(&tx.connection).await?.is_some();
            return Ok(if there { Cleared::NotNow } else { Cleared::All });
        }
        let id = self.0.as_str();
        let cleared = clear_sets::<Groups>(tx, id).await?
            || clear_sets::<Roles>(tx, id).await?
            || clear_sets::<Posts>(tx, id).await?
            || clear_departments(tx, id).await?
            || leave_to_pool(tx, id).await?
            || end_memberships(tx, id).await?;
        if !cleared {
            organization::Entity::delete_by_id(id).exec(&tx.connection).await?;
            return Ok(Cleared::All);
        }
        Ok(Cleared::Some)
    }
}

/// Those that callers see no more.
fn deleted() -> Select<organization::Entity> {
    organization::Entity::find().filter(Column::DeletedAt.is_not_null())
}

/// Makes roots of some departments below one, clears its members, or it; `false`: there is none left.
async fn clear_departments(tx: &Tx, organization_id: &str) -> Result<bool> {
    let first = department::Entity::find().select_only().column(department::Column::DepartmentId);
    let first = first.filter(department::Column::Level.eq(organization_id)).order_by_asc(Departments::ORDER);
    let first = first.into_tuple::<String>();
    let Some(id) = first.one(&tx.connection).await? else { return Ok(false) };
    let parts = department::Entity::find().select_only().column(department::Column::DepartmentId);
    let parts = parts.filter(department::Column::ParentDepartmentId.eq(id)).limit(STEP);
    let parts: Vec<String> = parts.into_tuple().all(&tx.connection).await?;
    if parts.is_empty() {
        return clear_sets::<Departments>(tx, organization_id).await;
    }
    let root = Expr::value(None::<String>);
    let update = department::Entity::update_many().col_expr(department::Column::ParentDepartmentId, root);
    let these = any_of(&tx.connection, department::Column::DepartmentId, &parts);
    update.filter(these).exec(&tx.connection).await?;
    Ok(true)
}

/// Clears the members of a set, or one that has none; `false`: there is none left.
async fn clear_sets<C: Peopled>(tx: &Tx, organization_id: &str) -> Result<bool> {
    // The first in an order, so that a department is the one that has none below it any more.
    let sets = C::Entity::find().select_only().column(C::ID).filter(C::LEVEL.eq(organization_id)).order_by_asc(C::ORDER);
    let Some(id) = sets.into_tuple::<String>().one(&tx.connection).await? else { return Ok(false) };
    let members = C::Members::find().select_only().column(C::MEMBER).filter(C::MEMBER_OF.eq(&id)).limit(STEP);
    let members: Vec<String> = members.into_tuple().all(&tx.connection).await?;
    if members.is_empty() {
        C::Entity::delete_many().filter(C::ID.eq(id)).exec(&tx.connection).await?;
    } else {
        let these = any_of(&tx.connection, C::MEMBER, &members);
        C::Members::delete_many().filter(C::MEMBER_OF.eq(id)).filter(these).exec(&tx.connection).await?;
    }
    Ok(true)
}

/// Leaves some of the users whom it owned to the pool; `false`: there is none left.
async fn leave_to_pool(tx: &Tx, organization_id: &str) -> Result<bool> {
    let owned = user::Entity::find().select_only().column(user::Column::UserId);
    let owned = owned.filter(user::Column::TenantId.eq(organization_id)).limit(STEP);
    let owned: Vec<String> = owned.into_tuple().all(&tx.connection).await?;
    disown(tx, organization_id, &owned).await?;
    Ok(!owned.is_empty())
}

/// Ends some memberships; `false`: there is none left.
async fn end_memberships(tx: &Tx, organization_id: &str) -> Result<bool> {
    let its = member::Column::OrganizationId.eq(organization_id);
    let members = member::Entity::find().select_only().column(member::Column::UserId).filter(its.clone()).limit(STEP);
    let members: Vec<String> = members.into_tuple().all(&tx.connection).await?;
    let these = any_of(&tx.connection, member::Column::UserId, &members);
    member::Entity::delete_many().filter(its).filter(these).exec(&tx.connection).await?;
    Ok(!members.is_empty())
}

impl Store {
    /// Lets the clearing begin, since an organization was deleted.
    pub fn organization_deleted(&self) {
        self.clearing.0.notify_one();
    }

    /// Clears what is left of deleted organizations. What fails or is not free is left to the next time, the former with a word in
    /// the log.
    ///
    /// # Errors
    /// Those of the database, when it cannot be asked which there are.
    pub async fn clear_organizations(&self) -> Result<()> {
        let read = |reading: Reading| async move {
            let oldest = deleted().select_only().column(Column::OrganizationId).order_by_asc(Column::DeletedAt);
            Ok(oldest.into_tuple::<String>().all(&reading.connection()).await?)
        };
        for id in self.engine.read(read).await? {
            loop {
                match self.write(Context::default(), ClearOrganization(id.clone())).await {
                    Ok(Cleared::Some) => tokio::task::yield_now().await,
                    Ok(Cleared::All | Cleared::NotNow) => break,
                    Err(error) => {
                        tracing::warn!(%error, organization_id = id, "clearing a deleted organization");
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Does so whenever one is deleted, and now and then, for as long as it is polled.
    pub async fn keep_clearing_organizations(&self) {
        loop {
            if let Err(error) = self.clear_organizations().await {
                tracing::debug!(%error, "looking for deleted organizations");
            }
            drop(tokio::time::timeout(INTERVAL, self.clearing.0.notified()).await);
        }
    }
}
