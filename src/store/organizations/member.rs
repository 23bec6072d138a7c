//! Who is a member of which organization. What a user is and has in one refers to the membership, so that ending it ends that.

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::organization::member::{Column, Entity};
use crate::entity::user;
use crate::error::{Error, Result};
use crate::store::engine::keys::any_of;
use crate::store::users::Brief;
use crate::store::{Identifier, Level, Mutation, Tx, etag, lookup};

/// Makes users members of an organization; who is one stays so.
#[derive(Clone, Debug)]
pub struct AddMembers {
    /// The organization.
    pub organization: Level,
    /// Who.
    pub users: Vec<Identifier>,
}

impl Mutation for AddMembers {
    /// For each user whether it was done.
    type Answer = Vec<Result<()>>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<Result<()>>> {
        self.organization.keep(tx).await?;
        let found = lookup::find::<Brief>(&tx.connection, tx.tenant(), &self.users).await?;
        let user_ids: Vec<_> = found.iter().flatten().map(|user| user.user_id.clone()).collect();
        join(tx, &self.organization, &user_ids).await?;
        Ok(found.into_iter().map(|user| user.map(drop)).collect())
    }
}

/// Ends memberships; who is no member stays none.
#[derive(Clone, Debug)]
pub struct RemoveMembers {
    /// The organization.
    pub organization: Level,
    /// Who.
    pub users: Vec<Identifier>,
}

impl Mutation for RemoveMembers {
    /// For each user whether it was done.
    type Answer = Vec<Result<()>>;

    async fn apply(&self, tx: &Tx) -> Result<Vec<Result<()>>> {
        self.organization.keep(tx).await?;
        let organization_id = self.organization.organization_id().ok_or(Error::OrganizationNotFound)?;
        let mut found = lookup::find_to_change::<Brief>(tx, &self.users).await?;
        let bound = tx.tenant().organization_id().is_some();
        for user in &mut found {
            if bound && user.as_ref().is_ok_and(|user| user.tenant_id.as_deref() == Some(organization_id)) {
                *user = Err(Error::OwnedMember);
            }
        }
        let users: Vec<_> = found.iter().flatten().collect();
        let owned = users.iter().filter(|user| user.tenant_id.as_deref() == Some(organization_id));
        disown(tx, organization_id, &owned.map(|user| user.user_id.clone()).collect::<Vec<_>>()).await?;
        let these = any_of(&tx.connection, Column::UserId, users.iter().map(|user| &user.user_id));
        let ended = Entity::delete_many().filter(Column::OrganizationId.eq(organization_id)).filter(these);
        ended.exec(&tx.connection).await?;
        Ok(found.into_iter().map(|user| user.map(drop)).collect())
    }
}

/// Makes users members; the transaction keeps the organization.
pub(in crate::store) async fn join(tx: &Tx, organization: &Level, user_ids: &[String]) -> Result<()> {
    let organization_id = organization.organization_id().ok_or(Error::OrganizationNotFound)?;
    if user_ids.is_empty() {
        return Ok(());
    }
    let memberships = Query::select()
        .expr(Expr::value(organization_id))
        .expr(user::Column::UserId.into_expr())
        .expr(user::Column::CreatedAt.into_expr())
        .from(user::Entity)
        .and_where(any_of(&tx.connection, user::Column::UserId, user_ids))
        .to_owned();
    let insert = Query::insert()
        .into_table(Entity)
        .columns([Column::OrganizationId, Column::UserId, Column::UserCreatedAt])
        .select_from(memberships)
        .map_err(Error::internal)?
        .on_conflict(OnConflict::columns([Column::OrganizationId, Column::UserId]).do_nothing().to_owned())
        .to_owned();
    tx.connection.execute(&insert).await?;
    Ok(())
}

/// Leaves those of the users to the pool whom the organization owns.
pub(super) async fn disown(tx: &Tx, organization_id: &str, user_ids: &[String]) -> Result<()> {
    if user_ids.is_empty() {
        return Ok(());
    }
    // A clock may be set back, and the clocks of replicas differ a little.
    let born = user::Column::CreatedAt.into_expr();
    let now = Expr::case(born.clone().gt(tx.now), born).finally(Expr::value(tx.now));
    let update = user::Entity::update_many()
        .col_expr(user::Column::TenantId, Expr::value(None::<String>))
        .col_expr(user::Column::Etag, Expr::value(etag::new()))
        .col_expr(user::Column::UpdatedAt, now.into());
    // Another one may own them by now.
    let its = update.filter(user::Column::TenantId.eq(organization_id));
    its.filter(any_of(&tx.connection, user::Column::UserId, user_ids)).exec(&tx.connection).await?;
    Ok(())
}

/// Which of the users are members of an organization.
pub(in crate::store) async fn members_among<K: AsRef<str>>(
    connection: &impl ConnectionTrait,
    organization_id: &str,
    user_ids: impl IntoIterator<Item = K>,
) -> Result<HashSet<String>> {
    let members = Entity::find().select_only().column(Column::UserId).filter(Column::OrganizationId.eq(organization_id));
    let members = members.filter(any_of(connection, Column::UserId, user_ids));
    Ok(members.into_tuple().all(connection).await?.into_iter().collect())
}
