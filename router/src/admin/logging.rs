//! Log levels that can be changed while the program runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload::Handle;

/// The most loggers that are given a level of their own.
const MAX_LOGGERS: usize = 256;

/// The levels in force, by logger (a module path, such as `router::namer`), and how to change
/// them.
pub struct LogLevels {
    root: Mutex<LevelFilter>,
    loggers: Mutex<BTreeMap<String, LevelFilter>>,
    /// Directives that are more than a logger and its level; they stay as they are.
    others: Vec<String>,
    apply: Box<dyn Fn(EnvFilter) + Send + Sync>,
}

impl LogLevels {
    /// `directives` are those in force, such as `warn,router::namer=debug`; changes go to the
    /// filter behind `handle`.
    pub fn new<S: 'static>(directives: &str, handle: Handle<EnvFilter, S>) -> Self {
        // What a filter lets through without a level of its own.
        let mut root = LevelFilter::ERROR;
        let mut loggers = BTreeMap::new();
        let mut others = Vec::new();
        for directive in directives.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let pair = directive.split_once('=').filter(|(logger, _)| is_logger(logger));
            match (directive.parse(), pair.map(|(logger, level)| (logger, level.parse()))) {
                (Ok(level), _) => root = level,
                (_, Some((logger, Ok(level)))) => {
                    loggers.insert(logger.to_owned(), level);
                }
                _ => others.push(directive.to_owned()),
            }
        }
        let apply = Box::new(move |filter| {
            // It fails only when the subscriber has gone, and then there is nobody to tell.
            let _ = handle.reload(filter);
        });
        LogLevels { root: Mutex::new(root), loggers: Mutex::new(loggers), others, apply }
    }

    /// Sets a level; `root` stands for everything that has none of its own. Unknown levels and
    /// names that no logger can have are passed over, as in Linkerd.
    pub fn set(&self, logger: &str, level: &str) {
        let Some(level) = parse_level(level) else { return };
        if !is_logger(logger) {
            return;
        }
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        let mut loggers = self.loggers.lock().unwrap_or_else(PoisonError::into_inner);
        if logger == "root" {
            *root = level;
        } else if loggers.contains_key(logger) || loggers.len() < MAX_LOGGERS {
            loggers.insert(logger.to_owned(), level);
        }
        let mut directives = root.to_string();
        for (logger, level) in &*loggers {
            directives.push_str(&format!(",{logger}={level}"));
        }
        for other in &self.others {
            directives.push_str(&format!(",{other}"));
        }
        (self.apply)(EnvFilter::new(directives));
    }

    /// `[{"logger": "root", "level": "INFO"}, …]`.
    pub fn to_json(&self) -> Value {
        let root = *self.root.lock().unwrap_or_else(PoisonError::into_inner);
        let loggers = self.loggers.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = |logger: &str, level| json!({ "logger": logger, "level": level_name(level) });
        std::iter::once(shown("root", root))
            .chain(loggers.iter().map(|(logger, level)| shown(logger, *level)))
            .collect()
    }
}

impl fmt::Debug for LogLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogLevels({})", self.to_json())
    }
}

fn is_logger(name: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    (1..=200).contains(&name.len()) && name.chars().all(is_name)
}

/// Linkerd's name of a level.
fn level_name(level: LevelFilter) -> &'static str {
    match level.into_level() {
        None => "OFF",
        Some(tracing::Level::ERROR) => "ERROR",
        Some(tracing::Level::WARN) => "WARNING",
        Some(tracing::Level::INFO) => "INFO",
        Some(tracing::Level::DEBUG) => "DEBUG",
        Some(tracing::Level::TRACE) => "TRACE",
    }
}

/// Linkerd's names of levels, and ours.
fn parse_level(name: &str) -> Option<LevelFilter> {
    Some(match name.to_ascii_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "FATAL" | "CRITICAL" | "ERROR" => LevelFilter::ERROR,
        "WARNING" | "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        "TRACE" | "ALL" => LevelFilter::TRACE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_set_and_shown_and_nonsense_is_passed_over() {
        let (_filter, handle) =
            tracing_subscriber::reload::Layer::<_, tracing_subscriber::Registry>::new(
                EnvFilter::new("info"),
            );
        let levels = LogLevels::new("info", handle.clone());
        levels.set("root", "warning");
        levels.set("router::namer", "ALL");
        levels.set("root", "loud");
        levels.set("a=b,c", "debug");
        assert_eq!(
            levels.to_json(),
            json!([
                { "logger": "root", "level": "WARNING" },
                { "logger": "router::namer", "level": "TRACE" },
            ])
        );
        let filter = handle.with_current(ToString::to_string).unwrap();
        assert_eq!(filter, "router::namer=trace,warn");
    }

    #[test]
    fn every_level_of_linkerd_is_known() {
        let names =
            ["OFF", "FATAL", "CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG", "TRACE", "ALL"];
        let shown: Vec<_> =
            names.iter().map(|name| level_name(parse_level(name).unwrap())).collect();
        assert_eq!(
            shown,
            ["OFF", "ERROR", "ERROR", "ERROR", "WARNING", "INFO", "DEBUG", "TRACE", "TRACE"]
        );
    }

    #[test]
    fn what_was_asked_for_at_the_start_stays_in_force() {
        let given = "warn,router::naming=debug,[span{key=1,other=2}]=trace";
        let (_filter, handle) =
            tracing_subscriber::reload::Layer::<_, tracing_subscriber::Registry>::new(
                EnvFilter::new(given),
            );
        let levels = LogLevels::new(given, handle.clone());
        let now = || handle.with_current(ToString::to_string).unwrap();
        let before = now();
        levels.set("root", "warn");
        assert_eq!(now(), before);
        assert_eq!(
            levels.to_json(),
            json!([
                { "logger": "root", "level": "WARNING" },
                { "logger": "router::naming", "level": "DEBUG" },
            ])
        );
    }
}
