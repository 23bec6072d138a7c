//! What PostgreSQL says of its tables.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};

use super::Objects;

/// In the words of [`super::sqlite::outline`]. What that has no words for is told too, so that it differs: a text that is not ordered
/// by code point, an index that was not built to its end, or is of some rows or of expressions.
const OUTLINE: &str = "\
    SELECT 'table ' || c.table_name, string_agg(c.column_name || ' ' || upper(c.data_type) \
            || CASE WHEN c.data_type = 'text' AND c.collation_name IS DISTINCT FROM 'C' THEN ' ordered otherwise' ELSE '' END \
            || CASE WHEN c.is_nullable = 'NO' THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY c.column_name COLLATE \"C\") \
        FROM information_schema.columns c WHERE c.table_schema = current_schema() GROUP BY c.table_name \
    UNION ALL SELECT CASE WHEN x.indisprimary THEN 'primary key of ' || t.relname ELSE 'index ' || i.relname END, \
            CASE WHEN x.indisunique AND NOT x.indisprimary THEN 'unique ' ELSE '' END \
            || CASE WHEN x.indpred IS NULL AND x.indexprs IS NULL THEN '' ELSE 'partial ' END \
            || CASE WHEN x.indisvalid THEN '' ELSE 'unfinished ' END || t.relname || ' (' || coalesce( \
            (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(x.indkey) WITH ORDINALITY AS k (number, place) \
                JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number), '') || ')' \
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
            JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = current_schema() \
    UNION ALL SELECT 'foreign key ' || child || ' (' || columns || ')', parent || ' (' || keys || ') ' || CASE action \
            WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'a' THEN 'NO ACTION' ELSE action END \
        FROM";
/// The foreign keys: the two tables, their columns, and what a deletion does.
const FOREIGN_KEYS: &str = "\
    (SELECT child.relname::text AS child, parent.relname::text AS parent, f.confdeltype::text AS action, \
        (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(f.conkey) WITH ORDINALITY AS k (number, place) \
            JOIN pg_attribute a ON a.attrelid = child.oid AND a.attnum = k.number) AS columns, \
        (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(f.confkey) WITH ORDINALITY AS k (number, place) \
            JOIN pg_attribute a ON a.attrelid = parent.oid AND a.attnum = k.number) AS keys \
    FROM pg_constraint f JOIN pg_class child ON child.oid = f.conrelid JOIN pg_class parent ON parent.oid = f.confrelid \
        JOIN pg_namespace n ON n.oid = child.relnamespace WHERE f.contype = 'f' AND n.nspname = current_schema()) AS foreign_keys";

/// Tables, indexes and foreign keys, with what they are.
pub(super) async fn outline(connection: &impl ConnectionTrait) -> Result<Objects, DbErr> {
    let rows = connection.query_all_raw(statement(format!("{OUTLINE} {FOREIGN_KEYS}"))).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// The tables of rows that name what is not there, and of what they name: as when triggers were off while rows were put in.
pub(super) async fn dangling(connection: &impl ConnectionTrait) -> Result<Vec<(String, String)>, DbErr> {
    let foreign_keys = format!("SELECT child, parent, columns, keys FROM {FOREIGN_KEYS} ORDER BY child, columns");
    let mut found = Vec::new();
    for row in connection.query_all_raw(statement(foreign_keys)).await? {
        let text = |row: &QueryResult, index| row.try_get_by_index::<String>(index);
        let (child, parent) = (text(&row, 0)?, text(&row, 1)?);
        // A row with a NULL among its columns names nothing.
        let sql = format!(
            "SELECT 1 FROM {child} AS child WHERE ({columns}) IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM {parent} AS parent WHERE (parent.{keys}) = (child.{of}))",
            columns = text(&row, 2)?,
            of = text(&row, 2)?.replace(", ", ", child."),
            keys = text(&row, 3)?.replace(", ", ", parent."),
        );
        let dangling = connection.query_all_raw(statement(format!("{sql} LIMIT 100"))).await?;
        found.extend(dangling.iter().map(|_| (child.clone(), parent.clone())));
    }
    Ok(found)
}

fn statement(sql: impl Into<String>) -> Statement {
    Statement::from_string(DbBackend::Postgres, sql)
}
