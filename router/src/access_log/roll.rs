//! The file of an access log, and when it gives way to a new one.
//!
//! | policy | rolled | name of the old file, for `access.log` |
//! |---|---|---|
//! | `never`, `sighup` | by others, after which it is opened anew | |
//! | `hourly` | with the hour | `access-20261125-13.log` |
//! | `daily` | at midnight | `access-20261125.log` |
//! | `weekly(N)` | at midnight before day N, 1 being Sunday | `access-20261125.log` |
//! | a size | before the line that would exceed it | `access-20261125-131500.log` |
//!
//! Times are local, and a name says when the file was begun, as with Twitter's `FileHandler`. A file
//! that an earlier run has left, of an earlier hour, day or week, is rolled before the first line.
//! A name that is taken gets a number (`access-20261125-13-1.log`): nothing is overwritten. With a
//! rotate count, older files of names like these are removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, Zoned};

use crate::config::{AccessLogConfig, RollPolicy};

/// Names tried for a rolled file before it is left where it is.
const MAX_NAMES: usize = 10_000;

/// When the program opened its first log. A file that has been written since is not emptied by
/// opening it once more, as after a new configuration.
static BEGAN: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

/// The log file.
pub(super) struct LogFile {
    path: PathBuf,
    roll: RollPolicy,
    rotate_count: Option<u32>,
    zone: TimeZone,
    /// None after it could not be written: it is opened anew for the next lines.
    file: Option<File>,
    size: u64,
    begun: Timestamp,
    next: Option<Timestamp>,
}

impl LogFile {
    /// Opens the file, emptied if it is not to be appended to.
    pub(super) fn open(config: &AccessLogConfig, zone: TimeZone) -> io::Result<Self> {
        let began = *BEGAN;
        if !config.append {
            let is_old = |modified: SystemTime| modified < began;
            match fs::metadata(&config.file).and_then(|found| found.modified()) {
                Ok(modified) if is_old(modified) => drop(File::create(&config.file)?),
                _ => {}
            }
        }
        let mut log = LogFile {
            path: config.file.clone(),
            roll: config.roll,
            rotate_count: config.rotate_count,
            zone,
            file: None,
            size: 0,
            begun: Timestamp::now(),
            next: None,
        };
        log.open_by_name()?;
        Ok(log)
    }

    /// Writes whole lines, rolling before and between them as the policy has it.
    pub(super) fn write(&mut self, mut lines: &[u8], now: Timestamp) -> io::Result<()> {
        if self.file.is_none() {
            self.open_by_name()?;
        }
        if self.next.is_some_and(|next| now >= next) {
            self.roll(now)?;
        }
        while !lines.is_empty() {
            let (fitting, rest) = lines.split_at(self.fitting(lines));
            if fitting.is_empty() {
                self.roll(now)?;
                continue;
            }
            let Some(file) = &mut self.file else { return Ok(()) };
            if let Err(error) = file.write_all(fitting) {
                self.file = None;
                return Err(error);
            }
            self.size += fitting.len() as u64;
            lines = rest;
        }
        Ok(())
    }

