//! Bringing the schema up to date: the same for every engine, but for the lock that the engine's own file takes around it.

use roster_migrations::{State, Status};
use sea_orm::{ConnectionTrait, IntoDatabaseExecutor};

use super::OpenError;
use crate::config::Config;

/// Which steps the database has had; without one, none.
pub(super) async fn steps<'c, C>(config: &Config, connection: Option<&'c C>) -> Result<Vec<Status>, OpenError>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    let failed = |cause| OpenError::Open { database: config.database_url.to_string(), cause };
    roster_migrations::status(connection).await.map_err(failed)
}

/// Whether there is nothing to do.
///
/// # Errors
/// [`OpenError::Newer`] where this release cannot work on it.
pub(super) async fn is_current<'c, C>(config: &Config, connection: &'c C) -> Result<bool, OpenError>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    let steps = steps(config, Some(connection)).await?;
    let beyond: Vec<_> = steps.iter().filter(|step| !step.admits(env!("CARGO_PKG_VERSION"))).map(needed).collect();
    if !beyond.is_empty() {
        return Err(OpenError::Newer { database: config.database_url.to_string(), steps: beyond.join(", ") });
    }
    Ok(steps.iter().all(|step| step.state != State::Pending))
}

/// Runs the missing steps; whoever calls it holds the lock.
pub(super) async fn bring_up<'c, C>(config: &Config, connection: &'c C) -> Result<(), OpenError>
where
    C: ConnectionTrait,
    &'c C: IntoDatabaseExecutor<'c>,
{
    is_current(config, connection).await?;
    let failed = |cause| OpenError::Migrate { database: config.database_url.to_string(), cause };
    roster_migrations::up(connection).await.map_err(failed)
}

/// A step that this release cannot work with, and which one can.
fn needed(step: &Status) -> String {
    let from = step.compatible_from.as_deref().map(|from| format!(" (roster {from} or later)"));
    format!("{}{}", step.name, from.unwrap_or_default())
}
