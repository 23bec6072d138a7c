//! How a query asks for many keys at once.
//!
//! They go as one parameter, so that a statement's text is the same however many there are: it is prepared once, and no engine's
//! limit on parameters is met.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query};
use sea_orm::{ColumnTrait, Value};

/// Whether the column has one of the keys. No stored one has a NUL, which not every engine takes as a parameter.
pub(in crate::store) fn any_of<K: AsRef<str>>(column: impl ColumnTrait, keys: impl IntoIterator<Item = K>) -> Expr {
    let stored = |key: K| Some(key.as_ref().to_owned()).filter(|key| !key.contains('\0'));
    let mut keys: Vec<String> = keys.into_iter().filter_map(stored).collect();
    if keys.len() == 1 {
        return column.eq(keys.remove(0));
    }
    let list = serde_json::Value::from(keys).to_string();
    let each = Func::cust("json_each").arg(Value::from(list));
    let keys = Query::select().column("value").from_function(each, Alias::new("keys")).to_owned();
    column.into_expr().in_subquery(keys)
}
