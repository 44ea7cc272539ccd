//! The cases of the crate `http_desync_guardian` 0.1.3: requests, and how dangerous each is.
//!
//! The crate tells four tiers apart: *compliant*, *acceptable* (to be passed on), *ambiguous* (to be
//! refused, or to be the last on its connections) and *severe* (to be refused). We refuse or serve;
//! where that differs from the tier, [`policy`] says why.
//!
//! Its files are read from the crate's package, which cargo fetches. A case is a head without a
//! body, so each is sent with several: none, one of the length it gives, and a chunked one. `Host`
//! is added to the cases, which lack it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path as File, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use saphyr_parser::{Event, Parser};
use serde_json::Value;
use tests::wire::{self, Reading};

use super::path::{FOLLOW_UP, Path, Verdict, Via, escaped};

const VERSION: &str = "0.1.3";
const CASES: usize = 159;

#[derive(Debug)]
pub(crate) struct Case {
    name: String,
    head: Vec<u8>,
    lengths: Vec<usize>,
    tier: String,
    reason: String,
}

/// Whether we are to serve a case of this tier and, where that is not what the tier says, why.
/// `flaw` is what it lacks to be a request by the letter.
fn policy(tier: &str, reason: &str, flaw: Option<&str>) -> (bool, &'static str) {
    match (tier, reason, flaw) {
        ("Severe", ..) => (false, ""),
        ("Acceptable", "NonCompliantHeader", _) => {
            (false, "a name that is no token is another field to whoever trims it")
        }
        ("Acceptable", "NonCompliantVersion", _) => {
            (false, "HTTP/0.9 has no head, and what HTTP/1.2 means nobody knows")
        }
        ("Acceptable", "SpaceInUri", _) => {
            (false, "where the target ends is a guess (RFC 9112, 3.2)")
        }
        ("Ambiguous", "DuplicateContentLength", None) => {
            (true, "equal lengths leave as one (RFC 9112, 6.3), as with Linkerd")
        }
        (
            "Ambiguous",
            "UndefinedContentLengthSemantics" | "UndefinedTransferEncodingSemantics",
            None,
        ) => (true, "a body of a GET or HEAD is framed for the service as it came"),
        ("Ambiguous", ..) => (false, ""),
        ("Compliant", _, Some(NOT_JUST_CHUNKED)) => {
            (false, "other codings than chunked are not undone here, so they are refused")
        }
        ("Compliant", _, Some("a character that no target has")) => {
            (false, "a target has no fragment (RFC 9112, 3.2)")
        }
        ("Compliant" | "Acceptable", _, None) => (true, ""),
        _ => (true, "not by the letter, and no reason known why"),
    }
}

const NOT_JUST_CHUNKED: &str = "Transfer-Encoding is not `chunked`, alone";

pub(crate) fn run(path: &Path, cases: &[Case]) -> Result<(), String> {
    let mut failures = Vec::new();
    let mut table: BTreeMap<(&str, &str, &str), [usize; 2]> = BTreeMap::new();
    for case in cases {
        let verdict = match verdict(path, case) {
            Ok(verdict) => verdict,
            Err(why) => {
                failures.push(format!("{}: {why}", case.name));
                continue;
            }
        };
        let served = !matches!(verdict, Verdict::Refused(_));
        let flaw = case.flaw();
        let (serve, why) = policy(&case.tier, &case.reason, flaw);
        let row = table.entry((&case.tier, &case.reason, why)).or_default();
        row[usize::from(served)] += 1;
        // Whatever stands behind us may refuse more than we do.
        if serve && !served && path.via == Via::Strict || served && !serve {
            failures.push(format!(
                "{} ({} {}, {flaw:?}): {verdict:?} for {:?}",
                case.name,
                case.tier,
                case.reason,
                escaped(&case.head)
            ));
        }
    }
    println!("\nhttp_desync_guardian via {}: refused, served", path.via);
    for ((tier, reason, why), [refused, served]) in &table {
        println!("  {tier:<10} {reason:<34} {refused:>3} {served:>3}  {why}");
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// The verdict on the body that fits the head, or on all of them if none does.
fn verdict(path: &Path, case: &Case) -> Result<Verdict, String> {
    let mut verdict = None;
    for body in case.bodies() {
        let bytes = case.with(&body);
        let (first, _) =
            path.send(&bytes).map_err(|why| format!("{why}\n  {:?}", escaped(&bytes)))?;
        if whole(&bytes) || verdict.is_none() {
            verdict = Some(first);
        }
    }
    verdict.ok_or_else(|| "no body".to_owned())
}

/// Whether these are the case and the follow-up, and nothing else.
fn whole(bytes: &[u8]) -> bool {
    let (messages, rest) = wire::read_all(bytes, false);
    rest.is_none() && messages.len() == 2
}

impl Case {
    /// Why the head is no request by the letter, whatever its body.
    fn flaw(&self) -> Option<&'static str> {
        match wire::read(&self.head, false) {
            Reading::Malformed(why) => Some(why),
            Reading::Whole(..) | Reading::Partial => None,
        }
    }

    fn bodies(&self) -> impl Iterator<Item = Vec<u8>> {
        let sized = self.lengths.iter().map(|length| vec![b'x'; *length]);
        [Vec::new(), b"5\r\nhello\r\n0\r\n\r\n".to_vec()].into_iter().chain(sized)
    }

    fn with(&self, body: &[u8]) -> Vec<u8> {
        [&self.head, body, FOLLOW_UP.as_bytes()].concat()
    }

    fn read(case: &Value) -> Option<Self> {
        let text = |value: &Value, key: &str| value[key].as_str().map(unescape);
        let mut head = Vec::new();
        head.extend(text(case, "method")?);
        head.push(b' ');
        head.extend(text(case, "uri")?);
        head.push(b' ');
        head.extend(text(case, "version")?);
        head.extend(b"\r\nHost: web\r\n");
        let mut lengths = Vec::new();
        for header in case["headers"].as_array().into_iter().flatten() {
            let value = text(header, "value")?;
            let digits: String = value.iter().copied().map(char::from).collect();
            lengths
                .extend(digits.trim().parse::<usize>().ok().filter(|n| (1..1 << 20).contains(n)));
            head.extend(text(header, "name")?);
            head.extend(b": ");
            head.extend(value);
            head.extend(b"\r\n");
        }
        head.extend(b"\r\n");
        lengths.dedup();
        let expected = &case["expected"];
        Some(Case {
            name: case["name"].as_str()?.to_owned(),
            head,
            lengths,
            tier: expected["tier"].as_str()?.to_owned(),
            reason: expected["reason"].as_str()?.to_owned(),
        })
    }
}

/// A text of a case as bytes. An escape that YAML left alone stands for its character; up to U+00FF
/// a character is one byte, as the crate's README has it, unless the text has others, too.
fn unescape(text: &str) -> Vec<u8> {
    let mut chars = text.chars();
    let mut unescaped = String::new();
    while let Some(c) = chars.next() {
        let escape = if c == '\\' { chars.next() } else { None };
        unescaped.push(match escape {
            None => c,
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).map_or('\u{fffd}', char::from)
            }
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(other) => other,
        });
    }
    let bytes: Result<Vec<u8>, _> = unescaped.chars().map(u8::try_from).collect();
    bytes.unwrap_or_else(|_| unescaped.into_bytes())
}