    /// Opens the file anew by its name, after it has been moved away.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.file = None;
        self.open_by_name()
    }

    /// How many bytes of the lines go into this file. Every file takes one line at least.
    fn fitting(&self, lines: &[u8]) -> usize {
        let RollPolicy::Size(limit) = self.roll else { return lines.len() };
        let mut fitting = 0;
        for end in memchr::memchr_iter(b'\n', lines).map(|at| at + 1) {
            let is_first = self.size == 0 && fitting == 0;
            if !is_first && self.size + end as u64 > limit {
                return fitting;
            }
            fitting = end;
        }
        if fitting == 0 { lines.len() } else { fitting }
    }

    fn open_by_name(&mut self) -> io::Result<()> {
        let file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let found = file.metadata()?;
        self.size = found.len();
        self.begun = match found.modified().ok().and_then(|time| Timestamp::try_from(time).ok()) {
            Some(modified) if found.len() > 0 => modified,
            _ => Timestamp::now(),
        };
        self.next = next_roll(self.roll, &self.begun.to_zoned(self.zone.clone()));
        self.file = Some(file);
        Ok(())
    }

    /// Moves the file away and begins a new one. If another has done that (a second program, or the
    /// log of an earlier configuration), the new one is there already.
    fn roll(&mut self, now: Timestamp) -> io::Result<()> {
        let is_current = self.is_current();
        self.file = None;
        if is_current {
            let rolled = self.free_name().ok_or(io::ErrorKind::AlreadyExists)?;
            fs::rename(&self.path, rolled)?;
        }
        let opened = self.open_by_name();
        if self.size == 0 {
            self.begun = now;
            self.next = next_roll(self.roll, &now.to_zoned(self.zone.clone()));
        }
        if is_current {
            self.remove_old();
        }
        opened
    }

    fn is_current(&self) -> bool {
        let identity = |found: fs::Metadata| (found.dev(), found.ino());
        let own = self.file.as_ref().and_then(|file| file.metadata().ok()).map(identity);
        own.is_some() && own == fs::metadata(&self.path).ok().map(identity)
    }

    fn free_name(&self) -> Option<PathBuf> {
        let format = match self.roll {
            RollPolicy::Hourly => "%Y%m%d-%H",
            RollPolicy::Daily | RollPolicy::Weekly(_) => "%Y%m%d",
            RollPolicy::Size(_) | RollPolicy::Never | RollPolicy::Sighup => "%Y%m%d-%H%M%S",
        };
        let begun = self.begun.to_zoned(self.zone.clone()).strftime(format).to_string();
        let (stem, extension) = self.parts();
        let name = |suffix: &str| self.path.with_file_name(format!("{stem}-{suffix}{extension}"));
        let numbered = (1..MAX_NAMES).map(|number| name(&format!("{begun}-{number}")));
        std::iter::once(name(&begun))
            .chain(numbered)
            .find(|name| matches!(name.try_exists(), Ok(false)))
    }

    /// The name of the file without its extension, and the extension with its dot.
    fn parts(&self) -> (String, String) {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match name.rfind('.') {
            Some(dot) if dot > 0 => (name[..dot].to_owned(), name[dot..].to_owned()),
            _ => (name, String::new()),
        }
    }

    /// Removes rolled files, the oldest first, beyond the count.
    fn remove_old(&self) {
        let Some(keep) = self.rotate_count else { return };
        let (stem, extension) = self.parts();
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let Ok(entries) = fs::read_dir(parent.unwrap_or(Path::new("."))) else { return };
        let mut rolled: Vec<_> = entries
            .flatten()
            .filter(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let suffix = name.strip_prefix(&stem).and_then(|n| n.strip_suffix(&extension));
                suffix.and_then(|suffix| suffix.strip_prefix('-')).is_some_and(is_suffix)
            })
            .map(|entry| (entry.metadata().and_then(|m| m.modified()).ok(), entry.path()))
            .collect();
        rolled.sort();
        let surplus = rolled.len().saturating_sub(keep as usize);
        for (_, path) in rolled.into_iter().take(surplus) {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(file = %path.display(), %error, "cannot remove an old access log");
            }
        }
    }
}

/// Whether rolled files have such a suffix: a date, and perhaps a time and a number.
fn is_suffix(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('-');
    parts.next().is_some_and(|date| date.len() == 8 && is_digits(date)) && parts.all(is_digits)
}

