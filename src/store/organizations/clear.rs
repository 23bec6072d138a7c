//! What is left of deleted organizations goes some rows at a time, so that no writer waits long. Callers see none of it.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::Notify;

use super::member::disown;
use crate::entity::department;
use crate::entity::organization::{self, member};
use crate::entity::user;
use crate::error::Result;
use crate::store::collections::Peopled;
use crate::store::departments::Departments;
use crate::store::engine::keys::any_of;
use crate::store::groups::Groups;
use crate::store::posts::Posts;
use crate::store::roles::Roles;
use crate::store::{Context, Mutation, Store, Tx};

/// How often deleted organizations are looked for without a word of one: another process may have been at it, and ended.
const INTERVAL: Duration = Duration::from_secs(10);
/// How many rows go at once.
const STEP: u64 = 200;

/// Tells that an organization was deleted.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Clearing(Arc<Notify>);

/// Clears some rows of a deleted organization.
struct ClearOrganization;

impl Mutation for ClearOrganization {
    /// Whether there may be more.
    type Answer = bool;

    async fn apply(&self, tx: &Tx) -> Result<bool> {
        let deleted = organization::Entity::find().filter(organization::Column::DeletedAt.is_not_null());
        let first = deleted.order_by_asc(organization::Column::DeletedAt).order_by_asc(organization::Column::OrganizationId);
        // Of several replicas the others wait, and find less.
        let Some(organization) = first.lock_exclusive().one(&tx.connection).await? else { return Ok(false) };
        let id = organization.organization_id.as_str();
        let cleared = clear_sets::<Groups>(tx, id).await?
            || clear_sets::<Roles>(tx, id).await?
            || clear_sets::<Posts>(tx, id).await?
            || part_departments(tx, id).await?
            || clear_sets::<Departments>(tx, id).await?
            || leave_to_pool(tx, id).await?
            || end_memberships(tx, id).await?;
        if !cleared {
            organization::Entity::delete_by_id(id).exec(&tx.connection).await?;
        }
        Ok(true)
    }
}

/// Makes roots of some departments, so that none is in the way of another's end; `false`: all are.
async fn part_departments(tx: &Tx, organization_id: &str) -> Result<bool> {
    let parts = department::Entity::find().select_only().column(department::Column::DepartmentId);
    let parts = parts.filter(department::Column::Level.eq(organization_id));
    let parts = parts.filter(department::Column::ParentDepartmentId.is_not_null()).limit(STEP);
    let parts: Vec<String> = parts.into_tuple().all(&tx.connection).await?;
    let root = Expr::value(None::<String>);
    let update = department::Entity::update_many().col_expr(department::Column::ParentDepartmentId, root);
    let these = any_of(&tx.connection, department::Column::DepartmentId, &parts);
    update.filter(these).exec(&tx.connection).await?;
    Ok(!parts.is_empty())
}

/// Clears the members of a set, or one that has none; `false`: there is none left.
async fn clear_sets<C: Peopled>(tx: &Tx, organization_id: &str) -> Result<bool> {
    let sets = C::Entity::find().select_only().column(C::ID).filter(C::LEVEL.eq(organization_id));
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
    disown(tx, &owned).await?;
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

    /// Clears what is left of deleted organizations. A failure is logged and tried again later.
    pub async fn clear_organizations(&self) {
        loop {
            match self.write(Context::default(), ClearOrganization).await {
                Ok(false) => return,
                Ok(true) => tokio::task::yield_now().await,
                Err(error) => {
                    tracing::warn!(%error, "clearing a deleted organization");
                    return;
                }
            }
        }
    }

    /// Does so whenever one is deleted, and now and then, for as long as it is polled.
    pub async fn keep_clearing_organizations(&self) {
        loop {
            self.clear_organizations().await;
            drop(tokio::time::timeout(INTERVAL, self.clearing.0.notified()).await);
        }
    }
}
