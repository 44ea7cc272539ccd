//! Reading vectors, running them, and comparing answers.

use std::any::Any;
use std::fmt::Display;
use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use dtab::Dtab;
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use router::http::INTENDED_DIFFERENCES;
use serde_json::{Map, Value, json};

use crate::Runner;

/// How many vectors passed and failed.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    pub(crate) fn total(&self) -> usize {
        self.passed + self.failed
    }
}

/// The vector files of a folder, by name and sorted.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "jsonl")
            && let Some(name) = path.file_stem()
        {
            files.push((name.to_string_lossy().into_owned(), path));
        }
    }
    files.sort();
    Ok(files)
}

/// The number of vectors in a file.
pub(crate) fn count(file: &Path) -> io::Result<usize> {
    Ok(fs::read_to_string(file)?.lines().filter(|line| !line.trim().is_empty()).count())
}

/// Runs every vector of a file and prints those that fail.
pub(crate) fn run(runner: &Runner, folder: &Path, file: &Path) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for line in fs::read_to_string(file)?.lines().filter(|line| !line.trim().is_empty()) {
        match check(runner, folder, line) {
            Ok(()) => tally.passed += 1,
            Err(report) => {
                println!("{report}\n");
                tally.failed += 1;
            }
        }
    }
    Ok(tally)
}

fn check(runner: &Runner, folder: &Path, line: &str) -> Result<(), String> {
    let mut input: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("no vector: {error}\n  {line}"))?;
    let vector = Value::Object(input.clone());
    let (expected, id) = (&vector["expect"], text(&vector["id"]));

    let got = catch(|| (runner.answer)(folder, &vector));
    let passed = got.as_ref().is_ok_and(|got| {
        (runner.agrees)(&vector, got)
            || is_intended(runner.file, text(&vector["rule"]))
                && (runner.documented)(&vector).is_some_and(|ours| equal(&ours, got))
    });
    if passed {
        return Ok(());
    }
    input.remove("expect");
    let got = got.map_or_else(|panic| format!("a panic: {panic}"), |got| got.to_string());
    let input = Value::Object(input);
    Err(format!("{id}\n  input:    {input}\n  expected: {expected}\n  got:      {got}"))
}

/// The answer, or what the panic said.
fn catch(answer: impl FnOnce() -> Value) -> Result<Value, String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let caught = panic::catch_unwind(AssertUnwindSafe(answer));
    panic::set_hook(hook);
    caught.map_err(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("(no text)").to_owned()
    })
}

/// Whether we differ from this rule on purpose. A rule that ends in `/` stands for all below it.
fn is_intended(file: &str, rule: &str) -> bool {
    INTENDED_DIFFERENCES.iter().any(|difference| {
        let all_below = difference.rule.ends_with('/') && rule.starts_with(difference.rule);
        difference.file == file && (all_below || difference.rule == rule)
    })
}

/// For runners whose file has no intended difference.
pub(crate) fn documented_nowhere(_: &Value) -> Option<Value> {
    None
}

/// Whether an answer is the expected one. Of an error only that it is one counts.
pub(crate) fn same(vector: &Value, got: &Value) -> bool {
    let expected = &vector["expect"];
    if expected.get("error").is_some() {
        return got.get("error").is_some();
    }
    equal(expected, got)
}

/// As [`same`], but the words of an error count, too: where the reference's own grammar or rules
/// speak, ours speak like them. Not where it is the JVM that speaks, nor where the words hold half
/// a character.
pub(crate) fn verbatim(vector: &Value, got: &Value) -> bool {
    let expected = &vector["expect"];
    let loose = ["error_soft", "error_lossy"].iter().any(|mark| expected.get(mark).is_some());
    same(vector, got) && (loose || expected.get("error") == got.get("error"))
}

/// Equality, apart from how a number is written and the order and case of header names.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || (x.is_f64() != y.is_f64() && x.as_f64() == y.as_f64())
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter().all(|(key, x)| {
                    y.get(key).is_some_and(|y| {
                        if key.ends_with("headers") { sorted(x) == sorted(y) } else { equal(x, y) }
                    })
                })
        }
        _ => a == b,
    }
}

/// A header list with lower-case names, sorted.
fn sorted(list: &Value) -> Vec<(String, String)> {
    let mut pairs: Vec<_> =
        pairs(list).map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    pairs.sort();
    pairs
}

/// The pairs of a header list.
pub(crate) fn pairs(list: &Value) -> impl Iterator<Item = (&str, &str)> {
    let pairs = list.as_array().map(Vec::as_slice).unwrap_or_default();
    pairs.iter().map(|pair| (text(&pair[0]), text(&pair[1])))
}

/// A string, or the empty one.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A failure in the shape of `expect`.
pub(crate) fn error(error: impl Display) -> Value {
    json!({ "error": error.to_string() })
}

/// A header list as a map.
pub(crate) fn to_map(list: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs(list) {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    headers
}

/// A map as a header list.
pub(crate) fn to_list(headers: &HeaderMap) -> Value {
    let pair = |(name, value): (&HeaderName, &HeaderValue)| {
        json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])
    };
    headers.iter().map(pair).collect()
}

/// A dtab that a vector gives as text.
pub(crate) fn to_dtab(value: &Value) -> Dtab {
    Dtab::parse(text(value)).expect("a dtab")
}

/// An HTTP version that a vector gives as text.
pub(crate) fn to_version(value: &Value) -> Version {
    match text(value) {
        "0.9" => Version::HTTP_09,
        "1.0" => Version::HTTP_10,
        "1.1" => Version::HTTP_11,
        "2.0" => Version::HTTP_2,
        other => panic!("HTTP version {other:?}"),
    }
}
