//! A copy of the database as it is at one moment, while others go on reading and writing.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::engine;
use super::verify::{Progress, Report, VerifyError, verify};
use crate::config::Config;
use crate::error::Error;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file is there, or cannot be written.
    #[error("cannot write {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The database cannot be read, or the copy cannot.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The copy has faults, which the database must have too.
    #[error("the copy has {0} faults and was removed: run roster verify on the database")]
    Faults(u64),
}

/// Copies the database to a file that is not there yet, readable by its owner alone, and verifies the copy. The file appears
/// under its name once it is whole and on disk.
///
/// # Errors
/// When there is no good copy; then there is no file.
pub async fn backup(config: &Config, to: &Path, progress: Progress<'_>) -> Result<Report, BackupError> {
    let failed = |cause| BackupError::File { path: to.to_owned(), cause };
    if to.exists() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = copy(config, &partial, progress).await;
    let report = match copied {
        Ok(report) => report,
        Err(error) => {
            remove(&partial);
            return Err(error);
        }
    };
    let kept = File::open(&partial).and_then(|file| file.sync_all());
    // A link fails where a rename would put the copy in the place of a file that has come in the meantime.
    kept.and_then(|()| fs::hard_link(&partial, to)).map_err(failed)?;
    remove(&partial);
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(report)
}

async fn copy(config: &Config, partial: &Path, progress: Progress<'_>) -> Result<Report, BackupError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial);
    made.map_err(|cause| BackupError::File { path: partial.to_owned(), cause })?;
    progress("copying", 0);
    let connection = engine::inspect::open(config).await.map_err(VerifyError::from)?;
    let copied = engine::inspect::copy(&connection, partial).await;
    copied.map_err(|cause| BackupError::File { path: partial.to_owned(), cause: io::Error::other(cause) })?;
    connection.close().await.map_err(|error| VerifyError::from(Error::from(error)))?;
    let report = verify(&config.of_file(partial), progress).await?;
    match report.faults() {
        0 => Ok(report),
        faults => Err(BackupError::Faults(faults)),
    }
}

/// The copy and what SQLite may have put beside it.
fn remove(partial: &Path) {
    for end in ["", "-journal", "-wal", "-shm"] {
        let mut path = partial.as_os_str().to_owned();
        path.push(end);
        drop(fs::remove_file(path));
    }
}
