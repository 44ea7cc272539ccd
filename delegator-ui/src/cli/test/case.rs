//! The cases of a test file.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use dtab::case::{Case, End, Entries, ErrorClass, Expected, TOLERANCE};
use dtab::{Dtab, Path};
use router::config::Code;
use router::config::document::{Field, Member, Object};
use router::identifier::{AskedRequest, BadRequest};

use super::entries;
use super::file::Table;

/// A case, and where it stands.
#[derive(Debug)]
pub(super) struct FileCase {
    /// The line of the test file, from 1.
    pub(super) line: u32,
    pub(super) case: Case,
}

/// Reads a list of cases. `known` is whether the table could be read: what a case says of its entries is
/// not looked at without.
pub(super) fn read_all<'a>(field: &Field<'a>, table: &Table, known: bool) -> Option<Vec<FileCase>> {
    let cases = field.list("cases", |item: &Field<'a>| {
        let read = read(item, table, known)?;
        Some((read, item.clone()))
    })?;
    if cases.is_empty() && field.one_or_more().is_empty() {
        return field.error(Code::Missing, "there is no case").none();
    }
    let mut titles = BTreeSet::new();
    for (case, item) in &cases {
        if !titles.insert(case.case.title.clone()) {
            drop(item.error(Code::Conflict, "another case has this name, too"));
        }
    }
    Some(cases.into_iter().map(|(case, _)| case).collect())
}

fn read(field: &Field<'_>, table: &Table, known: bool) -> Option<FileCase> {
    let keys = &["name", "path", "request", "override", "expect"];
    let mut object = field.object_with("a case", keys)?;
    let title = object.required("name", Field::text);
    let (path, request) = (object.get("path"), object.get("request"));
    let local = read_some(&mut object, "override", Field::dtab);
    let asked = match (&path, &request) {
        (Some(path), None) => path.path().map(|path| (Ok(path), Dtab::empty())),
        (None, Some(request)) => read_request(request, table),
        (Some(_), Some(request)) => {
            request.error(Code::Conflict, "a case has either `path` or `request`").none()
        }
        (None, None) => {
            object.missing("path").help("or `request`, which has its name from it").none()
        }
    };
    let expected = object.required("expect", |field| expectation(field, table.dtab(), known));
    object.finish();
    let (name, carried) = asked?;
    let local = carried.concat(&local.ok()?.unwrap_or_default());
    let case = Case { title: title?, name, local, expected: expected? };
    Some(FileCase { line: field.place().position().line, case })
}

/// The name of a request by the identifiers of the table, and the overrides that it carries.
fn read_request(field: &Field<'_>, table: &Table) -> Option<(Result<Path, Arc<str>>, Dtab)> {
    let keys = &["method", "host", "path", "headers"];
    let mut object = field.object_with("a request", keys)?;
    let method = object.optional("method", Field::text).unwrap_or_else(|| "GET".to_owned());
    let path = object.optional("path", Field::text).unwrap_or_else(|| "/".to_owned());
    let (host, headers) = (object.get("host"), object.get("headers"));
    object.finish();
    let mut asked = accept(field, AskedRequest::new(&method, &path))?;
    if let Some(host) = host {
        accept(&host, asked.add("Host", &host.text()?))?;
    }
    let headers = match headers {
        Some(headers) => headers.members("headers")?,
        None => Vec::new(),
    };
    for Member { key, value, .. } in headers {
        for line in value.one_or_more() {
            accept(&line, asked.add(key, &line.text()?))?;
        }
    }
    accept(field, asked.complete())?;
    let carried = match asked.overrides() {
        Ok(carried) => carried,
        Err(wrong) => {
            let first = wrong.found.first().map(|found| found.message.as_str());
            let message = format!("an override in it is no dtab: {}", first.unwrap_or_default());
            return field.error(Code::Invalid, message).none();
        }
    };
    let name = asked.name(&table.identifiers, table.version);
    Some((name.map(|(name, _)| name).map_err(|why| why.to_string().into()), carried))
}

/// What there is, or the report of why there is nothing.
fn accept<T>(field: &Field<'_>, read: Result<T, BadRequest>) -> Option<T> {
    read.map_err(|why| drop(field.error(Code::Invalid, why.to_string()))).ok()
}

