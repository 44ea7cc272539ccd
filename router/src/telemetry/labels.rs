//! Which elements of a metric's name are names of routers, servers, services and clients: they become
//! labels for Prometheus and tags for InfluxDB, as Linkerd makes them.

use std::sync::Arc;

/// A metric's name, taken apart.
pub(super) struct Labelled<'p> {
    /// `rt`, `router`…: the labels, in the order of the name.
    pub(super) labels: Vec<(&'static str, &'p str)>,
    /// The elements before those that are not looked at: `rt`, `rt client service`.
    pub(super) name: Vec<&'p str>,
    /// The rest of the name.
    pub(super) rest: Vec<&'p str>,
}

/// Takes the variable elements out of a name.
pub(super) fn labelled(path: &[Arc<str>]) -> Labelled<'_> {
    let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    let (labels, name, rest): (Vec<_>, Vec<_>, &[&str]) = match path.as_slice() {
        ["rt", router, "client", client, "service", service, rest @ ..] => (
            vec![("rt", *router), ("client", *client), ("service", *service)],
            vec!["rt", "client", "service"],
            rest,
        ),
        ["rt", router, "client", client, rest @ ..] => {
            (vec![("rt", *router), ("client", *client)], vec!["rt", "client"], rest)
        }
        ["rt", router, "service", service, rest @ ..] => {
            (vec![("rt", *router), ("service", *service)], vec!["rt", "service"], rest)
        }
        ["rt", router, "server", server, rest @ ..] => {
            (vec![("rt", *router), ("server", *server)], vec!["rt", "server"], rest)
        }
        ["rt", router, rest @ ..] => (vec![("rt", *router)], vec!["rt"], rest),
        rest => (Vec::new(), Vec::new(), rest),
    };
    Labelled { labels, name, rest: rest.to_vec() }
}
