//! How a query asks for keys.
//!
//! Many go as one parameter, so that a statement's text is the same however many there are: it is prepared once, and no engine's
//! limit on parameters is met.

use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, Value};

/// Whether the column has one of the keys.
pub(in crate::store) fn any_of<K: AsRef<str>>(
    connection: &impl ConnectionTrait,
    column: impl ColumnTrait,
    keys: impl IntoIterator<Item = K>,
) -> Expr {
    let mut keys: Vec<String> = keys.into_iter().filter_map(|key| storable(key.as_ref())).collect();
    if keys.len() == 1 {
        return column.eq(keys.remove(0));
    }
    if connection.get_database_backend() == DbBackend::Postgres {
        return column.into_expr().eq(PgFunc::any(Expr::value(keys)));
    }
    column.into_expr().in_subquery(json_each(keys))
}

/// Whether the expression, of which there is no index, is one of the keys: it is looked up among them, however many there are.
pub(in crate::store) fn among<K: AsRef<str>>(
    connection: &impl ConnectionTrait,
    expression: Expr,
    keys: impl IntoIterator<Item = K>,
) -> Expr {
    let mut keys: Vec<String> = keys.into_iter().filter_map(|key| storable(key.as_ref())).collect();
    if keys.len() == 1 {
        return expression.eq(keys.remove(0));
    }
    if connection.get_database_backend() == DbBackend::Postgres {
        // A parameter's items it would go through one by one, row by row.
        return expression.in_subquery(Query::select().expr(Func::cust("unnest").arg(Expr::value(keys))).to_owned());
    }
    expression.in_subquery(json_each(keys))
}

/// The keys as rows, on SQLite.
fn json_each(keys: Vec<String>) -> SelectStatement {
    let list = serde_json::Value::from(keys).to_string();
    let each = Func::cust("json_each").arg(Value::from(list));
    Query::select().column("value").from_function(each, Alias::new("keys")).to_owned()
}

/// Whether the column has the key.
pub(in crate::store) fn is(column: impl ColumnTrait, key: &str) -> Expr {
    storable(key).map_or_else(|| Expr::value(false), |key| column.eq(key))
}

/// The key if it can be one: no stored one has a NUL, which not every engine takes as a parameter.
fn storable(key: &str) -> Option<String> {
    (!key.contains('\0')).then(|| key.to_owned())
}
