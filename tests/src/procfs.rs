//! What Linux knows of a process, read from `/proc`.
//!
//! A process that has ended gives `None` (or nothing), never a panic: a test decides what that
//! means.

use std::fs;
use std::path::PathBuf;

fn dir(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}"))
}

/// Resident memory in bytes (`VmRSS`).
pub fn rss_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(dir(pid).join("status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Number of open file descriptors.
pub fn fd_count(pid: u32) -> Option<usize> {
    Some(fs::read_dir(dir(pid).join("fd")).ok()?.count())
}

/// Number of threads.
pub fn thread_count(pid: u32) -> Option<usize> {
    Some(fs::read_dir(dir(pid).join("task")).ok()?.count())
}

/// Number of inotify watches held, over all its inotify descriptors.
pub fn inotify_watches(pid: u32) -> Option<usize> {
    let entries = fs::read_dir(dir(pid).join("fdinfo")).ok()?;
    let texts = entries.flatten().filter_map(|e| fs::read_to_string(e.path()).ok());
    Some(texts.map(|t| t.lines().filter(|l| l.starts_with("inotify wd:")).count()).sum())
}

/// The process and all its descendants that live now, the process first.
pub fn family(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        let Ok(tasks) = fs::read_dir(dir(parent).join("task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|p| p.parse::<u32>().ok()));
        }
    }
    found
}

/// Time on a CPU (user and system) in nanoseconds, summed over the threads that live now.
///
/// Read from each thread's `schedstat`, which counts nanoseconds where `stat` counts ticks of
/// 10 ms. Threads that have ended are not in it; for a server with fixed workers there are none.
pub fn cpu_ns(pid: u32) -> Option<u64> {
    cpu_ns_of(pid, |_| true)
}

/// [`cpu_ns`] of the threads whose name is one of these.
pub fn cpu_ns_of(pid: u32, is_one: impl Fn(&str) -> bool) -> Option<u64> {
    let mut total = 0;
    for task in fs::read_dir(dir(pid).join("task")).ok()?.flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file));
        let (Ok(name), Ok(stat)) = (read("comm"), read("schedstat")) else { continue };
        if is_one(name.trim_end()) {
            total += stat.split_whitespace().next()?.parse::<u64>().ok()?;
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    fn knows_this_process() {
        let me = std::process::id();
        assert!(rss_bytes(me).unwrap() > 100 * 1024);
        assert!(thread_count(me).unwrap() >= 1);
        let probe = fs::File::open("/proc/self/status").unwrap();
        assert!(fd_count(me).unwrap() > 3);
        drop(probe);
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let me = std::process::id();
        let before = cpu_ns(me).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(30) {
            std::hint::black_box(start);
        }
        assert!(cpu_ns(me).unwrap() > before + 1_000_000);
        assert_eq!(cpu_ns_of(me, |name| name == "no such thread"), Some(0));
    }

    #[test]
    fn family_has_the_children() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(family(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(rss_bytes(child.id()), None);
    }
}
