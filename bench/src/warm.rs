//! Databases that are in memory, as far as they fit, as they are where a server has run for a while: what is read from a disk for the
//! first time says nothing of the server, and Linux drops what nobody has used while others were measured.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::Result;

/// Reads the file, or all files of the directory, to their ends.
pub(crate) fn warm(path: &Path) -> Result<()> {
    let read = if path.is_dir() {
        fs::read_dir(path)?.try_for_each(|entry| warm(&entry?.path()))
    } else {
        File::open(path).and_then(|mut file| io::copy(&mut file, &mut io::sink())).map(drop).map_err(Into::into)
    };
    match read {
        // A server may remove what it needs no more.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::NotFound) => Ok(()),
        read => read,
    }
}
