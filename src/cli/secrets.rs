//! `roster secrets`: the keys of what is encrypted at rest, on the database itself, also beside serving processes.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, Subcommand};

use super::{Failure, print, verify};
use crate::clock::Clock;
use crate::config::Config;
use crate::secret_key::MasterKey;
use crate::store::Store;
use crate::store::secrets::{Rotation, read_key_file};

/// How many rows pass between two lines of the log.
const STEP: u64 = 10_000;

#[derive(Debug, Subcommand)]
pub(super) enum Secrets {
    /// Encrypt everything anew with a new data key, and delete the old ones
    #[command(after_help = ORDER)]
    Rotate(Rotate),
}

/// What is asked of `roster secrets rotate`.
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// A file of 64 hexadecimal digits: a new master key, which may open everything from then on, beside the one in use
    #[arg(long, value_name = "FILE")]
    new_master_key_file: Option<PathBuf>,
    /// Go back on a new master key: from then on only the one in use opens anything
    #[arg(long, conflicts_with = "new_master_key_file")]
    forget_newer_master_key: bool,
}

const ORDER: &str = "\
It can be cut off and run again. Serving processes need no restart.

To replace the master key, in this order:
  1. (umask 077; openssl rand -hex 32 > new.key)
  2. roster secrets rotate --new-master-key-file new.key
  3. give every server the new key, in ROSTER_SECRET_KEY or as the file beside the database, and start it again, one by one
  4. roster secrets rotate                        with the new key: from then on the old one opens nothing";

/// Runs the command.
pub(super) async fn run(secrets: Secrets, config: &Config) -> Result<(), Failure> {
    let Secrets::Rotate(rotate) = secrets;
    let new_master = rotate.new_master_key_file.as_deref().map(master_key).transpose()?;
    let rotation = Rotation { new_master, forget_newer: rotate.forget_newer_master_key };
    let store = Store::open(config, Clock::default()).await?;
    let told = AtomicU64::new(0);
    let rotated = store.rotate_secrets(&rotation, &|done, total| tell(done, total, &told)).await;
    store.close().await;
    verify::clear();
    let rotated = rotated?;
    let (rows, deleted) = (rotated.rows, rotated.deleted);
    print(format!("rotated: 1 new key, {rows} rows re-encrypted, {deleted} old keys deleted\n").as_bytes())?;
    match rotated.left {
        0 => Ok(()),
        left => Err(format!("{left} rows do not open and were left as they are: run roster verify").into()),
    }
}

fn master_key(path: &Path) -> Result<MasterKey, Failure> {
    let read = read_key_file(path).and_then(|key| key.ok_or_else(|| io::ErrorKind::NotFound.into()));
    Ok(read.map_err(|error| format!("cannot read the master key in {}: {error}", path.display()))?)
}

/// One line that changes, where somebody looks; elsewhere a line now and then.
fn tell(done: u64, total: u64, told: &AtomicU64) {
    if io::stderr().is_terminal() {
        drop(write!(io::stderr(), "\r\x1b[K{done} of {total} rows"));
    } else if told.swap(done / STEP, Ordering::Relaxed) < done / STEP {
        tracing::info!(done, total, "encrypting anew");
    }
}
