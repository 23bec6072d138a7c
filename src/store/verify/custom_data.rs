//! Custom data: keys and values that can be read, and no more of them than fit.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Findings;
use crate::entity::user_custom_data::{Column, Entity};
use crate::error::Result;
use crate::limits;
use crate::proto::json;
use crate::validate::custom_data::check_key;

/// How many users' data are in memory at once: 64 KiB each at most.
const STEP: u64 = 100;

pub(super) async fn check<'a>(connection: &impl ConnectionTrait, mut findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut last: Option<String> = None;
    loop {
        let mut ids = Entity::find().select_only().expr(Expr::cust("DISTINCT user_id"));
        if let Some(last) = &last {
            ids = ids.filter(Column::UserId.gt(last));
        }
        let ids: Vec<String> = ids.order_by_asc(Column::UserId).limit(STEP).into_tuple().all(connection).await?;
        let (Some(first), Some(end)) = (ids.first(), ids.last()) else { return Ok(findings) };
        let rows = Entity::find().filter(Column::UserId.between(first, end)).all(connection).await?;
        let mut bytes: HashMap<String, usize> = HashMap::new();
        for row in rows {
            findings.row();
            let whose = format!("custom data of user {}", row.user_id);
            findings.expect(check_key(&row.key).is_ok(), || format!("{whose}: a key is not well-formed"));
            findings.expect(json::from_text(&row.value).is_ok(), || format!("{whose}: a value is not JSON"));
            *bytes.entry(row.user_id).or_insert(2) += row.key.len() + row.value.len() + 4;
        }
        for (user_id, _) in bytes.iter().filter(|(_, bytes)| **bytes > limits::CUSTOM_DATA_BYTES + 1) {
            findings.fault(format!("custom data of user {user_id}: more than {} bytes", limits::CUSTOM_DATA_BYTES));
        }
        last = Some(end.clone());
    }
}
