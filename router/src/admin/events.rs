//! Streams of server-sent events: what changes is told for as long as somebody listens.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Response, StatusCode};
use tokio::sync::Semaphore;

/// The most streams of one kind at a time; more are 503.
pub(super) const MAX_STREAMS: usize = 64;

/// How often a comment is sent, by which either side notices that the other has gone.
const PING: Duration = Duration::from_secs(15);

/// The streams of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    free: Arc<Semaphore>,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Streams { free: Arc::new(Semaphore::new(MAX_STREAMS)) }
    }

    /// Whether somebody listens.
    pub(super) fn any(&self) -> bool {
        self.free.available_permits() < MAX_STREAMS
    }

    /// Sends these events, each as [`event`] writes it, until they end or nobody listens any more.
    pub(super) fn open<S>(&self, events: impl FnOnce() -> S) -> Response<Body>
    where
        S: Stream<Item = Bytes> + Send + 'static,
    {
        let Ok(permit) = self.free.clone().try_acquire_owned() else {
            let why = format!("{MAX_STREAMS} streams of these events are open already\n");
            return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
        };
        let start = tokio::time::Instant::now() + PING;
        let pings = tokio::time::interval_at(start, PING);
        let state = (Box::pin(events()), pings, permit);
        let body = stream::unfold(state, async |(mut events, mut pings, permit)| {
            let next = tokio::select! {
                event = events.next() => event?,
                _ = pings.tick() => Bytes::from_static(b": ping\n\n"),
            };
            Some((Ok::<_, std::convert::Infallible>(next), (events, pings, permit)))
        });
        let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
        (headers, Body::from_stream(body)).into_response()
    }
}

/// An event as it is sent. JSON texts have no line breaks.
pub(super) fn event(name: &str, json: &str) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {json}\n\n"))
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn frame(body: &mut Body) -> Option<Bytes> {
        Some(body.frame().await?.unwrap().into_data().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_pings_while_nothing_happens_and_ends_with_its_events() {
        let streams = Streams::new();
        assert!(!streams.any());
        let (sender, mut events) = tokio::sync::mpsc::channel(1);
        let events = stream::poll_fn(move |context| events.poll_recv(context));
        let mut body = streams.open(|| events).into_body();
        assert!(streams.any());
        sender.send(event("x", "[1]")).await.unwrap();
        assert_eq!(frame(&mut body).await.unwrap(), "event: x\ndata: [1]\n\n");
        assert_eq!(frame(&mut body).await.unwrap(), ": ping\n\n");
        assert_eq!(frame(&mut body).await.unwrap(), ": ping\n\n");
        drop(sender);
        assert_eq!(frame(&mut body).await, None);
        drop(body);
        assert!(!streams.any());
    }

    #[tokio::test]
    async fn there_are_only_so_many_streams_and_each_that_is_dropped_makes_room() {
        let streams = Streams::new();
        let open = || streams.open(stream::pending);
        let mut all: Vec<_> = (0..MAX_STREAMS).map(|_| open()).collect();
        assert!(all.iter().all(|stream| stream.status() == StatusCode::OK));
        assert_eq!(open().status(), StatusCode::SERVICE_UNAVAILABLE);
        all.pop();
        assert_eq!(open().status(), StatusCode::OK);
    }
}
