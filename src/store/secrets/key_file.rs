//! The file with the master key, beside an SQLite database: 64 hexadecimal digits, for its owner's eyes only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::clock;
use crate::secret_key::MasterKey;

/// The master key that the file holds; `None`: there is no file.
///
/// # Errors
/// When it cannot be read, or holds something else.
pub fn read(path: &Path) -> io::Result<Option<MasterKey>> {
    match fs::read(path) {
        Ok(bytes) => {
            let master = std::str::from_utf8(&bytes).ok().and_then(|text| MasterKey::parse(text.trim_end()));
            master.map(Some).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it does not hold 64 hexadecimal digits"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the file, whole and on disk; where another process was faster, its key counts.
pub(super) fn make(path: &Path) -> io::Result<MasterKey> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(format!(".{:016x}.partial", u64::from_be_bytes(clock::random())));
    let partial = Partial(partial.into());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial.0)?;
    writeln!(file, "{}", MasterKey::generate().expose())?;
    file.sync_all()?;
    // A link fails where a rename would put ours in the place of a key that has come, and may be in use.
    match fs::hard_link(&partial.0, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    drop(partial);
    keep(path)?;
    read(path)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it leads nowhere"))
}

/// Sees to it that the file is there after a power cut, too: whoever made it may not have come that far.
pub(super) fn keep(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    File::open(path.parent().unwrap_or(&path)).and_then(|directory| directory.sync_all())
}

/// What becomes the file; it goes when this does.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn many_that_make_it_at_once_have_the_same_key_and_leave_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("roster.db.key");
        assert!(read(&path).unwrap().is_none());
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| make(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(made.iter().all(|key| *key == made[0]));
        assert_eq!(read(&path).unwrap(), Some(made[0].clone()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_is_told_without_being_shown_and_left_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in ["", "hunter2", &"0".repeat(65)] {
            fs::write(file.path(), text).unwrap();
            for error in [read(file.path()).unwrap_err(), make(file.path()).unwrap_err()] {
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
    }
}
