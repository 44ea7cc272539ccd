//! Styles and scripts, which are part of the program.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

/// Each file by its name.
macro_rules! assets {
    ($($name:literal)*) => {
        const ASSETS: &[(&str, &[u8])] = &[
            $(($name, include_bytes!(concat!("../../assets/", $name))),)*
        ];
    };
}

assets! {
    "chart.js"
    "compare.js"
    "config.js"
    "dashboard.css"
    "dashboard.js"
    "delegate.js"
    "delegation.js"
    "detail.js"
    "dom.js"
    "editor.css"
    "editor.js"
    "endpoints.js"
    "export.js"
    "format.js"
    "graph.js"
    "help.css"
    "help.js"
    "icon.svg"
    "layout.js"
    "live.js"
    "logging.js"
    "picture.js"
    "playground.css"
    "playground.js"
    "query.js"
    "requests.js"
    "rows.js"
    "shell.js"
    "steps.js"
    "style.css"
    "syntax.js"
    "table.js"
    "theme.js"
    "tree.css"
    "tree.js"
    "trends.js"
    "watches.js"
    "why-not.css"
    "why-not.js"
}

/// Where a file is served. The address changes when any file does, so that browsers keep what they
/// have, and what a script imports is of the same version.
pub(super) fn href(name: &str) -> String {
    format!("/assets/{}/{name}", version())
}

fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let mut hasher = DefaultHasher::new();
        ASSETS.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    })
}

/// `/assets/<version>/<name>`; of another version than the present one there is nothing.
pub(super) async fn asset(Path((asked, name)): Path<(String, String)>) -> Response {
    let (Some(bytes), Some(content_type)) = (bytes(&name), content_type(&name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if asked != version() {
        return StatusCode::NOT_FOUND.into_response();
    }
    // What is read from disk may change at any time.
    let kept =
        if cfg!(debug_assertions) { "no-store" } else { "public, max-age=31536000, immutable" };
    let headers =
        [(CONTENT_TYPE, content_type), (CACHE_CONTROL, kept), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, bytes.into_owned()).into_response()
}

/// A file as it was built in; in a debug build as it is on disk, so that an edit shows at once.
fn bytes(name: &str) -> Option<Cow<'static, [u8]>> {
    let (name, embedded) = ASSETS.iter().find(|(known, _)| *known == name)?;
    if cfg!(debug_assertions) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(name);
        if let Ok(bytes) = std::fs::read(path) {
            return Some(Cow::Owned(bytes));
        }
    }
    Some(Cow::Borrowed(embedded))
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_there_under_its_name() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let mut on_disk: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        on_disk.sort();
        let names: Vec<_> = ASSETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, on_disk, "the list of assets, in order");
        assert!(names.iter().all(|name| content_type(name).is_some()));
    }
}
