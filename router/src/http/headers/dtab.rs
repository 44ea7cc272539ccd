//! `l5d-ctx-dtab` and `l5d-dtab`: dentries for this request alone.

use dtab::{Dtab, SyntaxError};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{CTX_DTAB, USER_DTAB};

/// The overrides of a request: `l5d-ctx-dtab`, then `l5d-dtab`, so that the user's win.
///
/// Each may stand several times, and each line is a whole dtab. The headers stay; see [`take`].
pub fn read(headers: &HeaderMap) -> Result<Dtab, SyntaxError> {
    let routers = read_all(headers, &CTX_DTAB)?;
    let users = read_all(headers, &USER_DTAB)?;
    Ok(join(routers, users))
}

/// Reads the overrides and removes their headers; `None` if the request has neither header.
///
/// An error is the caller's fault (400), and leaves the headers.
pub fn take(headers: &mut HeaderMap) -> Result<Option<Dtab>, SyntaxError> {
    if !headers.contains_key(CTX_DTAB) && !headers.contains_key(USER_DTAB) {
        return Ok(None);
    }
    let dtab = read(headers)?;
    headers.remove(CTX_DTAB);
    headers.remove(USER_DTAB);
    Ok(Some(dtab))
}

/// Hands overrides on to the next hop, as `l5d-ctx-dtab`. An empty dtab writes nothing.
pub fn write(headers: &mut HeaderMap, dtab: &Dtab) {
    if !dtab.is_empty() {
        insert_shown(headers, CTX_DTAB, dtab);
    }
}

/// Sets a header to the shown form of a dtab.
pub(super) fn insert_shown(headers: &mut HeaderMap, name: HeaderName, dtab: &Dtab) {
    // The shown form is ASCII throughout, so this cannot fail.
    if let Ok(value) = HeaderValue::try_from(dtab.to_string()) {
        headers.insert(name, value);
    }
}

fn read_all(headers: &HeaderMap, name: &HeaderName) -> Result<Dtab, SyntaxError> {
    let mut all = Dtab::empty();
    for value in headers.get_all(name) {
        all = join(all, Dtab::parse(&super::text(value))?);
    }
    Ok(all)
}

/// `first` and then `second`, without copying where one is empty.
pub(super) fn join(first: Dtab, second: Dtab) -> Dtab {
    match (first.is_empty(), second.is_empty()) {
        (_, true) => first,
        (true, _) => second,
        _ => first.concat(&second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_are_taken_out_and_handed_on_as_one_header() {
        let mut headers = HeaderMap::new();
        assert!(take(&mut headers).unwrap().is_none());
        headers.append(USER_DTAB, HeaderValue::from_static("/u => /1;"));
        headers.append(CTX_DTAB, HeaderValue::from_static("/c => /2"));
        let dtab = take(&mut headers).unwrap().unwrap();
        assert!(headers.is_empty());
        write(&mut headers, &dtab);
        assert_eq!(headers[CTX_DTAB], "/c=>/2;/u=>/1");
    }

    #[test]
    fn a_bad_override_stays_where_it_is() {
        let mut headers = HeaderMap::new();
        headers.append(USER_DTAB, HeaderValue::from_static("/svc/foo /bar"));
        let error = take(&mut headers).unwrap_err();
        assert_eq!(error.to_string(), "'=' expected but '/' found at '/svc/foo [/]bar'");
        assert!(headers.contains_key(USER_DTAB));
    }
}
