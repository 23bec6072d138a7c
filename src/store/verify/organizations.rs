//! Organizations, who is a member, and whom they own.

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Findings, TOLD, rows};
use crate::entity::organization::{self, Column, Entity, member};
use crate::entity::user;
use crate::error::Result;
use crate::proto::reflect::TextRule;
use crate::validate::text;

pub(super) async fn check<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut codes = HashSet::new();
    rows::each::<Entity>(connection, Column::OrganizationId, |row: organization::Model| {
        findings.row();
        let id = &row.organization_id;
        let well_formed = text::check(TextRule::Code, &row.code).is_ok();
        findings.expect(well_formed, || format!("organization {id}: its code is not well-formed"));
        findings.expect(!row.etag.is_empty(), || format!("organization {id}: no etag"));
        findings.expect(row.created_at <= row.updated_at, || format!("organization {id}: changed before it was created"));
        // One that is deleted is there until all that hung on it is cleared, and its code is free.
        let unique = row.deleted_at.is_some() || codes.insert(row.code);
        findings.expect(unique, || format!("organization {id}: another one has its code"));
    })
    .await?;
    Ok(findings)
}

/// Every member is there and every membership says when the user was created; who is owned is a member.
pub(super) async fn check_members<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let memberships = member::Entity::find().count(connection).await?;
    findings.rows(memberships);
    let organizations = Query::select().column(Column::OrganizationId).from(Entity).to_owned();
    let dangling = member::Entity::find().filter(member::Column::OrganizationId.not_in_subquery(organizations));
    for row in dangling.limit(TOLD).all(connection).await? {
        findings.fault(format!("a membership names the organization {}, which is not there", row.organization_id));
    }
    let same = Query::select()
        .expr(Expr::value(1))
        .from(user::Entity)
        .and_where(user::Column::UserId.into_expr().equals((member::Entity, member::Column::UserId)))
        .and_where(user::Column::CreatedAt.into_expr().equals((member::Entity, member::Column::UserCreatedAt)))
        .to_owned();
    let others = member::Entity::find().filter(Expr::exists(same).not()).order_by_asc(member::Column::UserId);
    for row in others.limit(TOLD).all(connection).await? {
        let (user, organization) = (row.user_id, row.organization_id);
        findings.fault(format!("the membership of {user} in {organization} does not fit when the user was created"));
    }
    // Of a deleted organization the users are left to the pool by and by.
    let deleted =
        Query::select().column(Column::OrganizationId).from(Entity).and_where(Column::DeletedAt.is_not_null()).to_owned();
    let membership = Query::select()
        .expr(Expr::value(1))
        .from(member::Entity)
        .and_where(member::Column::OrganizationId.into_expr().equals((user::Entity, user::Column::TenantId)))
        .and_where(member::Column::UserId.into_expr().equals((user::Entity, user::Column::UserId)))
        .to_owned();
    let owned = user::Entity::find().select_only().column(user::Column::UserId).filter(user::Column::TenantId.is_not_null());
    let owned = owned.filter(user::Column::TenantId.not_in_subquery(deleted)).filter(Expr::exists(membership).not());
    for user_id in owned.limit(TOLD).into_tuple::<String>().all(connection).await? {
        findings.fault(format!("user {user_id}: no member of the organization that owns them"));
    }
    Ok(findings)
}
