//! Groups and roles, and that who is in them is there.

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Findings, TOLD, rows};
use crate::entity::organization::member;
use crate::entity::user;
use crate::error::Result;
use crate::proto::reflect::TextRule;
use crate::store::collections::Collection;
use crate::store::resources::text;
use crate::validate::text;

pub(super) async fn check<'a, C: Collection>(
    connection: &impl ConnectionTrait,
    mut findings: Findings<'a>,
) -> Result<Findings<'a>> {
    let mut codes = HashSet::new();
    rows::each::<C::Entity>(connection, C::ID, |row| {
        findings.row();
        let id = text(&row, C::ID);
        let code = text(&row, C::CODE);
        let time = |column| row.get(column).unwrap::<Option<i64>>();
        findings
            .expect(text::check(TextRule::Code, &code).is_ok(), || format!("{} {id}: its code is not well-formed", C::NAME));
        findings.expect(!text(&row, C::ETAG).is_empty(), || format!("{} {id}: no etag", C::NAME));
        findings
            .expect(time(C::CREATED_AT) <= time(C::UPDATED_AT), || format!("{} {id}: changed before it was created", C::NAME));
        findings.expect(codes.insert((text(&row, C::LEVEL), code)), || format!("{} {id}: another one has its code", C::NAME));
    })
    .await?;
    let sets = Query::select().column(C::ID).from(C::Entity::default()).to_owned();
    let users = Query::select().column(user::Column::UserId).from(user::Entity).to_owned();
    for (column, there) in [(C::MEMBER_OF, sets), (C::MEMBER, users)] {
        let dangling = C::Members::find().select_only().column(column).filter(column.not_in_subquery(there));
        let dangling = dangling.order_by_asc(column).limit(TOLD).into_tuple::<String>().all(connection).await?;
        for id in dangling {
            findings.fault(format!("a {} membership names {id}, which is not there", C::NAME));
        }
    }
    // At an organization's level only its members are in one.
    let member = Query::select()
        .expr(Expr::value(1))
        .from(member::Entity)
        .and_where(member::Column::OrganizationId.into_expr().equals((C::Members::default(), C::MEMBER_LEVEL)))
        .and_where(member::Column::UserId.into_expr().equals((C::Members::default(), C::MEMBER)))
        .to_owned();
    let strangers =
        C::Members::find().select_only().column(C::MEMBER).filter(C::MEMBER_LEVEL.ne("")).filter(Expr::exists(member).not());
    for user_id in strangers.limit(TOLD).into_tuple::<String>().all(connection).await? {
        findings.fault(format!("user {user_id} is in a {} of an organization without being its member", C::NAME));
    }
    Ok(findings)
}
