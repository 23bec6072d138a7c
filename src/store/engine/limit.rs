//! How many rows a query has.

use sea_orm::{DbBackend, Statement, Values};

/// The query for so many rows at most, behind so many. The limit stands in its text: PostgreSQL would plan a query with one that
/// is bound for each page anew, since it cannot tell beforehand how few rows that is.
pub(in crate::store) fn limited(mut query: Statement, limit: usize, offset: u64) -> Statement {
    query.sql.extend([" LIMIT ", &limit.to_string()]);
    if offset > 0 {
        let values = query.values.get_or_insert(Values(Vec::new()));
        values.0.push(offset.into());
        let parameter = if query.db_backend == DbBackend::Postgres { format!("${}", values.0.len()) } else { "?".to_owned() };
        query.sql.extend([" OFFSET ", &parameter]);
    }
    query
}
