//! Departments: that they make trees, and that nobody has two main ones at a level.

use std::collections::{HashMap, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Findings, collections};
use crate::entity::department::{Column, Model, member};
use crate::error::Result;
use crate::store::departments::Departments;

/// What a department is a part of.
struct Place {
    level: String,
    parent: Option<String>,
}

pub(super) async fn check<'a>(connection: &impl ConnectionTrait, findings: Findings<'a>) -> Result<Findings<'a>> {
    let mut places = HashMap::new();
    let place = |row: &Model| {
        let place = Place { level: row.level.clone(), parent: row.parent_department_id.clone() };
        places.insert(row.department_id.clone(), place);
    };
    let mut findings = collections::check::<Departments>(connection, findings, Column::Code, place).await?;
    check_trees(&places, &mut findings);
    let mains = member::Entity::find().select_only().column(member::Column::UserId).filter(member::Column::IsMain.into_expr());
    let mains = mains.group_by(member::Column::UserId).group_by(member::Column::Level).having(Expr::cust("COUNT(*)").gt(1));
    let mains = mains.order_by_asc(member::Column::UserId).limit(super::TOLD);
    for user_id in mains.into_tuple::<String>().all(connection).await? {
        findings.fault(format!("user {user_id}: two main departments at a level"));
    }
    Ok(findings)
}

/// Goes from each department up to a root, or to one from which that was done before.
fn check_trees(places: &HashMap<String, Place>, findings: &mut Findings<'_>) {
    let mut sound = HashSet::new();
    for (id, place) in places {
        if let Some(parent) = &place.parent {
            let same = places.get(parent).is_some_and(|above| above.level == place.level);
            findings.expect(same, || format!("department {id}: its parent is not one of its level"));
        }
        let (mut way, mut next) = (HashSet::new(), Some(id));
        while let Some(here) = next.filter(|here| !sound.contains(*here)) {
            if !way.insert(here) {
                findings.fault(format!("department {here}: it stands under itself"));
                break;
            }
            next = places.get(here).and_then(|place| place.parent.as_ref());
        }
        sound.extend(way);
    }
}
