//! The steps that bring a Roster database to the current schema: SQL files in order, each recorded when it has run.
//!
//! A step also records the oldest release that can still work on its result, so that an older binary knows whether it may go on
//! beside a newer one, or after it. `README.md` beside this crate's manifest has the rules for writing a step.

mod compatibility;
mod status;

use sea_orm::{ConnectionTrait, DbBackend, IntoDatabaseExecutor};
use sea_orm_migration::prelude::*;

pub use sea_orm_migration::MigratorTrait;
pub use status::{State, Status, status};

/// Runs the steps; whoever calls it holds the lock that keeps others from doing the same.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        STEPS.iter().map(|step| Box::new(step) as Box<dyn MigrationTrait>).collect()
    }
}

/// Runs the steps that have not run yet.
///
/// # Errors
/// Those of the database.
pub async fn up<'c, C>(database: &'c C) -> Result<(), DbErr>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    // sea-orm-migration refuses a database with a step of a newer release, so it is asked only where there is something to run.
    if status(Some(database)).await?.iter().any(|step| step.state == State::Pending) {
        Migrator::up(database, None).await?;
    }
    compatibility::record_all(database).await
}

/// A step.
struct Step {
    name: &'static str,
    /// The oldest release that can still work on its result.
    compatible_from: &'static str,
    sql: Sql,
}

/// The statements of a step.
enum Sql {
    /// The same on every engine.
    Same(&'static str),
    /// Written for each engine, where one cannot do what the other can.
    Each { sqlite: &'static str, postgres: &'static str },
}

/// Every step, in order. Released ones are frozen.
const STEPS: &[Step] = &[
    Step { name: "0001_users", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0001_users.sql")) },
    Step {
        name: "0002_user_custom_data",
        compatible_from: "0.1.0",
        sql: Sql::Same(include_str!("../sql/0002_user_custom_data.sql")),
    },
    Step { name: "0003_api_keys", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0003_api_keys.sql")) },
    Step {
        name: "0004_users_created_at",
        compatible_from: "0.1.0",
        sql: Sql::Same(include_str!("../sql/0004_users_created_at.sql")),
    },
    Step { name: "0005_groups", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0005_groups.sql")) },
    Step { name: "0006_roles", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0006_roles.sql")) },
    Step { name: "0007_sealing_keys", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0007_sealing_keys.sql")) },
    Step {
        name: "0008_api_keys_created_by",
        compatible_from: "0.1.0",
        sql: Sql::Same(include_str!("../sql/0008_api_keys_created_by.sql")),
    },
    Step {
        name: "0009_idempotency_records",
        compatible_from: "0.1.0",
        sql: Sql::Same(include_str!("../sql/0009_idempotency_records.sql")),
    },
    Step { name: "0010_locks", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0010_locks.sql")) },
    Step { name: "0011_secret_keys", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0011_secret_keys.sql")) },
    Step { name: "0012_identities", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0012_identities.sql")) },
    Step {
        name: "0013_organizations",
        compatible_from: "0.1.0",
        sql: Sql::Same(include_str!("../sql/0013_organizations.sql")),
    },
    Step {
        name: "0014_groups_level",
        compatible_from: "0.1.0",
        sql: Sql::Each {
            sqlite: include_str!("../sql/0014_groups_level.sqlite.sql"),
            postgres: include_str!("../sql/0014_groups_level.postgres.sql"),
        },
    },
    Step {
        name: "0015_roles_level",
        compatible_from: "0.1.0",
        sql: Sql::Each {
            sqlite: include_str!("../sql/0015_roles_level.sqlite.sql"),
            postgres: include_str!("../sql/0015_roles_level.postgres.sql"),
        },
    },
    Step { name: "0016_departments", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0016_departments.sql")) },
    Step { name: "0017_posts", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0017_posts.sql")) },
    Step {
        name: "0018_user_credentials",
        compatible_from: "0.1.0",
        sql: Sql::Same(include_str!("../sql/0018_user_credentials.sql")),
    },
    Step { name: "0019_user_tokens", compatible_from: "0.1.0", sql: Sql::Same(include_str!("../sql/0019_user_tokens.sql")) },
];

impl Step {
    /// Its SQL as the engine is to have it. On PostgreSQL every text is ordered and compared by code point, as it is on SQLite,
    /// whatever the locale of the database.
    fn sql(&self, engine: DbBackend) -> String {
        let (sqlite, postgres) = match self.sql {
            Sql::Same(sql) => (sql, sql),
            Sql::Each { sqlite, postgres } => (sqlite, postgres),
        };
        match engine {
            DbBackend::Postgres => postgres.replace(" TEXT", " TEXT COLLATE \"C\""),
            _ => sqlite.to_owned(),
        }
    }
}

impl MigrationName for &'static Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for &'static Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(&self.sql(connection.get_database_backend())).await?;
        compatibility::record(connection, self).await
    }

    /// A step and its record are one transaction on every engine; by default some would have none.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_in_order_and_name_releases() {
        assert!(STEPS.is_sorted_by(|one, next| one.name < next.name));
        for step in STEPS {
            assert!(semver::Version::parse(step.compatible_from).is_ok(), "{}", step.name);
        }
    }
}
