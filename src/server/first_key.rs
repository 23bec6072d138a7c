//! The key that the first caller uses (contract §6): the configuration's, or on an empty database one of our own, shown once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::api_key::Secret;
use crate::config::Config;
use crate::error::{Cause, Result};
use crate::store::api_keys::{EnsureApiKey, EnsureRootKey, Ensured, HandOver};
use crate::store::{Context, Store};

/// Sees to it that somebody can call: ensures the configuration's key; where there is none and no key has ever existed, makes
/// one and hands it over; without a way to do that, says how one is made.
///
/// # Errors
/// Those of the store, and [`crate::error::Error::Internal`] with the cause when the key could not be handed over.
pub async fn ensure_first_key(store: &Store, config: &Config, hand_over: Option<HandOver>) -> Result<()> {
    let Some(secret) = config.bootstrap_api_key.clone() else {
        return match hand_over {
            Some(hand_over) => store.write(Context::default(), EnsureRootKey(hand_over)).await,
            None if store.has_api_keys().await? => Ok(()),
            None => {
                tracing::warn!("nobody can call yet: make an API key with roster keys create --name root --scopes '*'");
                Ok(())
            }
        };
    };
    match store.write(Context::default(), EnsureApiKey { secret }).await? {
        Ensured::Present => {}
        Ensured::Added => tracing::info!("the API key of ROSTER_BOOTSTRAP_API_KEY was added"),
        Ensured::RotatedAway => tracing::warn!("the API key of ROSTER_BOOTSTRAP_API_KEY was rotated away and is refused"),
        Ensured::Revoked => tracing::warn!("the API key of ROSTER_BOOTSTRAP_API_KEY was revoked and stays so"),
    }
    Ok(())
}

/// Where a key goes that no terminal can show: beside the database, for its owner's eyes only.
///
/// # Errors
/// When the file cannot be written; the path is part of the message.
pub fn write_key_file(database: &Path, secret: &Secret) -> Result<PathBuf, Cause> {
    let mut path = database.as_os_str().to_owned();
    path.push(".root-key");
    let path = PathBuf::from(path);
    replace(&path, secret.expose()).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(path)
}

/// Writes a file that only its owner can read; one that an earlier database left may have other permissions.
fn replace(path: &Path, line: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{line}")?;
    file.sync_all()
}
