//! A copy of the database as it is at one moment, while others go on reading and writing.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::engine;
use super::secrets::Secrets;
use super::verify::{Progress, Report, VerifyError, verify};
use crate::config::Config;
use crate::error::Error;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is not in a file.
    #[error("roster backup copies SQLite databases; use pg_dump for PostgreSQL")]
    NoFile,
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
/// When there is no good copy; then there is no file, unless only the directory could not be told to keep it.
pub async fn backup(config: &Config, to: &Path, progress: Progress<'_>) -> Result<Report, BackupError> {
    if !engine::inspect::can_copy(config) {
        return Err(BackupError::NoFile);
    }
    let failed = |cause| BackupError::File { path: to.to_owned(), cause };
    // From the root, since the database's engine takes some relative names for something else than a name.
    let file = std::path::absolute(to).map_err(failed)?;
    if file.to_str().is_none() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "its name is not UTF-8")));
    }
    // A link that leads nowhere is in the way too.
    if file.symlink_metadata().is_ok() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let partial = Partial::claim(&file)?;
    let report = copy(config, &partial.path, progress).await?;
    // A link fails where a rename would put the copy in the place of a file that has come in the meantime.
    let kept = File::open(&partial.path).and_then(|copy| copy.sync_all());
    kept.and_then(|()| fs::hard_link(&partial.path, &file)).map_err(failed)?;
    drop(partial);
    let directory = file.parent().unwrap_or(&file);
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(report)
}

async fn copy(config: &Config, partial: &Path, progress: Progress<'_>) -> Result<Report, BackupError> {
    progress("copying", 0);
    let connection = engine::inspect::open(config).await.map_err(VerifyError::from)?;
    let copied = engine::inspect::copy(&connection, partial).await;
    copied.map_err(|cause| BackupError::File { path: partial.to_owned(), cause: io::Error::other(cause) })?;
    connection.close().await.map_err(|error| VerifyError::from(Error::from(error)))?;
    // The file with the master key lies beside the database, not beside the copy.
    let master = Secrets::of(config).master().ok().cloned();
    let report = verify(&Config { secret_key: master, ..config.of_file(partial) }, progress).await?;
    match report.faults() {
        0 => Ok(report),
        faults => Err(BackupError::Faults(faults)),
    }
}

/// The copy while it is made; it goes when this does. Its lock tells it from what a process left that was killed.
struct Partial {
    path: PathBuf,
    _lock: File,
}

impl Partial {
    /// An empty one beside the file.
    fn claim(file: &Path) -> Result<Self, BackupError> {
        let path = with_end(file, ".roster-partial");
        match claim(&path) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(cause) => Err(BackupError::File { path, cause }),
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        drop(remove(&self.path));
    }
}

/// Makes the file, in the place of one that nobody writes to.
fn claim(path: &Path) -> io::Result<File> {
    let taken = || io::Error::new(io::ErrorKind::AlreadyExists, "another backup writes to it");
    loop {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(made) => {
                lock(&made, taken)?;
                // Until it was locked it could be taken for a file that somebody left.
                let (own, there) = (made.metadata()?, path.symlink_metadata());
                return if there.is_ok_and(|there| there.ino() == own.ino()) { Ok(made) } else { Err(taken()) };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Held until it is gone, so that nobody else takes what comes after it for what was left.
                let left = File::open(path)?;
                lock(&left, taken)?;
                remove(path)?;
            }
            Err(error) => return Err(error),
        }
    }
}

fn lock(file: &File, taken: impl Fn() -> io::Error) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => taken(),
        TryLockError::Error(error) => error,
    })
}

/// Removes the copy and what SQLite may have put beside it.
fn remove(partial: &Path) -> io::Result<()> {
    for end in ["-journal", "-wal", "-shm"] {
        drop(fs::remove_file(with_end(partial, end)));
    }
    fs::remove_file(partial)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    PathBuf::from(path)
}
