//! Sets of users: groups, roles, departments and posts, and that who is in them is there.

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, ModelTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Findings, TOLD, rows};
use crate::entity::organization::{self, member};
use crate::entity::user;
use crate::error::Result;
use crate::proto::reflect::TextRule;
use crate::store::collections::Peopled;
use crate::store::resources::text;
use crate::validate::text;

/// The sets by their rows, each of which is handed to `look` too, and their members.
pub(super) async fn check<'a, P: Peopled>(
    connection: &impl ConnectionTrait,
    mut findings: Findings<'a>,
    code_column: P::Column,
    mut look: impl FnMut(&P::Model) + Send,
) -> Result<Findings<'a>> {
    let may_lack_code = code_column.def().is_null();
    let mut codes = HashSet::new();
    rows::each::<P::Entity>(connection, P::ID, |row| {
        findings.row();
        let (id, level) = (text(&row, P::ID), text(&row, P::LEVEL));
        let code = row.get(code_column).unwrap::<Option<String>>();
        if let Some(code) = code.or_else(|| (!may_lack_code).then(String::new)) {
            let good = text::check(TextRule::Code, &code).is_ok();
            findings.expect(good, || format!("{} {id}: its code is not well-formed", P::NAME));
            findings.expect(codes.insert((level, code)), || format!("{} {id}: another one has its code", P::NAME));
        }
        if let Some(stamps) = P::STAMPS {
            let time = |column| row.get(column).unwrap::<Option<i64>>();
            let in_order = time(stamps.created_at) <= time(stamps.updated_at);
            findings.expect(!text(&row, stamps.etag).is_empty(), || format!("{} {id}: no etag", P::NAME));
            findings.expect(in_order, || format!("{} {id}: changed before it was created", P::NAME));
        }
        look(&row);
    })
    .await?;
    let organizations = Query::select().column(organization::Column::OrganizationId).from(organization::Entity).to_owned();
    let nowhere = P::Entity::find().select_only().column(P::ID).filter(P::LEVEL.ne(""));
    let nowhere = nowhere.filter(P::LEVEL.not_in_subquery(organizations)).limit(TOLD).into_tuple::<String>();
    for id in nowhere.all(connection).await? {
        findings.fault(format!("{} {id}: stands in an organization that is not there", P::NAME));
    }
    check_members::<P>(connection, findings).await
}

/// That every membership is of a set and a user who are there, at the level of the set.
async fn check_members<'a, P: Peopled>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let sets = Query::select().column(P::ID).from(P::Entity::default()).to_owned();
    let users = Query::select().column(user::Column::UserId).from(user::Entity).to_owned();
    for (column, there) in [(P::MEMBER_OF, sets), (P::MEMBER, users)] {
        let dangling = P::Members::find().select_only().column(column).filter(column.not_in_subquery(there));
        let dangling = dangling.order_by_asc(column).limit(TOLD).into_tuple::<String>().all(connection).await?;
        for id in dangling {
            findings.fault(format!("a {} membership names {id}, which is not there", P::NAME));
        }
    }
    let join = P::Entity::belongs_to(P::Members::default()).from(P::ID).to(P::MEMBER_OF).into();
    let elsewhere = P::Entity::find().select_only().column(P::ID).join(JoinType::InnerJoin, join);
    let elsewhere = elsewhere.filter(P::MEMBER_LEVEL.into_expr().ne(P::LEVEL.into_expr())).order_by_asc(P::ID).limit(TOLD);
    for id in elsewhere.into_tuple::<String>().all(connection).await? {
        findings.fault(format!("{} {id}: a membership is of another level", P::NAME));
    }
    // At an organization's level only its members are in one.
    let member = Query::select()
        .expr(Expr::value(1))
        .from(member::Entity)
        .and_where(member::Column::OrganizationId.into_expr().equals((P::Members::default(), P::MEMBER_LEVEL)))
        .and_where(member::Column::UserId.into_expr().equals((P::Members::default(), P::MEMBER)))
        .to_owned();
    let strangers =
        P::Members::find().select_only().column(P::MEMBER).filter(P::MEMBER_LEVEL.ne("")).filter(Expr::exists(member).not());
    for user_id in strangers.limit(TOLD).into_tuple::<String>().all(connection).await? {
        findings.fault(format!("user {user_id} is in a {} of an organization without being its member", P::NAME));
    }
    Ok(findings)
}
