//! What an echoing backend says that it has received.

use tests::RawResponse;

/// The values of a header, in order.
pub(crate) fn all(response: &RawResponse, name: &str) -> Vec<String> {
    let seen = response.json();
    let headers = seen["headers"].as_array().cloned().unwrap_or_default();
    let named = headers.iter().filter(|pair| pair[0] == name);
    named.map(|pair| pair[1].as_str().unwrap_or_default().to_owned()).collect()
}

/// The first value of a header.
pub(crate) fn header(response: &RawResponse, name: &str) -> Option<String> {
    all(response, name).into_iter().next()
}

/// The names of all headers that begin with `start`, sorted.
pub(crate) fn names(response: &RawResponse, start: &str) -> Vec<String> {
    let seen = response.json();
    let headers = seen["headers"].as_array().cloned().unwrap_or_default();
    let names = headers.iter().filter_map(|pair| pair[0].as_str());
    let mut names: Vec<_> =
        names.filter(|name| name.starts_with(start)).map(str::to_owned).collect();
    names.sort_unstable();
    names
}
