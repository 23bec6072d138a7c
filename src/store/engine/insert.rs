//! Inserting rows of which some may clash with others.

use std::collections::{HashMap, HashSet};

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic, Iterable, QueryTrait, Statement,
    Value,
};
use serde_json::Map;

use crate::error::{Error, Result};

/// Inserts the rows one after the other, but none that clashes with what is there by then, and tells which it inserted. By the
/// column `mark`, a text, they are told apart.
pub(in crate::store) async fn unless_taken<A>(
    connection: &impl ConnectionTrait,
    rows: Vec<A>,
    mark: <A::Entity as EntityTrait>::Column,
) -> Result<Vec<bool>>
where
    A: ActiveModelTrait,
{
    if connection.get_database_backend() == DbBackend::Postgres {
        return at_once(connection, &rows, mark).await;
    }
    let (mut inserted, mut texts) = (Vec::with_capacity(rows.len()), HashMap::new());
    for row in rows {
        let columns: Vec<_> = set_columns(std::slice::from_ref(&row));
        let values: Vec<_> = columns.iter().filter_map(|column| row.get(*column).into_value()).collect();
        // One that is prepared is run again at next to no cost; so nor is its text to be made anew.
        let names: Vec<_> = columns.iter().map(IdenStatic::as_str).collect();
        let text: &mut String = texts.entry(names).or_insert_with(|| text(row));
        let insert = Statement::from_sql_and_values(DbBackend::Sqlite, text.as_str(), values);
        inserted.push(connection.execute_raw(insert).await?.rows_affected() == 1);
    }
    Ok(inserted)
}

/// The text of the statement that inserts the row, and any other that has the same columns.
fn text<A: ActiveModelTrait>(row: A) -> String {
    DbBackend::Sqlite.build(&A::Entity::insert(row).on_conflict(unless_there()).into_query()).sql
}

/// The columns that any of the rows gives, in the table's order.
fn set_columns<A: ActiveModelTrait>(rows: &[A]) -> Vec<<A::Entity as EntityTrait>::Column> {
    let set = |column: &<A::Entity as EntityTrait>::Column| rows.iter().any(|row| !row.get(*column).is_not_set());
    <A::Entity as EntityTrait>::Column::iter().filter(set).collect()
}

fn unless_there() -> OnConflict {
    OnConflict::new().do_nothing().to_owned()
}

/// One statement for all, with one parameter: each would cost a journey to the server, and parameters of their own would cost
/// more than the rows.
async fn at_once<A>(
    connection: &impl ConnectionTrait,
    rows: &[A],
    mark: <A::Entity as EntityTrait>::Column,
) -> Result<Vec<bool>>
where
    A: ActiveModelTrait,
{
    let columns = set_columns(rows);
    let list = rows.iter().map(|row| object(row, &columns)).collect::<Result<Vec<_>, _>>()?;
    let list = Value::from(serde_json::Value::from(list).to_string());
    let table = A::Entity::default();
    let row = Expr::null().cast_as(Alias::new(table.table_name()));
    let list = Expr::value(list).cast_as("json");
    let select = Query::select()
        .columns(columns.clone())
        .from_function(Func::cust("json_populate_recordset").arg(row).arg(list), Alias::new("new"))
        .to_owned();
    let insert = Query::insert()
        .into_table(table)
        .columns(columns)
        .select_from(select)
        .map_err(Error::internal)?
        .on_conflict(unless_there())
        .returning_col(mark)
        .to_owned();
    let inserted = connection.query_all(&insert).await?;
    let inserted = inserted.iter().map(|row| row.try_get_by_index::<String>(0)).collect::<Result<HashSet<_>, _>>()?;
    let is_inserted =
        |row: &A| matches!(row.get(mark).into_value(), Some(Value::String(Some(mark))) if inserted.contains(&mark));
    Ok(rows.iter().map(is_inserted).collect())
}

/// The row, as PostgreSQL reads it.
fn object<A: ActiveModelTrait>(row: &A, columns: &[<A::Entity as EntityTrait>::Column]) -> Result<serde_json::Value, DbErr> {
    let mut object = Map::new();
    for column in columns {
        let value: serde_json::Value = match row.get(*column).into_value() {
            Some(Value::Bool(value)) => value.into(),
            Some(Value::Int(value)) => value.into(),
            Some(Value::BigInt(value)) => value.into(),
            Some(Value::String(value)) => value.into(),
            None => continue,
            Some(value) => return Err(DbErr::Type(format!("no row of a batch has {value:?}"))),
        };
        object.insert(column.as_str().to_owned(), value);
    }
    Ok(object.into())
}