/// When a file begun at this time is rolled.
fn next_roll(policy: RollPolicy, begun: &Zoned) -> Option<Timestamp> {
    let day = || begun.start_of_day().ok();
    let after = |start: Zoned, span: Span| start.checked_add(span).ok();
    let next = match policy {
        RollPolicy::Never | RollPolicy::Sighup | RollPolicy::Size(_) => None,
        RollPolicy::Hourly => {
            let hour = begun.with().minute(0).second(0).subsec_nanosecond(0).build().ok();
            hour.and_then(|hour| after(hour, 1.hour()))
        }
        RollPolicy::Daily => day().and_then(|day| after(day, 1.day())),
        RollPolicy::Weekly(weekday) => day().and_then(|day| {
            let today = day.weekday().to_sunday_one_offset();
            let days = (i64::from(weekday) - i64::from(today)).rem_euclid(7);
            let midnight = after(day, (if days == 0 { 7 } else { days }).days())?;
            midnight.start_of_day().ok()
        }),
    };
    next.map(|next| next.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AccessLogFormat;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Berlin's time zone.
    fn zone() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn next(policy: RollPolicy, begun: &str) -> String {
        let next = next_roll(policy, &at(begun).to_zoned(zone())).unwrap();
        next.to_zoned(zone()).strftime("%a %F %T").to_string()
    }

    #[test]
    fn a_file_is_rolled_with_the_hour_day_or_week_of_the_local_time() {
        let wednesday = "2026-11-25T13:15:30+01:00";
        assert_eq!(next(RollPolicy::Hourly, wednesday), "Wed 2026-11-25 14:00:00");
        assert_eq!(next(RollPolicy::Daily, wednesday), "Thu 2026-11-26 00:00:00");
        assert_eq!(next(RollPolicy::Weekly(1), wednesday), "Sun 2026-11-29 00:00:00");
        assert_eq!(next(RollPolicy::Weekly(4), wednesday), "Wed 2026-12-02 00:00:00");
        // The day on which clocks go back has 25 hours.
        let long = "2026-10-25T01:30:00+02:00";
        assert_eq!(next(RollPolicy::Daily, long), "Mon 2026-10-26 00:00:00");
        for policy in [RollPolicy::Never, RollPolicy::Sighup, RollPolicy::Size(1)] {
            assert_eq!(next_roll(policy, &at(wednesday).to_zoned(zone())), None);
        }
    }

    struct Dir(tempfile::TempDir);

    impl Dir {
        fn new() -> Self {
            Dir(tempfile::tempdir().unwrap())
        }

        fn config(&self, roll: RollPolicy) -> AccessLogConfig {
            AccessLogConfig {
                file: self.0.path().join("access.log"),
                roll,
                append: true,
                rotate_count: None,
                format: AccessLogFormat::Common,
            }
        }

        /// Every file with its content, in the order of names.
        fn files(&self) -> Vec<(String, String)> {
            let mut files: Vec<_> = fs::read_dir(self.0.path())
                .unwrap()
                .map(|entry| {
                    let entry = entry.unwrap();
                    let name = entry.file_name().to_string_lossy().into_owned();
                    (name, fs::read_to_string(entry.path()).unwrap())
                })
                .collect();
            files.sort();
            files
        }
    }

    fn files(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn open(config: &AccessLogConfig) -> LogFile {
        LogFile::open(config, TimeZone::UTC).unwrap()
    }

    #[test]
    fn a_rolled_file_is_named_by_when_it_was_begun() {
        let dir = Dir::new();
        let mut log = open(&dir.config(RollPolicy::Hourly));
        let begun = at("2026-11-25T13:15:30Z");
        log.begun = begun;
        log.next = next_roll(RollPolicy::Hourly, &begun.to_zoned(TimeZone::UTC));
        log.write(b"one\n", begun).unwrap();
        log.write(b"two\n", at("2026-11-25T14:00:00Z")).unwrap();
        log.write(b"three\n", at("2026-11-25T14:59:59Z")).unwrap();
        log.write(b"four\n", at("2026-11-25T17:00:00Z")).unwrap();
        assert_eq!(
            dir.files(),
            files(&[
                ("access-20261125-13.log", "one\n"),
                ("access-20261125-14.log", "two\nthree\n"),
                ("access.log", "four\n"),
            ])
        );
    }

    #[test]
    fn a_file_of_an_earlier_day_is_rolled_before_the_first_line() {
        let dir = Dir::new();
        let config = dir.config(RollPolicy::Daily);
        fs::write(&config.file, "old\n").unwrap();
        let old = at("2026-11-24T22:00:00Z");
        File::options().write(true).open(&config.file).unwrap().set_modified(old.into()).unwrap();
        open(&config).write(b"new\n", at("2026-11-25T00:30:00Z")).unwrap();
        let expected = [("access-20261124.log", "old\n"), ("access.log", "new\n")];
        assert_eq!(dir.files(), files(&expected));
    }

    #[test]
    fn a_size_is_kept_between_lines_and_what_is_there_already_counts() {
        let dir = Dir::new();
        let config = AccessLogConfig { rotate_count: Some(2), ..dir.config(RollPolicy::Size(8)) };
        fs::write(&config.file, "12345\n").unwrap();
        let mut log = open(&config);
        let now = at("2026-11-25T13:15:30Z");
        log.begun = now;
        log.write(b"abc\ndef\nghi\na line longer than all\n", now).unwrap();
        // Of four rolled files, two are kept.
        let names: Vec<_> = dir.files().into_iter().collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(names[2], ("access.log".to_owned(), "a line longer than all\n".to_owned()));
        assert!(names.contains(&("access-20261125-131530-1.log".into(), "abc\ndef\n".into())));
        assert!(names.contains(&("access-20261125-131530-2.log".into(), "ghi\n".into())));
    }

    #[test]
    fn only_files_of_the_logs_own_names_are_removed() {
        for name in ["20261125", "20261125-13", "20261125-131530-12"] {
            assert!(is_suffix(name), "{name}");
        }
        for name in ["", "old", "2026", "20261125-", "20261125-x", "20261125x"] {
            assert!(!is_suffix(name), "{name}");
        }
    }

    #[test]
    fn a_file_that_was_moved_away_is_left_alone_and_begun_anew() {
        let dir = Dir::new();
        let config = dir.config(RollPolicy::Sighup);
        let mut log = open(&config);
        log.write(b"one\n", Timestamp::now()).unwrap();
        fs::rename(&config.file, dir.0.path().join("access.log.1")).unwrap();
        log.write(b"two\n", Timestamp::now()).unwrap();
        log.reopen().unwrap();
        log.write(b"three\n", Timestamp::now()).unwrap();
        assert_eq!(
            dir.files(),
            files(&[("access.log", "three\n"), ("access.log.1", "one\ntwo\n")])
        );
    }

    #[test]
    fn two_logs_of_one_file_roll_it_once() {
        let dir = Dir::new();
        let config = dir.config(RollPolicy::Hourly);
        let (mut old, mut new) = (open(&config), open(&config));
        let begun = at("2026-11-25T13:15:30Z");
        for log in [&mut old, &mut new] {
            log.begun = begun;
            log.next = next_roll(RollPolicy::Hourly, &begun.to_zoned(TimeZone::UTC));
            log.write(b"before\n", begun).unwrap();
        }
        let later = at("2026-11-25T14:00:01Z");
        old.write(b"after\n", later).unwrap();
        new.write(b"after\n", later).unwrap();
        assert_eq!(
            dir.files(),
            files(&[
                ("access-20261125-13.log", "before\nbefore\n"),
                ("access.log", "after\nafter\n"),
            ])
        );
    }

    #[test]
    fn a_file_is_emptied_once_by_a_run_that_does_not_append() {
        let dir = Dir::new();
        let config = AccessLogConfig { append: false, ..dir.config(RollPolicy::Never) };
        fs::write(&config.file, "an earlier run\n").unwrap();
        let old = at("2026-11-24T22:00:00Z");
        File::options().write(true).open(&config.file).unwrap().set_modified(old.into()).unwrap();
        open(&config).write(b"one\n", Timestamp::now()).unwrap();
        // A new configuration opens it once more.
        open(&config).write(b"two\n", Timestamp::now()).unwrap();
        assert_eq!(dir.files(), files(&[("access.log", "one\ntwo\n")]));
    }

    #[test]
    fn after_an_error_the_file_is_opened_anew() {
        let dir = Dir::new();
        let folder = dir.0.path().join("logs");
        fs::create_dir(&folder).unwrap();
        let config =
            AccessLogConfig { file: folder.join("a.log"), ..dir.config(RollPolicy::Sighup) };
        let mut log = open(&config);
        fs::remove_dir_all(&folder).unwrap();
        assert!(log.reopen().is_err());
        assert!(log.write(b"lost\n", Timestamp::now()).is_err());
        fs::create_dir(&folder).unwrap();
        log.write(b"kept\n", Timestamp::now()).unwrap();
        assert_eq!(fs::read_to_string(&config.file).unwrap(), "kept\n");
    }
}
