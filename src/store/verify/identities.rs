//! Identities: their fields against the rules of the proto, that whose they are is there, and that no account is several users'.

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IdenStatic, PartialModelTrait, QueryFilter, QueryOrder,
    QueryResult, QuerySelect,
};

use super::Findings;
use crate::entity::identity::{Column, Entity};
use crate::entity::{StringList, user};
use crate::error::Result;
use crate::proto::{IdentityDto, json};
use crate::store::engine::keys::any_of;
use crate::store::identities::NewIdentity;
use crate::validate::Violations;
use crate::validate::fields::{self, Purpose};

/// How many identities are in memory at once: 16 KiB each at most.
const STEP: u64 = 1_000;
/// The most dangling identities that are looked up.
const TOLD: u64 = 1_000;

/// An identity as its row has it, so that one that cannot be read does not keep the others from being looked at.
struct Inspected {
    identity_id: String,
    identity: IdentityDto,
    user_info: String,
    origin_conn_ids: String,
}

impl FromQueryResult for Inspected {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let identity = IdentityDto { identity_id: None, ..IdentityDto::from_query_result(row, prefix)? };
        let text = |column: Column| row.try_get(prefix, column.as_str());
        Ok(Self {
            identity_id: text(Column::IdentityId)?,
            identity,
            user_info: text(Column::UserInfoInIdp)?,
            origin_conn_ids: text(Column::OriginConnIds)?,
        })
    }
}

pub(super) async fn check<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut last: Option<String> = None;
    loop {
        let mut select = IdentityDto::select_cols(Entity::find().select_only());
        select = select.columns([Column::UserInfoInIdp, Column::OriginConnIds]);
        if let Some(last) = &last {
            select = select.filter(Column::IdentityId.gt(last));
        }
        let rows = select.order_by_asc(Column::IdentityId).limit(STEP).into_model::<Inspected>().all(connection).await?;
        let Some(end) = rows.last() else { break };
        last = Some(end.identity_id.clone());
        for row in rows {
            findings.row();
            one(row, &mut findings);
        }
    }
    let users = Query::select().column(user::Column::UserId).from(user::Entity).to_owned();
    let dangling = Entity::find().select_only().column(Column::IdentityId).filter(Column::UserId.not_in_subquery(users));
    for id in dangling.limit(TOLD).into_tuple::<String>().all(connection).await? {
        findings.fault(format!("identity {id}: its user is not there"));
    }
    let account = [Column::UserIdInIdp, Column::ExtIdpId];
    let shared = Entity::find().select_only().columns(account).group_by(account[0]).group_by(account[1]);
    let shared = shared.having(Expr::cust("COUNT(*) > 1")).into_tuple::<(String, String)>().all(connection).await?;
    for _ in shared {
        findings.fault("several identities are the same account");
    }
    Ok(findings)
}

/// What is wrong is told by field, without the text: it is personal.
fn one(row: Inspected, findings: &mut Findings<'_>) {
    let id = row.identity_id;
    let info = json::object_from_text(&row.user_info);
    findings.expect(info.is_some(), || format!("identity {id}: user_info_in_idp is no JSON object"));
    let origins = row.origin_conn_ids.parse::<StringList>();
    findings.expect(origins.is_ok(), || format!("identity {id}: origin_conn_ids is no list of texts"));
    let origin_conn_ids = origins.unwrap_or_default().0;
    let identity = IdentityDto { user_info_in_idp: info, origin_conn_ids, ..row.identity };
    let mut violations = Violations::default();
    fields::resource(&identity, "identity", Purpose::Create, &mut violations);
    NewIdentity::read(identity, "identity", &mut violations);
    for violation in violations.list() {
        findings.fault(format!("identity {id}: {} {}", violation.field, violation.description));
    }
}

/// Which of the users have identities.
pub(super) async fn holders<'a>(
    connection: &impl ConnectionTrait,
    user_ids: impl IntoIterator<Item = &'a str>,
) -> Result<HashSet<String>> {
    let holders =
        Entity::find().select_only().column(Column::UserId).distinct().filter(any_of(connection, Column::UserId, user_ids));
    Ok(holders.into_tuple().all(connection).await?.into_iter().collect())
}
