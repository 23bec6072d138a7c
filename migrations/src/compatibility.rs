//! The table `schema_steps`: for each step the oldest release that can still work on its result.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, IntoDatabaseExecutor};
use sea_orm_migration::prelude::*;

use crate::{STEPS, Step};

const TABLE: &str = "schema_steps";
const STEP: &str = "step";
const COMPATIBLE_FROM: &str = "compatible_from";

/// Records what a step says, unless it is recorded.
pub(crate) async fn record(connection: &impl ConnectionTrait, step: &Step) -> Result<(), DbErr> {
    let table = Table::create()
        .table(TABLE)
        .if_not_exists()
        .col(ColumnDef::new(STEP).text().not_null().primary_key())
        .col(ColumnDef::new(COMPATIBLE_FROM).text().not_null())
        .to_owned();
    connection.execute(&table).await?;
    let row = Query::insert()
        .into_table(TABLE)
        .columns([STEP, COMPATIBLE_FROM])
        .values_panic([step.name.into(), step.compatible_from.into()])
        .on_conflict(OnConflict::column(STEP).do_nothing().to_owned())
        .to_owned();
    connection.execute(&row).await.map(drop)
}

/// Records what all steps say, also those that ran before there was a record.
pub(crate) async fn record_all<'c, C>(database: &'c C) -> Result<(), DbErr>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    let recorded = recorded(database).await?;
    for step in STEPS.iter().filter(|step| !recorded.contains_key(step.name)) {
        record(database, step).await?;
    }
    Ok(())
}

/// What is recorded, by step.
pub(crate) async fn recorded<'c, C>(database: &'c C) -> Result<HashMap<String, String>, DbErr>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    if !SchemaManager::new(database).has_table(TABLE).await? {
        return Ok(HashMap::new());
    }
    let rows = database.query_all(Query::select().columns([STEP, COMPATIBLE_FROM]).from(TABLE)).await?;
    rows.iter().map(|row| Ok((row.try_get("", STEP)?, row.try_get("", COMPATIBLE_FROM)?))).collect()
}