fn expectation(field: &Field<'_>, dtab: &Dtab, known: bool) -> Option<Expected> {
    let keys = &["bound", "tolerance", "error", "endpoints", "residual", "through", "not-through"];
    let mut object = field.object_with("what is expected", keys)?;
    let (bound, error) = (object.get("bound"), object.get("error"));
    let tolerance = object.get("tolerance");
    if let (Some(tolerance), None) = (&tolerance, &bound) {
        drop(tolerance.error(Code::Conflict, "`tolerance` is of the shares of `bound`"));
    }
    if let (Some(_), Some(error)) = (&bound, &error) {
        drop(error.error(Code::Conflict, "a name is either `bound` or an `error`"));
    }
    let tolerance = tolerance.map_or(Some(TOLERANCE), |field| field.number(0.0, 1.0));
    let end = match (bound, error) {
        (Some(bound), _) => {
            shares(&bound, tolerance.unwrap_or(TOLERANCE)).map(|shares| Some(End::Bound(shares)))
        }
        (None, Some(error)) => error.word(ErrorClass::ALL).map(|class| Some(End::Error(class))),
        (None, None) => Some(None),
    };
    let endpoints = read_some(&mut object, "endpoints", |field| {
        Some(field.list("addresses", endpoint)?.into_iter().collect())
    });
    let residual = read_some(&mut object, "residual", Field::path);
    // Of a table that could not be read there is nothing to say.
    let dtab = known.then_some(dtab);
    let through = read_some(&mut object, "through", |field| read_entries(field, dtab));
    let not_through = read_some(&mut object, "not-through", |field| read_entries(field, dtab));
    if object.is_empty() {
        let help = format!("one or more of {}", keys.join(", "));
        return field.error(Code::Missing, "nothing is expected").help(help).none();
    }
    object.finish();
    Some(Expected {
        end: end?,
        tolerance: tolerance?,
        endpoints: endpoints.ok()?,
        residual: residual.ok()?,
        through: through.ok()?.unwrap_or_default(),
        not_through: not_through.ok()?.unwrap_or_default(),
    })
}

/// All of these, or nothing if one of them cannot be read; each is looked at.
fn all<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    read.collect::<Vec<_>>().into_iter().collect()
}

fn read_entries(field: &Field<'_>, dtab: Option<&Dtab>) -> Option<Vec<Entries>> {
    let Some(dtab) = dtab else { return Some(Vec::new()) };
    if field.one_or_more().is_empty() {
        return field.error(Code::Missing, "no entry is named").none();
    }
    all(field.one_or_more().iter().map(|field| entries::read(field, dtab)))
}

/// It could not be read, and that has been reported.
struct Unread;

/// A key that may be absent.
fn read_some<'a, T>(
    object: &mut Object<'a>,
    key: &'static str,
    read: impl FnOnce(&Field<'a>) -> Option<T>,
) -> Result<Option<T>, Unread> {
    object.get(key).map(|field| read(&field).ok_or(Unread)).transpose()
}

fn endpoint(field: &Field<'_>) -> Option<SocketAddr> {
    match field.text()?.parse() {
        Ok(socket) => Some(socket),
        Err(_) => field
            .error(Code::Invalid, "not an address")
            .help("an address is such as 10.0.0.1:8080 or [::1]:8080")
            .none(),
    }
}

/// One name, or several with their shares.
fn shares(field: &Field<'_>, tolerance: f64) -> Option<Vec<(Option<Path>, f64)>> {
    if !field.is_object() {
        return Some(vec![(nobody_or_name(field, &field.text()?).ok()?, 1.0)]);
    }
    let members = field.members("names with their shares")?;
    let shares = all(members.iter().map(|Member { key, value, .. }| {
        let (name, share) = (nobody_or_name(value, key), value.number(0.0, 1.0));
        Some((name.ok()?, share?))
    }))?;
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    if (sum - 1.0).abs() > tolerance.max(TOLERANCE) * shares.len() as f64 {
        // Without the noise of adding doubles.
        let sum = (sum * 1e6).round() / 1e6;
        let message = format!("the shares add up to {sum}, and not to 1");
        return field
            .error(Code::Invalid, message)
            .help("each name has its part of 1; `$` is for requests that nobody gets")
            .none();
    }
    Some(shares)
}

/// A bound name, or `$`, which is nobody.
fn nobody_or_name(field: &Field<'_>, text: &str) -> Result<Option<Path>, Unread> {
    if text == "$" {
        return Ok(None);
    }
    Path::parse(text).map(Some).map_err(|error| {
        let help = "a bound name is such as /#/io.l5d.fs/web; `$` is nobody";
        drop(field.error(Code::Invalid, format!("not a bound name: {error}")).help(help));
        Unread
    })
}
