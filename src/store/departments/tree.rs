//! The trees that departments make. A walk goes from a department up to its root, or down to all that is below it; it ends where
//! no tree goes on, so that it ends in any case.

use sea_orm::sea_query::{CommonTableExpression, Expr, ExprTrait, Query, SelectStatement, UnionType, WithClause};
use sea_orm::{ColumnTrait, ConnectionTrait};

use crate::entity::department::{Column, Entity};
use crate::error::{Error, Result};
use crate::limits;
use crate::store::Tx;
use crate::store::engine::keys::is;

/// The departments of a walk, and the columns that it gathers.
const WALK: &str = "walk";
const ID: &str = "id";
const PARENT: &str = "parent";
const LEVEL: &str = "level";
const STEPS: &str = "steps";

/// Which way a walk goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// The departments on the way from this one on, it included.
fn walk(way: Way, department_id: &str) -> SelectStatement {
    let steps = || Expr::col((WALK, STEPS));
    let first = Query::select()
        .columns([Column::DepartmentId, Column::ParentDepartmentId, Column::Level])
        .expr(Expr::value(1))
        .from(Entity)
        .and_where(is(Column::DepartmentId, department_id))
        .to_owned();
    let next = match way {
        Way::Up => Column::DepartmentId.into_expr().eq(Expr::col((WALK, PARENT))),
        Way::Down => Column::ParentDepartmentId.into_expr().eq(Expr::col((WALK, ID))),
    };
    let rest = Query::select()
        .columns([Column::DepartmentId, Column::ParentDepartmentId, Column::Level].map(|column| (Entity, column)))
        .expr(steps().add(1))
        .from(Entity)
        .inner_join(WALK, next)
        .and_where(steps().lte(i32::try_from(limits::DEPARTMENT_LEVELS).unwrap_or(i32::MAX)))
        .to_owned();
    let steps = CommonTableExpression::new()
        .table_name(WALK)
        .columns([ID, PARENT, LEVEL, STEPS])
        .query(first.clone().union(UnionType::All, rest).to_owned())
        .to_owned();
    Query::select().with_cte(WithClause::new().recursive(true).cte(steps).to_owned()).from(WALK).to_owned()
}

/// The ids of this department and of all that are below it.
pub(super) fn branch(department_id: &str) -> SelectStatement {
    walk(Way::Down, department_id).column(ID).to_owned()
}

/// Refuses to put a department, or a new one, under the parent: one that is not there, that is below it, or that lies too deep for
/// it. Nobody else moves one meanwhile.
pub(super) async fn check(tx: &Tx, level: &str, parent: &str, department_id: Option<&str>) -> Result<()> {
    let above = walk(Way::Up, parent).columns([ID, LEVEL]).to_owned();
    let above = tx.connection.query_all(&above).await?;
    let mut ids = Vec::new();
    for row in &above {
        let stands: String = row.try_get("", LEVEL)?;
        if stands == level {
            ids.push(row.try_get::<String>("", ID)?);
        }
    }
    if ids.is_empty() {
        return Err(Error::DepartmentNotFound);
    }
    let mut levels = ids.len() + 1;
    if let Some(department_id) = department_id {
        if ids.iter().any(|id| id == department_id) {
            return Err(Error::DepartmentCycle);
        }
        let below = walk(Way::Down, department_id).expr_as(Expr::col(STEPS).max().cast_as("bigint"), STEPS).to_owned();
        let below = tx.connection.query_one(&below).await?;
        let height = below.map(|row| row.try_get::<i64>("", STEPS)).transpose()?.unwrap_or(1);
        levels = ids.len() + usize::try_from(height).unwrap_or_default();
    }
    if levels > limits::DEPARTMENT_LEVELS {
        let most = limits::DEPARTMENT_LEVELS;
        return Err(Error::invalid(
            "department.parent_department_id",
            format!("lies so deep that the tree would have more than {most} levels"),
        ));
    }
    Ok(())
}
