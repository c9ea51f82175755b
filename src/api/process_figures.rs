//! Figures of the process for the metrics, under the names that Prometheus' client libraries give them.

use std::{sync::OnceLock, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// A gauge or counter of the process: name, meaning, type, value.
pub(super) type Figure = (&'static str, &'static str, &'static str, f64);

/// The figures that this system can tell. `age` is the time since the server's start.
pub(super) fn figures(age: Duration) -> Vec<Figure> {
    // Computed once: the system's clock may be set meanwhile, and the process has not restarted then.
    static START: OnceLock<f64> = OnceLock::new();
    let start = START.get_or_init(|| {
        let age = SignedDuration::try_from(age).unwrap_or_default();
        (Timestamp::now() - age).as_millisecond() as f64 / 1e3
    });
    let (gauge, counter) = ("gauge", "counter");
    let figures = [
        (
            "process_cpu_seconds_total",
            "Processor time of all threads.",
            counter,
            cpu_seconds(),
        ),
        (
            "process_resident_memory_bytes",
            "Memory in use.",
            gauge,
            resident_memory(),
        ),
        (
            "process_open_fds",
            "Open file descriptors.",
            gauge,
            open_descriptors(),
        ),
        (
            "process_max_fds",
            "The limit of open file descriptors.",
            gauge,
            descriptor_limit(),
        ),
        (
            "process_start_time_seconds",
            "When the process started, in seconds since 1970.",
            gauge,
            Some(*start),
        ),
    ];
    let known = figures.into_iter();
    known
        .filter_map(|(name, meaning, kind, value)| Some((name, meaning, kind, value?)))
        .collect()
}

#[cfg(target_os = "linux")]
fn cpu_seconds() -> Option<f64> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

#[cfg(target_os = "linux")]
fn resident_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(target_os = "linux")]
fn open_descriptors() -> Option<f64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

#[cfg(target_os = "linux")]
fn descriptor_limit() -> Option<f64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map(|limit| limit as f64)
}

#[cfg(not(target_os = "linux"))]
fn cpu_seconds() -> Option<f64> {
    None
}

#[cfg(not(target_os = "linux"))]
fn resident_memory() -> Option<f64> {
    None
}

#[cfg(not(target_os = "linux"))]
fn open_descriptors() -> Option<f64> {
    None
}

#[cfg(not(target_os = "linux"))]
fn descriptor_limit() -> Option<f64> {
    None
}
