//! What processes use, as Linux has it under `/proc`.

use std::fs;
use std::time::Duration;

use crate::Result;

/// How long a tick of the kernel's accounts is, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// The processor time that the process and, if asked for, its children have had.
pub(crate) fn cpu(process: u32, with_children: bool) -> Result<Duration> {
    let mut ticks = ticks_of(process)?;
    if with_children {
        for child in children(process)? {
            // One that has just ended had little.
            ticks += ticks_of(child).unwrap_or_default();
        }
    }
    Ok(TICK * u32::try_from(ticks)?)
}

/// The fields of `/proc/PID/stat` behind the name, which may have spaces.
fn stat(process: u32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("a stat without a name")?;
    Ok(fields.split_whitespace().map(ToOwned::to_owned).collect())
}

fn ticks_of(process: u32) -> Result<u64> {
    let fields = stat(process)?;
    let field = |index: usize| -> Result<u64> { Ok(fields.get(index).ok_or("a short stat")?.parse()?) };
    Ok(field(11)? + field(12)?)
}

fn children(process: u32) -> Result<Vec<u32>> {
    let ids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let parent = process.to_string();
    Ok(ids.filter(|id| stat(*id).is_ok_and(|fields| fields.get(1) == Some(&parent))).collect())
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// All that is in memory (`VmRSS`).
    pub(crate) resident: u64,
    /// What of it is not a file's (`RssAnon`).
    pub(crate) anonymous: u64,
}

/// What a process has in memory now.
pub(crate) fn memory(process: u32) -> Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let field = |name: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("a status without memory")?;
        let kilobytes: u64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024)
    };
    Ok(Memory { resident: field("VmRSS")?, anonymous: field("RssAnon")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_time() {
        let memory = memory(std::process::id()).unwrap();
        assert!(memory.resident >= memory.anonymous && memory.anonymous > 0, "{memory:?}");
        cpu(std::process::id(), true).unwrap();
    }
}
