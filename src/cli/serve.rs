//! `roster serve`: the service in a process of its own.

use std::io::{self, IsTerminal};
use std::path::Path;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, print};
use crate::api_key::Secret;
use crate::clock::Clock;
use crate::config::{Config, Location};
use crate::server::{self, Listeners, bind_jwks, ensure_first_key, ensure_master_key, write_key_file};
use crate::store::Store;
use crate::store::api_keys::HandOver;

/// Serves until SIGTERM or Ctrl-C, which also end a start that has to wait.
pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut stop = std::pin::pin!(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
    });
    let (store, listeners) = tokio::select! {
        started = start(config) => started?,
        () = &mut stop => return Ok(()),
    };
    if let Some(jwks) = &listeners.jwks {
        tracing::info!(address = %jwks.local_addr()?, "the keys of user tokens are at /.well-known/jwks.json");
    }
    print(format!("listening on {}\n", listeners.grpc.local_addr()?).as_bytes())?;
    server::serve(store, config.reflection, listeners, stop).await?;
    Ok(())
}

/// Takes the address first, so that a second server that is started by mistake touches nothing; then the database.
async fn start(config: &Config) -> Result<(Store, Listeners), Failure> {
    let bound = TcpListener::bind(config.listen).await;
    let grpc = bound.map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
    let jwks = bind_jwks(config).await?;
    let store = Store::open(config, Clock::default()).await?;
    let hand_over: Option<HandOver> = match config.database_url.location() {
        Location::Sqlite(file) => {
            let database = file.path.clone();
            Some(Box::new(move |secret| hand_over(secret, &database)))
        }
        // There is no saying which of several replicas would make it, and who would see it there.
        Location::Postgres => None,
    };
    ensure_first_key(&store, config, hand_over).await?;
    ensure_master_key(&store).await?;
    Ok((store, Listeners { grpc, jwks }))
}

/// Shows the first key to whoever is there, or leaves it where its owner finds it: logs are read by too many.
fn hand_over(secret: &Secret, database: &Path) -> Result<(), Failure> {
    if io::stdout().is_terminal() {
        let key = secret.expose();
        return print(format!("root API key, shown this once: {key}\n").as_bytes());
    }
    let path = write_key_file(database, secret)?;
    tracing::warn!(path = %path.display(), "made the root API key; read it from this file, then delete the file");
    Ok(())
}
