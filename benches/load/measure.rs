//! Processor time and proportional memory of a server's processes, from /proc.

use std::{fs, time::Duration};

use anyhow::Context as _;

/// A server with all its child processes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    /// The process that was started.
    pub(crate) id: u32,
}

/// A clock tick of /proc/PID/stat: USER_HZ is 100 on every Linux that programs see.
const TICK: Duration = Duration::from_millis(10);

impl Process {
    /// User and system time since the start, in steps of 10 ms.
    pub(crate) fn cpu(self) -> Duration {
        let ticks: u32 = self.family().into_iter().filter_map(ticks).sum();
        TICK * ticks
    }

    /// Memory in proportion (PSS) in bytes: what several processes share counts once.
    pub(crate) fn memory(self) -> u64 {
        self.family()
            .into_iter()
            .filter_map(|id| octets(id, "smaps_rollup", "Pss:"))
            .sum()
    }

    /// Resident memory of the process alone, in bytes: the most since this was asked last, and the peak is counted anew.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn peak(self) -> anyhow::Result<u64> {
        let peak = octets(self.id, "status", "VmHWM:").context("no peak of the server's memory")?;
        fs::write(format!("/proc/{}/clear_refs", self.id), "5")
            .context("the peak of the server's memory cannot be reset")?;
        Ok(peak)
    }

    /// The process and its descendants.
    fn family(self) -> Vec<u32> {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|id: u32| Some((id, stat(id)?.get(1)?.parse().ok()?)))
            .collect();
        let mut family = vec![self.id];
        let mut next = 0;
        while let Some(&parent) = family.get(next) {
            family.extend(
                parents
                    .iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(id, _)| *id),
            );
            next += 1;
        }
        family
    }
}

/// The fields after the program's name, which may hold spaces; the first is the state.
fn stat(id: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn ticks(id: u32) -> Option<u32> {
    let fields = stat(id)?;
    let field = |index: usize| fields.get(index)?.parse::<u32>().ok();
    Some(field(11)? + field(12)?)
}

fn octets(id: u32, file: &str, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kibibytes * 1024)
}
