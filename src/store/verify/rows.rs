//! All rows of a table, some at a time, in the order of one of its columns.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder, QuerySelect, Value};

use crate::error::Result;

/// How many rows are in memory at once.
const STEP: u64 = 1_000;

/// Hands every row of the table to `look`. The column is text; rows that share its value must fit into a step together.
pub(super) async fn each<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    column: E::Column,
    mut look: impl FnMut(E::Model) + Send,
) -> Result<()>
where
    E::Model: Send,
{
    let mut last: Option<String> = None;
    loop {
        let mut query = E::find().order_by_asc(column).limit(STEP);
        if let Some(last) = &last {
            query = query.filter(column.gt(last));
        }
        let rows = query.all(connection).await?;
        let Some(end) = rows.last() else { return Ok(()) };
        last = match end.get(column) {
            Value::String(Some(text)) => Some(text),
            _ => return Ok(()),
        };
        rows.into_iter().for_each(&mut look);
    }
}