/// All cases of the crate. `Err` says why they cannot be had.
pub(crate) fn cases() -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(package()?.join("tests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|file| file.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    for file in files {
        let yaml = yaml(&fs::read_to_string(&file).unwrap());
        let here = yaml.as_array().unwrap_or_else(|| panic!("{}: no list", file.display()));
        for case in here {
            cases.push(Case::read(case).unwrap_or_else(|| panic!("{}: {case}", file.display())));
        }
    }
    assert_eq!(cases.len(), CASES, "cases of http_desync_guardian {VERSION}");
    Ok(cases)
}

/// The folder of the crate's package.
///
/// It is no dependency of ours, since it brings others that we do without; a manifest that lives as
/// long as this asks for it.
fn package() -> Result<PathBuf, String> {
    static PACKAGE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PACKAGE
        .get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let manifest = format!(
                "[package]\nname = \"cases\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [lib]\npath = \"lib.rs\"\n[workspace]\n\
             [dependencies]\nhttp_desync_guardian = \"={VERSION}\"\n"
            );
            fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
            fs::write(dir.path().join("lib.rs"), "").unwrap();
            // What is there already needs no network.
            let metadata =
                metadata(dir.path(), &["--offline"]).or_else(|_| metadata(dir.path(), &[]));
            let required = std::env::var_os("FINGERPOST_REQUIRE_SERVERS").is_some_and(|v| v == "1");
            let metadata = match metadata {
                Err(why) if required => panic!("{why}"),
                other => other?,
            };
            let packages = metadata["packages"].as_array().into_iter().flatten();
            let manifest = packages
                .filter(|package| package["name"] == "http_desync_guardian")
                .find_map(|package| package["manifest_path"].as_str());
            let manifest = manifest.ok_or("cargo metadata does not name http_desync_guardian")?;
            Ok(File::new(manifest).with_file_name(""))
        })
        .clone()
}

fn metadata(dir: &File, args: &[&str]) -> Result<Value, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1"]).args(args).current_dir(dir);
    let output = command.output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("cargo does not have http_desync_guardian {VERSION}: {why}"));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

/// A YAML document as JSON, every scalar as a string.
fn yaml(text: &str) -> Value {
    let mut open: Vec<Value> = vec![Value::Array(Vec::new())];
    let mut keys: Vec<Option<String>> = vec![None];
    for event in Parser::new_from_str(text) {
        let value = match event.unwrap().0 {
            Event::SequenceStart(..) => {
                open.push(Value::Array(Vec::new()));
                keys.push(None);
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Value::Object(serde_json::Map::new()));
                keys.push(None);
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                keys.pop();
                open.pop().unwrap()
            }
            Event::Scalar(text, ..) => Value::String(text.into_owned()),
            _ => continue,
        };
        match open.last_mut().unwrap() {
            Value::Array(list) => list.push(value),
            Value::Object(map) => match keys.last_mut().unwrap() {
                key @ None => *key = value.as_str().map(str::to_owned),
                key => {
                    map.insert(key.take().unwrap(), value);
                }
            },
            _ => unreachable!("only lists and mappings are open"),
        }
    }
    let Some(Value::Array(mut documents)) = open.pop() else { return Value::Null };
    documents.pop().unwrap_or_default()
}
