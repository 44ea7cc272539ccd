//! The rewriting names of `io.buoyant`: pure functions from elements to a path.
//!
//! | class | rewrites | to |
//! |---|---|---|
//! | `io.buoyant.hostportPfx` | `/<pfx>/<host>:<port>/rest` | `/pfx/host/port/rest` |
//! | `io.buoyant.porthostPfx` | `/<pfx>/<host>:<port>/rest` | `/pfx/port/host/rest` |
//! | `io.buoyant.http.anyMethod` | `/<METHOD>/rest` | `/rest` |
//! | `io.buoyant.http.anyHost` | `/<host>/rest` | `/rest` |
//! | `io.buoyant.http.subdomainOf` | `/<domain>/<host>/rest` | `/<host minus .domain>/rest` |
//! | `io.buoyant.http.domainToPath` | `/www.example.com/rest` | `/com/example/www/rest` |
//!
//! Each of the last four has a `…Pfx` form that keeps one element in front (behind the domain, for
//! `subdomainOfPfx`). What does not fit is negative.

use std::borrow::Cow;

use crate::path::Path;

/// The name would have an empty element.
pub(super) struct EmptySegment;

/// `Ok(None)` is negative.
type Rewritten = Result<Option<Path>, EmptySegment>;

type Elements<'a> = [Cow<'a, str>];

/// The function of a class, if there is such a class.
pub(super) fn rewriting(class: &str) -> Option<fn(&Elements<'_>) -> Rewritten> {
    let rewrite: fn(&Elements<'_>) -> Rewritten = match class {
        "io.buoyant.hostportPfx" => |elements| host_and_port(elements, |host, port| [host, port]),
        "io.buoyant.porthostPfx" => |elements| host_and_port(elements, |host, port| [port, host]),
        "io.buoyant.http.anyMethod" => |elements| any(None, elements, is_method),
        "io.buoyant.http.anyMethodPfx" => {
            |elements| keep_first(elements, |p, e| any(p, e, is_method))
        }
        "io.buoyant.http.anyHost" => |elements| any(None, elements, is_host),
        "io.buoyant.http.anyHostPfx" => |elements| keep_first(elements, |p, e| any(p, e, is_host)),
        "io.buoyant.http.domainToPath" => |elements| domain_to_path(None, elements),
        "io.buoyant.http.domainToPathPfx" => |elements| keep_first(elements, domain_to_path),
        "io.buoyant.http.subdomainOf" => |elements| match elements {
            [domain, rest @ ..] => subdomain(domain, None, rest),
            [] => Ok(None),
        },
        "io.buoyant.http.subdomainOfPfx" => |elements| match elements {
            [domain, rest @ ..] => keep_first(rest, |pfx, rest| subdomain(domain, pfx, rest)),
            [] => Ok(None),
        },
        _ => return None,
    };
    Some(rewrite)
}

/// How many elements the function of a class reads. What follows them it hands on.
pub(super) fn reads(class: &str) -> Option<usize> {
    match class {
        "io.buoyant.http.anyMethod" | "io.buoyant.http.anyHost" => Some(1),
        "io.buoyant.http.domainToPath" => Some(1),
        "io.buoyant.http.anyMethodPfx" | "io.buoyant.http.anyHostPfx" => Some(2),
        "io.buoyant.http.domainToPathPfx" | "io.buoyant.http.subdomainOf" => Some(2),
        "io.buoyant.hostportPfx" | "io.buoyant.porthostPfx" => Some(2),
        "io.buoyant.http.subdomainOfPfx" => Some(3),
        _ => None,
    }
}

fn keep_first(
    elements: &Elements<'_>,
    rewrite: impl Fn(Option<&str>, &Elements<'_>) -> Rewritten,
) -> Rewritten {
    match elements {
        [first, rest @ ..] => rewrite(Some(first), rest),
        [] => Ok(None),
    }
}

/// The path of `front` and then `rest`. Java's paths refuse an empty element, loudly.
fn path<'a>(front: impl IntoIterator<Item = &'a str>, rest: &Elements<'_>) -> Rewritten {
    let mut path = Path::root();
    for element in front {
        if element.is_empty() {
            return Err(EmptySegment);
        }
        path.push(element.as_bytes());
    }
    for element in rest {
        path.push(element.as_bytes());
    }
    Ok(Some(path))
}

fn any(pfx: Option<&str>, elements: &Elements<'_>, dropped: fn(&str) -> bool) -> Rewritten {
    match elements {
        [first, rest @ ..] if dropped(first) => path(pfx, rest),
        _ => Ok(None),
    }
}

fn is_method(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_host(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte))
}

fn host_and_port(
    elements: &Elements<'_>,
    order: for<'a> fn(&'a str, &'a str) -> [&'a str; 2],
) -> Rewritten {
    let [pfx, hostport, rest @ ..] = elements else { return Ok(None) };
    let mut parts = hostport.trim_end_matches(':').split(':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(host), Some(port), None) if is_dns_label(port) => {
            path([pfx.as_ref()].into_iter().chain(order(host, port)), rest)
        }
        _ => Ok(None),
    }
}

fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && !text.starts_with('-') && text.bytes().all(inner)
}

fn domain_to_path(pfx: Option<&str>, elements: &Elements<'_>) -> Rewritten {
    match elements {
        [host, rest @ ..] if is_host(host) => {
            let labels = host.trim_end_matches('.');
            let labels = labels.split('.').rev().filter(|_| !labels.is_empty());
            path(pfx.into_iter().chain(labels), rest)
        }
        _ => Ok(None),
    }
}

fn subdomain(domain: &str, pfx: Option<&str>, elements: &Elements<'_>) -> Rewritten {
    let [host, rest @ ..] = elements else { return Ok(None) };
    if !is_host(host) {
        return Ok(None);
    }
    let host = match host.find(':') {
        Some(colon @ 1..) => &host[..colon],
        _ => host,
    };
    match host.strip_suffix(domain).and_then(|host| host.strip_suffix('.')) {
        Some(sub) if !sub.is_empty() => path(pfx.into_iter().chain([sub]), rest),
        _ => Ok(None),
    }
}
