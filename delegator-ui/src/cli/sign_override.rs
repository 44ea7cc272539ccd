//! `fingerpost sign-override DTAB`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use dtab::{Dtab, Severity, Source};
use router::http::headers::signature::{Signature, SigningKey};
use router::http::headers::{DTAB_SIGNATURE, USER_DTAB};
use serde_json::json;

use super::{Error, Outcome, Output, Result, input};

/// Sign an override, for servers that take signed ones only
///
/// Prints the two headers that a request then needs. Whoever has them can use them until they
/// expire, and for nothing but this override. The servers have the same secret as
/// overrides.signing.keyPath.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost sign-override --key secret '/svc/web => /svc/web-v2'
  fingerpost sign-override --key secret --expires 2h --format json - < override.dtab
  eval \"curl $(fingerpost sign-override --key secret --format curl '/svc/web => /svc/web-v2') URL\"

Exit status: 0 signed, 2 cannot read or understand.")]
pub(super) struct Args {
    /// The file with the shared secret, of at least 16 bytes
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// How long it holds, such as 90s, 15m, 2h or 7d
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = duration)]
    expires: Duration,
    /// How to print the headers: headers, curl or json
    #[arg(long, value_name = "FORMAT", default_value = "headers", hide_possible_values = true)]
    format: Format,
    /// The override; - for standard input
    dtab: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One on a line.
    Headers,
    /// As arguments of curl.
    Curl,
    Json,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let dtab = read(&args.dtab, output)?;
    let key = read_key(&args.key)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let expires = now.saturating_add(args.expires).as_secs();
    let shown = dtab.to_string();
    let signature = key.sign(&shown, expires);
    print(args.format, &shown, &signature, output)?;
    Ok(Outcome::Clean)
}

fn read(argument: &str, output: &mut Output) -> std::result::Result<Dtab, Error> {
    let source = match argument {
        "-" => input::read(Path::new("-"))?,
        text => Source::new("override", text),
    };
    let (dtab, found) = dtab::check_dtab(&source);
    let drawn = || Error::Drawn(dtab::render(&found, &source, true));
    if found.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(drawn());
    }
    if !found.is_empty() {
        output.complain(&drawn());
    }
    match dtab {
        dtab if dtab.is_empty() => Err(Error::new("the override has no entries")),
        dtab => Ok(dtab),
    }
}

fn read_key(file: &Path) -> std::result::Result<SigningKey, Error> {
    let name = file.display().to_string();
    let secret = std::fs::read(file).map_err(|error| Error::file("read", &name, &error))?;
    SigningKey::new(&secret).map_err(|error| Error::new(format!("cannot use {name}: {error}")))
}

fn print(format: Format, shown: &str, signature: &Signature, output: &mut Output) -> Result<()> {
    let headers = [(USER_DTAB, shown.to_owned()), (DTAB_SIGNATURE, signature.to_string())];
    match format {
        Format::Headers => {
            for (name, value) in headers {
                writeln!(output.out, "{name}: {value}")?;
            }
        }
        Format::Curl => {
            // Neither a table nor a signature has a quote in it.
            let [(dtab, table), (signature, mac)] = headers;
            writeln!(output.out, "-H '{dtab}: {table}' -H '{signature}: {mac}'")?;
        }
        Format::Json => {
            let headers: serde_json::Map<_, _> =
                headers.into_iter().map(|(name, value)| (name.to_string(), value.into())).collect();
            let value = json!({ "expires": signature.expires, "headers": headers });
            super::write_json(&value, output)?;
        }
    }
    Ok(())
}

/// A number with its unit: seconds, minutes, hours or days.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || format!("{text:?} is no time such as 90s, 15m, 2h or 7d");
    let (number, unit) = match text.chars().last() {
        Some('s') => (&text[..text.len() - 1], 1),
        Some('m') => (&text[..text.len() - 1], 60),
        Some('h') => (&text[..text.len() - 1], 60 * 60),
        Some('d') => (&text[..text.len() - 1], 24 * 60 * 60),
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    if number == 0 {
        return Err("an override that has expired is of no use".to_owned());
    }
    Ok(Duration::from_secs(u64::from(number) * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit() {
        let seconds = |text| duration(text).map(|time| time.as_secs()).ok();
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("15m"), Some(900));
        assert_eq!(seconds("2h"), Some(7_200));
        assert_eq!(seconds("7d"), Some(604_800));
        for wrong in ["", "m", "15", "-1m", "1.5h", "15 m", "0s", "15ms", "1é", "99999999999d"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
