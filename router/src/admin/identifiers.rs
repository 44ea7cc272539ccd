//! `admin.httpIdentifierPort`: a server that tells how every router would name the request it gets.
//!
//! ```text
//! {"http": {"path": "/svc/web", "dtab": "/svc=>/#/io.l5d.fs"}, "other": {"error": "l5d-name header is absent"}}
//! ```
//!
//! Method, target and headers are the request that is named, so any path and any `Host` will do. A
//! router without a table has no `dtab`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::IntoResponse;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Response};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::AdminContext;
use crate::identifier::RequestHead;

/// Serves until it is dropped; each request sees the routers of its time.
pub async fn serve_identifiers(listener: TcpListener, context: Arc<ArcSwap<AdminContext>>) {
    let app = axum::Router::new().fallback(move |request: Request<Body>| {
        let context = context.load_full();
        async move { answer(&context, request) }
    });
    super::serve_app(listener, None, app).await;
}

fn answer(context: &AdminContext, request: Request<Body>) -> Response<Body> {
    let (head, _) = request.into_parts();
    let named = named(context, &RequestHead::from(&head)).to_string();
    let headers = [(CONTENT_TYPE, "application/json"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, named).into_response()
}

fn named(context: &AdminContext, request: &RequestHead<'_>) -> Value {
    let by_router = context.routers.iter().map(|router| {
        let mut shown = Map::new();
        match router.identifier.identify(request) {
            Ok(identified) => {
                shown.insert("path".to_owned(), json!(identified.name.to_string()));
                let base = router.interpreter.base();
                if !base.is_empty() {
                    shown.insert("dtab".to_owned(), json!(base.to_string()));
                }
            }
            Err(error) => {
                shown.insert("error".to_owned(), json!(error.to_string()));
            }
        }
        (router.label.clone(), Value::Object(shown))
    });
    Value::Object(by_router.collect())
}
