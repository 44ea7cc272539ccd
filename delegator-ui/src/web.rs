//! The delegator: pages that show where requests go, and why.
//!
//! Each page is a function of the JSON that the admin server of a router answers, here or elsewhere
//! ([`Source`]), so others can build on the same. The server writes every page whole, to be read
//! without scripts; in a browser with scripts a module of the same name goes on from there.
//!
//! | where | what |
//! |---|---|
//! | `web/<page>.rs` | one page |
//! | `web/shell.rs` | what all pages have, and what they may load |
//! | `web/assets.rs`, `assets/` | styles and scripts, in the binary |
//! | `web/source.rs` | who is asked |

mod assets;
mod config;
mod dashboard;
mod delegator;
pub(crate) mod figures;
mod help;
mod html;
mod logging;
mod playground;
mod remote;
mod requests;
mod shell;
mod source;
mod watches;
mod why_not;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;

pub use remote::Remote;
pub use source::Source;

/// The pages, as functions of what `source` answers. What they have no route for is the admin server's.
pub fn pages(source: Source) -> Router {
    Router::new()
        .route("/", get(dashboard::page))
        .route("/delegator", get(delegator::page))
        .route("/playground", get(playground::page).post(playground::posted))
        .route("/why-not", get(why_not::page))
        .route("/requests", get(requests::page))
        .route("/watches", get(watches::page))
        .route("/config", get(config::page))
        .route("/logging", get(logging::page).post(logging::change))
        .route("/help", get(help::page))
        .route("/assets/{version}/{name}", get(assets::asset))
        .with_state(source)
}

/// The pages, as the admin server of a running router has them.
pub fn served() -> router::admin::Pages {
    Box::new(|endpoints| pages(Source::Local(endpoints)))
}

/// The pages of a router elsewhere, and beside them its answers, for what scripts ask.
pub fn of_another(remote: Remote) -> Router {
    let fallback = remote.clone();
    pages(Source::Remote(remote)).fallback(move |request: Request<Body>| {
        let remote = fallback.clone();
        async move { remote.call(request).await }
    })
}
