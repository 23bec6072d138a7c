//! Whether the database holds what it should: every row against the rules that its writers keep, and what the engine says of
//! itself. It only reads, and sees one state throughout, also beside a serving process.

mod api_keys;
mod collections;
mod credentials;
mod custom_data;
mod departments;
mod findings;
mod identities;
mod organizations;
mod repeats;
mod rows;
mod secrets;
mod users;

pub use findings::{Checked, Report};

use sea_orm::ConnectionTrait;

use super::collections::Collection;
use super::engine::{self, OpenError};
use super::groups::Groups;
use super::posts::Posts;
use super::roles::Roles;
use super::secrets::Secrets;
use crate::config::Config;
use crate::entity::post;
use crate::error::{Cause, Error, Result};
use findings::Findings;

/// The most faults of one kind that are looked up.
const TOLD: u64 = 1_000;

/// Told now and then: what is being looked at, and how many rows of it have been.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64) + Send + Sync);

/// Why a database cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its schema is not the one of this release.
    #[error("the database is not of this release's schema: run roster migrate --status")]
    Schema,
    /// It stopped answering.
    #[error("the database cannot be read")]
    Read(#[source] Cause),
}

impl From<Error> for VerifyError {
    fn from(error: Error) -> Self {
        Self::Read(error.into())
    }
}

/// Looks at the whole database.
///
/// # Errors
/// When it cannot be read; faults that it has are in the report.
pub async fn verify(config: &Config, progress: Progress<'_>) -> Result<Report, VerifyError> {
    // First, since a file that is not there has a schema too: none.
    let connection = engine::inspect::open(config).await?;
    let steps = engine::Engine::schema(config).await?;
    let pending = steps.iter().any(|step| step.state == roster_migrations::State::Pending);
    if pending || !steps.iter().all(|step| step.admits(env!("CARGO_PKG_VERSION"))) {
        return Err(VerifyError::Schema);
    }
    let mut report = Report::default();
    let newer = steps.iter().any(|step| step.state == roster_migrations::State::Newer);
    // What the engine finds wrong with itself may keep it from reading any further.
    if let Some(faults) = engine::inspect::integrity(&connection).await {
        let mut file = Findings::new("database file", progress);
        file.row();
        for fault in faults {
            file.fault(fault);
        }
        report.add(file);
    }
    let reading = engine::inspect::snapshot(config, &connection).await?;
    if report.faults() == 0 {
        let mut schema = Findings::new("schema", progress);
        for fault in engine::inspect::schema(&reading.connection(), newer).await? {
            schema.row();
            if let Some(fault) = fault {
                schema.fault(fault);
            }
        }
        report.add(schema);
        let mut dangling = Findings::new("foreign keys", progress);
        dangling.row();
        engine::inspect::dangling(&reading.connection()).await?.into_iter().for_each(|fault| dangling.fault(fault));
        report.add(dangling);
        look(&reading.connection(), &mut report, progress).await?;
        let secrets = secrets::check(&reading.connection(), &Secrets::of(config), Findings::new("secrets", progress)).await?;
        report.add(secrets);
    }
    drop(reading);
    connection.close().await.map_err(Error::from)?;
    Ok(report)
}

async fn look(connection: &impl ConnectionTrait, report: &mut Report, progress: Progress<'_>) -> Result<()> {
    report.add(users::check(connection, Findings::new("users", progress)).await?);
    report.add(users::check_unique(connection, Findings::new("identifiers", progress)).await?);
    report.add(custom_data::check(connection, Findings::new("custom data", progress)).await?);
    report.add(identities::check(connection, Findings::new("identities", progress)).await?);
    report.add(organizations::check(connection, Findings::new("organizations", progress)).await?);
    report.add(organizations::check_members(connection, Findings::new("organization members", progress)).await?);
    report.add(collections::check::<Groups>(connection, Findings::new("groups", progress), Groups::CODE, |_| ()).await?);
    report.add(collections::check::<Roles>(connection, Findings::new("roles", progress), Roles::CODE, |_| ()).await?);
    report.add(departments::check(connection, Findings::new("departments", progress)).await?);
    report.add(collections::check::<Posts>(connection, Findings::new("posts", progress), post::Column::Code, |_| ()).await?);
    report.add(credentials::check(connection, Findings::new("passwords", progress)).await?);
    report.add(credentials::check_signing_keys(connection, Findings::new("signing keys", progress)).await?);
    report.add(api_keys::check(connection, Findings::new("API keys", progress)).await?);
    report.add(api_keys::check_secrets(connection, Findings::new("API key secrets", progress)).await?);
    report.add(repeats::check_answers(connection, Findings::new("idempotency answers", progress)).await?);
    report.add(repeats::check_sealing_keys(connection, Findings::new("sealing keys", progress)).await?);
    Ok(())
}
