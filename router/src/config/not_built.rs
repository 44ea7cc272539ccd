//! The keys of Linkerd 1.7.5 whose feature this version does not have.
//!
//! One table, which shrinks as features are built. A key in it is refused by name, never ignored,
//! unless its value asks for nothing ([`Neutral`]). The kinds that are not built are in
//! [`kinds`](super::kinds).

/// The object that a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Admin,
    Router,
    Server,
    Client,
    Service,
    Balancer,
}

/// A value that asks for what happens anyway, so that it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neutral {
    EmptyList,
    Boolean(bool),
    Zero,
}

/// One refused key.
#[derive(Debug)]
pub(crate) struct NotBuilt {
    pub(crate) section: Section,
    pub(crate) key: &'static str,
    pub(crate) neutral: Option<Neutral>,
    /// What to do instead.
    pub(crate) instead: &'static str,
}

const fn row(section: Section, key: &'static str, instead: &'static str) -> NotBuilt {
    NotBuilt { section, key, neutral: None, instead }
}

const fn unless(
    section: Section,
    key: &'static str,
    neutral: Neutral,
    instead: &'static str,
) -> NotBuilt {
    NotBuilt { section, key, neutral: Some(neutral), instead }
}

/// Every refused key.
pub(crate) static NOT_BUILT: &[NotBuilt] = &[
    row(
        Section::Admin,
        "httpIdentifierPort",
        "remove it; `/delegator.json` shows how a name resolves",
    ),
    row(Section::Admin, "security", "remove it, and keep the admin server on a loopback address"),
    row(Section::Admin, "socketOptions", "remove it; connections have `noDelay` and `reuseAddr`"),
    row(Section::Admin, "tls", "remove it, and keep the admin server on a loopback address"),
    row(Section::Router, "httpAccessLog", "remove it and the other `httpAccessLog…` keys"),
    row(Section::Router, "httpAccessLogAppend", "remove it and the other `httpAccessLog…` keys"),
    row(
        Section::Router,
        "httpAccessLogRollPolicy",
        "remove it and the other `httpAccessLog…` keys",
    ),
    row(
        Section::Router,
        "httpAccessLogRotateCount",
        "remove it and the other `httpAccessLog…` keys",
    ),
    row(
        Section::Router,
        "streamAfterContentLengthKB",
        "remove it; bodies of every length are streamed",
    ),
    unless(
        Section::Router,
        "streamingEnabled",
        Neutral::Boolean(true),
        "remove it, or set it to true; bodies are always streamed",
    ),
    unless(
        Section::Router,
        "compressionLevel",
        Neutral::Zero,
        "remove it, or set it to 0; responses are passed on as the backend sent them",
    ),
    unless(Section::Server, "announce", Neutral::EmptyList, "remove it; nothing is announced"),
    row(
        Section::Server,
        "maxConcurrentRequests",
        "remove it, or limit requests in front of this server",
    ),
    row(
        Section::Server,
        "serverSession",
        "remove it; connections stay open while the client keeps them",
    ),
    row(Section::Server, "socketOptions", "remove it; connections have `noDelay` and `reuseAddr`"),
    row(
        Section::Server,
        "timeoutMs",
        "remove it; `bindingTimeoutMs` of the router limits name resolution",
    ),
    row(Section::Server, "tls", "remove it, or end TLS in front of this server"),
    row(Section::Client, "clientSession", "remove it; idle connections are closed by the pool"),
    row(
        Section::Client,
        "configs",
        "`configs` belongs to `kind: io.l5d.static`, which is not built yet either",
    ),
    unless(Section::Client, "failFast", Neutral::Boolean(false), "remove it, or set it to false"),
    unless(
        Section::Client,
        "forwardClientCert",
        Neutral::Boolean(false),
        "remove it, or set it to false",
    ),
    row(
        Section::Client,
        "hostConnectionPool",
        "remove it; pools grow with the load and shrink when idle",
    ),
    row(
        Section::Client,
        "requeueBudget",
        "remove it; a request is sent again only if it was never sent",
    ),
    row(Section::Client, "requestAttemptTimeoutMs", "remove it, or limit the time in the client"),
    row(Section::Client, "socketOptions", "remove it; connections have `noDelay` and `reuseAddr`"),
    row(Section::Client, "tls", "remove it; backends are spoken to without TLS"),
    row(
        Section::Service,
        "configs",
        "`configs` belongs to `kind: io.l5d.static`, which is not built yet either",
    ),
    row(Section::Service, "retries", "remove it; a response is never asked for twice"),
    row(Section::Service, "totalTimeoutMs", "remove it, or limit the time in the client"),
    unless(
        Section::Balancer,
        "enableProbation",
        Neutral::Boolean(false),
        "remove it, or set it to false",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_of_a_section_is_there_once() {
        for (index, row) in NOT_BUILT.iter().enumerate() {
            let again = NOT_BUILT
                .iter()
                .skip(index + 1)
                .find(|other| other.section == row.section && other.key == row.key);
            assert!(again.is_none(), "{again:?}");
        }
    }
}
