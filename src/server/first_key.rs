//! The key that the first caller uses (contract §6): the configuration's, or on an empty database one of our own, shown once.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::api_key::Secret;
use crate::config::Config;
use crate::error::Result;
use crate::store::api_keys::{EnsureApiKey, EnsureRootKey, Ensured};
use crate::store::{Context, Store};

/// Sees to it that somebody can call.
#[derive(Debug)]
pub enum FirstKey {
    /// A key was made, to be shown now or never.
    Made(Secret),
    /// There is one.
    Exists,
}

impl FirstKey {
    /// Ensures the configuration's key; where there is none and no key has ever existed, makes one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn ensure(store: &Store, config: &Config) -> Result<Self> {
        if let Some(secret) = config.bootstrap_api_key.clone() {
            let ensured = store.write(Context::default(), EnsureApiKey { secret }).await?;
            match ensured {
                Ensured::Present => {}
                Ensured::Added => tracing::info!("the API key of ROSTER_BOOTSTRAP_API_KEY was added"),
                Ensured::Revoked => tracing::warn!("the API key of ROSTER_BOOTSTRAP_API_KEY was revoked and stays so"),
            }
            return Ok(Self::Exists);
        }
        let made = store.write(Context::default(), EnsureRootKey).await?;
        Ok(made.map_or(Self::Exists, |made| Self::Made(made.secret)))
    }
}

/// Where a key goes that no terminal can show: beside the database, for its owner's eyes only.
///
/// # Errors
/// When the file cannot be written.
pub fn write_key_file(database: &Path, secret: &Secret) -> std::io::Result<PathBuf> {
    let mut path = database.as_os_str().to_owned();
    path.push(".root-key");
    let path = PathBuf::from(path);
    // One that an earlier database left may have other permissions.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    Ok(path)
}
