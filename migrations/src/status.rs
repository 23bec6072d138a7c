//! Which steps a database has had, and which it has not.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, IntoDatabaseExecutor, QueryOrder};
use sea_orm_migration::{prelude::*, seaql_migrations};

use crate::{Migrator, STEPS, compatibility};

/// A step as a database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its name.
    pub name: String,
    /// Whether it has run.
    pub state: State,
    /// The oldest release that can still work on its result, if that is known.
    pub compatible_from: Option<String>,
}

/// Whether a step has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has.
    Applied,
    /// It has not.
    Pending,
    /// It has, and this release does not know it: a newer one ran it.
    Newer,
}

impl Status {
    /// Whether a binary of this release may work on a database that has had the step.
    #[must_use]
    pub fn admits(&self, release: &str) -> bool {
        let parse = |version: &str| semver::Version::parse(version).ok();
        self.state != State::Newer
            || self.compatible_from.as_deref().and_then(parse).zip(parse(release)).is_some_and(|(from, own)| from <= own)
    }
}

/// Every step that the database has had or this release knows, in order; without a database, all are pending.
///
/// # Errors
/// Those of the database.
pub async fn status<'c, C>(database: Option<&'c C>) -> Result<Vec<Status>, DbErr>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    let (applied, recorded) = match database {
        Some(database) => (applied(database).await?, compatibility::recorded(database).await?),
        None => Default::default(),
    };
    let known = STEPS.iter().map(|step| Status {
        name: step.name.to_owned(),
        state: if applied.iter().any(|name| name == step.name) { State::Applied } else { State::Pending },
        compatible_from: Some(step.compatible_from.to_owned()),
    });
    let newer = applied.iter().filter(|name| !STEPS.iter().any(|step| step.name == name.as_str()));
    let newer =
        newer.map(|name| Status { name: name.clone(), state: State::Newer, compatible_from: recorded.get(name).cloned() });
    Ok(known.chain(newer).collect())
}

async fn applied<'c, C>(database: &'c C) -> Result<Vec<String>, DbErr>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    let table = Migrator::migration_table_name().to_string();
    if !SchemaManager::new(database).has_table(&table).await? {
        return Ok(Vec::new());
    }
    let rows = seaql_migrations::Entity::find().order_by_asc(seaql_migrations::Column::Version).all(database).await?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}
