//! The steps that bring a Roster database to the current schema: SQL files in order, each recorded when it has run.
//!
//! `README.md` beside this crate's manifest has the rules for writing one.

use sea_orm::{DatabaseConnection, EntityTrait};
use sea_orm_migration::{prelude::*, seaql_migrations};

pub use sea_orm_migration::MigratorTrait;

/// Runs the steps; whoever calls it holds the lock that keeps others from doing the same.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        STEPS.iter().map(|(name, sql)| Box::new(Step { name, sql }) as Box<dyn MigrationTrait>).collect()
    }
}

/// The steps that the database has run and this release does not know: it was made by a newer one.
///
/// # Errors
/// Those of the database.
pub async fn unknown_steps(database: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let table = Migrator::migration_table_name().to_string();
    if !SchemaManager::new(database).has_table(&table).await? {
        return Ok(Vec::new());
    }
    let recorded = seaql_migrations::Entity::find().all(database).await?;
    let known = |step: &seaql_migrations::Model| STEPS.iter().any(|(name, _)| *name == step.version);
    Ok(recorded.into_iter().filter(|step| !known(step)).map(|step| step.version).collect())
}

/// Every step by name, in order. Released ones are frozen.
const STEPS: &[(&str, &str)] = &[
    ("0001_users", include_str!("../sql/0001_users.sql")),
    ("0002_user_custom_data", include_str!("../sql/0002_user_custom_data.sql")),
    ("0003_api_keys", include_str!("../sql/0003_api_keys.sql")),
    ("0004_users_created_at", include_str!("../sql/0004_users_created_at.sql")),
    ("0005_groups", include_str!("../sql/0005_groups.sql")),
    ("0006_roles", include_str!("../sql/0006_roles.sql")),
    ("0007_sealing_keys", include_str!("../sql/0007_sealing_keys.sql")),
    ("0008_api_keys_created_by", include_str!("../sql/0008_api_keys_created_by.sql")),
    ("0009_idempotency_records", include_str!("../sql/0009_idempotency_records.sql")),
];

struct Step {
    name: &'static str,
    sql: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(self.sql).await.map(drop)
    }

    /// A step and its record are one transaction on every engine; by default some would have none.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
