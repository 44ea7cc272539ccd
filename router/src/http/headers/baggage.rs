//! `baggage` (W3C): the member `l5d-dtab` is an override; all others are the application's.
//!
//! Libraries for tracing hand baggage on from request to request, and so an override reaches calls
//! of services that know nothing of `l5d-ctx-` headers. That is why the member stays in place where
//! its override is taken.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode;

/// `baggage`: <https://www.w3.org/TR/baggage/>
pub const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The member that is an override: a dtab, percent-encoded.
const MEMBER: &[u8] = b"l5d-dtab";

/// The overrides that a request carries as baggage, decoded, in order.
pub fn overrides(headers: &HeaderMap) -> impl Iterator<Item = Bytes> + '_ {
    let members = headers.get_all(BAGGAGE).into_iter().flat_map(|line| members(line.as_bytes()));
    members.filter_map(override_of).map(|value| match Cow::from(percent_decode(value)) {
        Cow::Borrowed(plain) => Bytes::copy_from_slice(plain),
        Cow::Owned(decoded) => Bytes::from(decoded),
    })
}

/// Removes the overrides, and nothing else, from the baggage of a request.
pub fn remove_overrides(headers: &mut HeaderMap) {
    if overrides(headers).next().is_none() {
        return;
    }
    let lines: Vec<HeaderValue> = headers.get_all(BAGGAGE).into_iter().cloned().collect();
    headers.remove(BAGGAGE);
    for line in lines {
        let kept: Vec<&[u8]> =
            members(line.as_bytes()).filter(|member| override_of(member).is_none()).collect();
        // Parts of a header value are one.
        if !kept.is_empty()
            && let Ok(line) = HeaderValue::from_bytes(kept.join(&b","[..]).trim_ascii())
        {
            headers.append(BAGGAGE, line);
        }
    }
}

fn members(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&byte| byte == b',')
}

/// The value of a member, without its properties, if it is an override.
fn override_of(member: &[u8]) -> Option<&[u8]> {
    let at = member.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (&member[..at], &member[at + 1..]);
    if name.trim_ascii() != MEMBER {
        return None;
    }
    value.split(|&byte| byte == b';').next().map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baggage(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (BAGGAGE, HeaderValue::from_static(line))).collect()
    }

    fn read(lines: &[&'static str]) -> Vec<String> {
        let headers = baggage(lines);
        overrides(&headers).map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
    }

    #[test]
    fn an_override_is_a_member_whose_value_is_encoded() {
        assert_eq!(read(&["l5d-dtab=/svc/web=>/svc/two"]), ["/svc/web=>/svc/two"]);
        let encoded = "user=ada, l5d-dtab = %2Fa%20%3D%3E%20%2Fb%3B/c=>/d ;ttl=1,x=y";
        assert_eq!(read(&[encoded, "l5d-dtab="]), ["/a => /b;/c=>/d", ""]);
        let others = ["l5d-dtabs=/a", "L5D-DTAB=/a", "x=l5d-dtab=/a", "l5d-dtab", ""];
        assert_eq!(read(&others), [""; 0]);
    }

    #[test]
    fn other_members_stay_as_they_are() {
        let mut headers = baggage(&["a=1;p, l5d-dtab=/x=>/y;q=1 , b = 2", "l5d-dtab=/z", "c=%20"]);
        remove_overrides(&mut headers);
        let left: Vec<_> = headers.get_all(BAGGAGE).into_iter().collect();
        assert_eq!(left, ["a=1;p, b = 2", "c=%20"]);
    }
}
