//! Host names, live.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use dtab::Activity;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::{DnsError, NetError};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::{Watch, WatchState, constant};
use crate::entropy;

/// The longest wait for an answer; then the name counts as unknown until the next try.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A name is asked for again when its answer expires, but not more often than this.
const SOONEST: Duration = Duration::from_secs(1);

/// Nor less often: answers of the hosts file do not expire, and the file changes.
const LATEST: Duration = Duration::from_mins(1);

/// The longest wait after an error or for a name that has no address.
const LATEST_UNKNOWN: Duration = Duration::from_secs(30);

/// The most look-ups at one time.
const AT_ONCE: usize = 64;

/// The longest host name, RFC 1035.
const MAX_NAME: usize = 253;

/// What a look-up found: the addresses, none if there is no such host, and for how long that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The addresses, in any order.
    pub addresses: Vec<IpAddr>,
    /// For how long; `None` if it was not said.
    pub ttl: Option<Duration>,
}

/// Where the addresses of hosts come from.
pub trait HostLookup: Send + Sync + 'static {
    /// What is known of `name`, which is in lower case, once and for all; none if it has to be looked
    /// up.
    fn known(&self, _name: &str) -> Option<Activity<Option<Vec<IpAddr>>>> {
        None
    }

    /// Looks `name` up once. An error means that it could not be found out.
    fn look_up(
        self: Arc<Self>,
        name: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Looked, String>> + Send>>;
}

/// Watches host names.
///
/// A name is looked up when its first watch starts, and again when the answer expires, for as long
/// as anybody watches it. Errors keep the last good answer; before there is one, a name that
/// cannot be looked up is unknown, as in Java, which Linkerd's users are used to.
#[derive(Clone)]
pub struct Hosts {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn HostLookup>,
    rt: Handle,
    names: Mutex<HashMap<Arc<str>, Arc<Host>>>,
    permits: Semaphore,
}

struct Host {
    addresses: watch::Sender<Activity<Option<Vec<IpAddr>>>>,
    note: Mutex<Note>,
}

struct Note {
    since: SystemTime,
    version: u64,
    error: Option<String>,
}

impl Hosts {
    /// The hosts that the system knows, by its hosts file and its name servers.
    pub fn system(rt: Handle) -> Self {
        Hosts::with_source(Arc::new(SystemLookup::default()), rt)
    }

    /// The hosts that this source knows.
    pub fn with_source(source: Arc<dyn HostLookup>, rt: Handle) -> Self {
        let permits = Semaphore::new(AT_ONCE);
        Hosts { shared: Arc::new(Shared { source, rt, names: Mutex::default(), permits }) }
    }

    /// The runtime that the look-ups run on.
    pub fn runtime(&self) -> &Handle {
        &self.shared.rt
    }

    /// The addresses of a host that is not itself an address (see [`dtab::literal`]), sorted;
    /// `None` if it has none.
    pub fn watch(&self, name: &str) -> Watch<Option<Vec<IpAddr>>> {
        let length = name.trim_end_matches('.').len();
        if length == 0 || length > MAX_NAME {
            return constant(Activity::Ok(None));
        }
        let name: Arc<str> = name.to_ascii_lowercase().into();
        if let Some(known) = self.shared.source.known(&name) {
            return constant(known);
        }
        let mut names = self.shared.names();
        if let Some(host) = names.get(&name) {
            return host.addresses.subscribe();
        }
        let (addresses, watch) = watch::channel(Activity::Pending);
        let note = Mutex::new(Note { since: SystemTime::now(), version: 0, error: None });
        let host = Arc::new(Host { addresses, note });
        names.insert(name.clone(), host.clone());
        drop(names);
        self.shared.rt.spawn(refresh(self.shared.clone(), name, host));
        watch
    }

    /// Whether no host is kept up to date.
    pub fn is_idle(&self) -> bool {
        self.shared.names().is_empty()
    }

    /// Every host that is watched now.
    pub fn watches(&self) -> Vec<WatchState> {
        let names = self.shared.names();
        let mut states: Vec<_> = names
            .iter()
            .filter(|(_, host)| host.addresses.receiver_count() > 0)
            .map(|(name, host)| {
                let note = host.note.lock().unwrap_or_else(PoisonError::into_inner);
                let state = match &*host.addresses.borrow() {
                    Activity::Pending => "pending",
                    Activity::Ok(Some(_)) => "ok",
                    Activity::Ok(None) => "neg",
                    Activity::Failed(_) => "failed",
                };
                let Note { since, version, error } = &*note;
                let (since, version, error) = (*since, *version, error.clone());
                WatchState { name: name.to_string(), state, since, version, error }
            })
            .collect();
        states.sort_by(|a, b| a.name.cmp(&b.name));
        states
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts").field("watched", &self.shared.names().len()).finish()
    }
}

