//! A slower disk: what is loaded before the C library to let every fsync wait for a millisecond.

use std::fs;
use std::process::Command;

use crate::Result;
use crate::process::output;
use crate::stage::Stage;

const SOURCE: &str = include_str!("../slowsync.c");
const MICROSECONDS: u32 = 1_000;

/// What a process has in its environment to be slowed; `None`: there is no C compiler.
pub(crate) fn variables(stage: &Stage) -> Result<Option<Vec<(&'static str, String)>>> {
    if Command::new("cc").arg("--version").output().is_err() {
        return Ok(None);
    }
    let (source, library) = (stage.file("slowsync.c"), stage.file("slowsync.so"));
    fs::write(&source, SOURCE)?;
    output(Command::new("cc").args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(&source).arg("-ldl"))?;
    Ok(Some(vec![("LD_PRELOAD", library.display().to_string()), ("SLOWSYNC_US", MICROSECONDS.to_string())]))
}
