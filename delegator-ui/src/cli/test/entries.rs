//! The entries of a table by how a case names them.
//!
//! | written | means |
//! |---|---|
//! | `7`, `7:3` | the entry on that line of the table, at that column |
//! | `routes.dtab:7`, `routes.dtab:7:3` | the same, where a table is of several files |
//! | `/svc/web` | every entry with this prefix |
//! | `/svc/web => /host/web` | the entry that says just this |

use dtab::case::Entries;
use dtab::{Dentry, Dtab, Prefix};
use router::config::Code;
use router::config::document::{Field, closest};

/// Reads one; what no entry is meant by is an error.
pub(super) fn read(field: &Field<'_>, dtab: &Dtab) -> Option<Entries> {
    let written = field.text()?;
    if written.starts_with('/') {
        return if written.contains("=>") {
            by_text(field, written, dtab)
        } else {
            by_prefix(field, written, dtab)
        };
    }
    by_place(field, written, dtab)
}

fn by_text(field: &Field<'_>, written: String, dtab: &Dtab) -> Option<Entries> {
    let dentry = match Dentry::parse(written.trim_end_matches([' ', ';'])) {
        Ok(dentry) => dentry,
        Err(error) => {
            return field.error(Code::Invalid, format!("not an entry: {error}")).none();
        }
    };
    let at = numbers(dtab, |other| *other == dentry);
    if !at.is_empty() {
        return Some(Entries { written, at });
    }
    let reported = field.error(Code::Invalid, "the table has no such entry");
    match dtab.iter().find(|other| other.prefix == dentry.prefix) {
        Some(other) => reported.help(format!("it has {} => {}", other.prefix, other.dst)).none(),
        None => reported.help(prefixes(dtab)).none(),
    }
}

fn by_prefix(field: &Field<'_>, written: String, dtab: &Dtab) -> Option<Entries> {
    let prefix = match Prefix::parse(&written) {
        Ok(prefix) => prefix,
        Err(error) => {
            return field.error(Code::Invalid, format!("not a prefix: {error}")).none();
        }
    };
    let at = numbers(dtab, |other| other.prefix == prefix);
    if !at.is_empty() {
        return Some(Entries { written, at });
    }
    let known: Vec<_> = dtab.iter().map(|dentry| dentry.prefix.to_string()).collect();
    let message = match closest(&written, known.iter().map(String::as_str)) {
        Some(meant) => format!("the table has no entry for this prefix, did you mean `{meant}`?"),
        None => "the table has no entry for this prefix".to_owned(),
    };
    field.error(Code::Invalid, message).help(prefixes(dtab)).none()
}

fn by_place(field: &Field<'_>, written: String, dtab: &Dtab) -> Option<Entries> {
    let Some(wanted) = Wanted::parse(&written) else {
        return field
            .error(Code::Invalid, "not the name of an entry")
            .help("it is a line such as 7, FILE:LINE, a prefix such as /svc, or a whole entry")
            .none();
    };
    let at = numbers(dtab, |dentry| wanted.is(dentry));
    match at.as_slice() {
        [] => {
            let lines: Vec<_> = dtab.iter().filter_map(Lines::of).collect();
            let other_file = wanted.file.filter(|file| !lines.iter().any(|it| it.is_of(file)));
            let reported = field.error(Code::Invalid, "the table has no entry there");
            match other_file {
                Some(file) => reported.help(format!("no entry is of {file}")).none(),
                None => {
                    let mut firsts: Vec<_> = lines.iter().map(|it| it.first.to_string()).collect();
                    firsts.dedup();
                    reported
                        .help(format!("its entries are on the lines {}", firsts.join(", ")))
                        .none()
                }
            }
        }
        [_] => Some(Entries { written, at }),
        [..] => {
            let columns: Vec<_> = at
                .iter()
                .filter_map(|at| Lines::of(&dtab.dentries()[*at]))
                .map(|it| format!("{}:{}", it.first, it.column))
                .collect();
            field
                .error(Code::Invalid, "several entries are there")
                .help(format!("give the column, too: {}", columns.join(", ")))
                .none()
        }
    }
}

fn numbers(dtab: &Dtab, is: impl Fn(&Dentry) -> bool) -> Vec<usize> {
    dtab.iter().enumerate().filter(|(_, dentry)| is(dentry)).map(|(at, _)| at).collect()
}

fn prefixes(dtab: &Dtab) -> String {
    let mut known: Vec<_> = dtab.iter().map(|dentry| dentry.prefix.to_string()).collect();
    known.dedup();
    format!("it has entries for {}", known.join(", "))
}

/// A place, as a case has it.
struct Wanted<'a> {
    file: Option<&'a str>,
    line: u32,
    column: Option<u32>,
}

impl<'a> Wanted<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let number = |text: &str| text.parse::<u32>().ok();
        let split = |text: &'a str| {
            let (before, after) = text.rsplit_once(':')?;
            Some((before, number(after)?))
        };
        if let Some(line) = number(text) {
            return Some(Wanted { file: None, line, column: None });
        }
        let (before, last) = split(text)?;
        if let Some(line) = number(before) {
            return Some(Wanted { file: None, line, column: Some(last) });
        }
        Some(match split(before) {
            Some((file, line)) => Wanted { file: Some(file), line, column: Some(last) },
            None => Wanted { file: Some(before), line: last, column: None },
        })
    }

    fn is(&self, dentry: &Dentry) -> bool {
        let Some(lines) = Lines::of(dentry) else { return false };
        let column =
            self.column.is_none_or(|column| (self.line, column) == (lines.first, lines.column));
        self.file.is_none_or(|file| lines.is_of(file))
            && (lines.first..=lines.last).contains(&self.line)
            && column
    }
}

/// Where an entry stands.
struct Lines<'d> {
    file: &'d str,
    first: u32,
    column: u32,
    last: u32,
}

impl<'d> Lines<'d> {
    fn of(dentry: &'d Dentry) -> Option<Self> {
        let source = dentry.source.as_deref()?;
        let start = source.position(dentry.span.start as usize);
        let end = source.position(dentry.span.end as usize);
        let (first, column, last) = (start.line, start.column, end.line);
        Some(Lines { file: source.name(), first, column, last })
    }

    /// Whether the file is called this, with its folders or without some of them.
    fn is_of(&self, name: &str) -> bool {
        let rest = self.file.strip_suffix(name.trim_start_matches("./"));
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    }
}
