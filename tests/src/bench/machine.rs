//! The facts a figure means nothing without.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The machine the figures were taken on.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Model name of the first CPU.
    pub cpu: String,
    /// CPUs this process may use.
    pub cores: usize,
    /// Kernel release.
    pub kernel: String,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Load average over the last minute, before the bench began: what else was running.
    pub load_before: String,
}

impl Machine {
    /// Reads them from `/proc`.
    pub fn read() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, key: &str| {
            let line = text.lines().find(|l| l.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = value(&read("/proc/meminfo"), "MemTotal");
        let kib = memory.and_then(|m| m.split(' ').next()?.parse::<u64>().ok());
        let unknown = || "unknown".to_owned();
        Self {
            cpu: value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_mib: kib.unwrap_or(0) / 1024,
            load_before: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// First line a program prints for its version flag, on either stream.
pub(super) fn version(program: &PathBuf, flag: &str) -> String {
    let Ok(output) = Command::new(program).arg(flag).output() else { return String::new() };
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}