impl Shared {
    fn names(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Arc<Host>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the host if nobody watches it. New watches start under the same lock.
    fn ended(&self, name: &str, host: &Host) -> bool {
        let mut names = self.names();
        let unused = host.addresses.receiver_count() == 0;
        if unused {
            names.remove(name);
        }
        unused
    }

    async fn look_up(self: &Arc<Self>, name: &Arc<str>) -> Result<Looked, String> {
        let lookup = async {
            let _permit = self.permits.acquire().await.map_err(|closed| closed.to_string())?;
            // On a task of its own, so that a panic is an error like others.
            let task = self.rt.spawn(self.source.clone().look_up(name.clone()));
            let _abort = AbortOnDrop(task.abort_handle());
            task.await.map_err(|panic| panic.to_string())?
        };
        let timeout = tokio::time::timeout(TIMEOUT, lookup).await;
        timeout.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())))
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn refresh(shared: Arc<Shared>, name: Arc<str>, host: Arc<Host>) {
    let mut errors = 0;
    loop {
        let looked = shared.look_up(&name).await;
        let error = looked.as_ref().err().cloned();
        let pause = match looked {
            Ok(Looked { mut addresses, ttl }) => {
                errors = 0;
                addresses.sort_unstable();
                addresses.dedup();
                let latest = if addresses.is_empty() { LATEST_UNKNOWN } else { LATEST };
                host.publish((!addresses.is_empty()).then_some(addresses), true);
                ttl.unwrap_or(latest).clamp(SOONEST, latest)
            }
            Err(_) => {
                host.publish(None, false);
                errors = (errors + 1).min(5);
                (SOONEST * 2_u32.pow(errors)).min(LATEST_UNKNOWN)
            }
        };
        host.note_error(&name, error);
        tokio::select! {
            () = host.addresses.closed() => {}
            () = tokio::time::sleep(jittered(pause)) => {}
        }
        if shared.ended(&name, &host) {
            return;
        }
    }
}

/// Up to a tenth more, so that names which were first asked for together spread out.
fn jittered(pause: Duration) -> Duration {
    pause + pause.mul_f64((entropy::next_u64() % 1000) as f64 / 10_000.0)
}

impl Host {
    /// Publishes an answer; one that is not certain, if there is none yet.
    fn publish(&self, addresses: Option<Vec<IpAddr>>, certain: bool) {
        self.addresses.send_if_modified(|now| {
            let next = Activity::Ok(addresses);
            if *now == next || !(certain || *now == Activity::Pending) {
                return false;
            }
            let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
            note.since = SystemTime::now();
            note.version += 1;
            *now = next;
            true
        });
    }

    fn note_error(&self, name: &str, error: Option<String>) {
        let mut note = self.note.lock().unwrap_or_else(PoisonError::into_inner);
        match &error {
            Some(error) if note.error.is_none() => {
                tracing::warn!(host = name, error, "a host name cannot be looked up");
            }
            None if note.error.is_some() => tracing::info!(host = name, "a host name is back"),
            _ => {}
        }
        note.error = error;
    }
}

/// The hosts file and the name servers of this machine.
///
/// Their files are read again when they change.
#[derive(Debug, Default)]
pub struct SystemLookup {
    resolver: Mutex<Option<(Versions, TokioResolver)>>,
}

/// When the files that say how names are looked up were last changed.
type Versions = [Option<SystemTime>; 2];

impl SystemLookup {
    fn resolver(&self) -> Result<TokioResolver, String> {
        let versions = ["/etc/resolv.conf", "/etc/hosts"].map(modified);
        let mut known = self.resolver.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((read, resolver)) if *read == versions => Ok(resolver.clone()),
            _ => {
                let mut builder =
                    TokioResolver::builder_tokio().map_err(|error| error.to_string())?;
                let options = builder.options_mut();
                options.timeout = Duration::from_secs(1);
                options.attempts = 2;
                options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
                let resolver = builder.build().map_err(|error| error.to_string())?;
                *known = Some((versions, resolver.clone()));
                Ok(resolver)
            }
        }
    }
}

fn modified(file: &str) -> Option<SystemTime> {
    Path::new(file).metadata().and_then(|metadata| metadata.modified()).ok()
}

impl HostLookup for SystemLookup {
    fn look_up(
        self: Arc<Self>,
        name: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Looked, String>> + Send>> {
        Box::pin(async move {
            match self.resolver()?.lookup_ip(&*name).await {
                Ok(found) => {
                    let ttl = found.valid_until().saturating_duration_since(Instant::now());
                    Ok(Looked { addresses: found.iter().collect(), ttl: Some(ttl) })
                }
                Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                    let ttl = none.negative_ttl.map(|ttl| Duration::from_secs(ttl.into()));
                    Ok(Looked { addresses: Vec::new(), ttl })
                }
                Err(error) => Err(error.to_string()),
            }
        })
    }
}
