//! A caller: requests one after the other, each answer judged.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tests::{RawClient, RawResponse};

use crate::random::Random;
use crate::truth::Truth;
use crate::world::SERVICES;

/// No request may take longer than this.
const STUCK: Duration = Duration::from_secs(5);

/// Who may answer a request.
#[derive(Clone, Debug)]
enum Right {
    /// A backend of a service in the first of these groups that has anybody. What an override finds
    /// nobody for goes on to the router's own table, which sends it to the host.
    First(Vec<Vec<usize>>),
    /// Nobody: this status, and these words in the body.
    Error(u16, &'static str),
}

/// What was done and what came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answered: u64,
    pub(crate) aborted: u64,
    /// Requests under an override; the overrides are of tens of thousands.
    pub(crate) overrides: u64,
    /// Answers that were errors, by kind.
    pub(crate) errors: BTreeMap<&'static str, u64>,
    /// What should not have been, the first few.
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.answered += other.answered;
        self.aborted += other.aborted;
        self.overrides += other.overrides;
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }
}

pub(crate) struct Caller {
    pub(crate) router: SocketAddr,
    pub(crate) truth: Arc<Truth>,
    pub(crate) random: Random,
}

impl Caller {
    /// Sends requests until told to stop.
    pub(crate) fn run(mut self, stop: &AtomicBool) -> Tally {
        let mut tally = Tally::default();
        let mut connection = None;
        while !stop.load(Relaxed) && tally.wrong.len() < 5 {
            if self.random.one_in(40) {
                connection = None;
            }
            if self.random.one_in(25) {
                self.abort();
                tally.aborted += 1;
                continue;
            }
            let (headers, right) = self.request();
            tally.overrides += u64::from(headers.len() > 1);
            let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let body =
                vec![b'x'; if self.random.one_in(3) { 1 + self.random.below(2000) } else { 0 }];
            let method = if body.is_empty() { "GET" } else { "POST" };
            let began = Instant::now();
            let answer = exchange(&mut connection, self.router, method, &headers, &body);
            let judged = match &answer {
                Ok(response) => self.judge(response, &right, began),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Err("stuck".into()),
                Err(error) => Err(format!("no answer: {error}")),
            };
            match judged {
                Ok(None) => tally.answered += 1,
                Ok(Some(kind)) => *tally.errors.entry(kind).or_default() += 1,
                Err(why) => {
                    let answer = answer.map(|r| format!("{}\n{}", r.head, r.text()));
                    let took = began.elapsed();
                    let entry =
                        format!("{why}\n{headers:?}, {right:?}, after {took:?}: {answer:?}");
                    tally.wrong.push(entry);
                    connection = None;
                }
            }
        }
        tally
    }

    /// A request at random: its headers, and who may answer.
    fn request(&mut self) -> (Vec<(&'static str, String)>, Right) {
        let [host, a, b] = std::array::from_fn(|_| self.random.below(SERVICES));
        let fs = "/#/io.l5d.fs";
        let no_such = self.random.next();
        let first = |group: Vec<usize>| Right::First(vec![group, vec![host]]);
        let round = Right::Error(502, "why:");
        let redirected = if host == a { round.clone() } else { first(vec![a]) };
        let with = |dtab: String, right| (Some(dtab), right);
        let (dtab, right) = match self.random.below(20) {
            0 => with(format!("/svc/s{host} => {fs}/s{a}"), first(vec![a])),
            1 => with(format!("/svc/s{host} => /svc/s{a}"), redirected),
            2 => with(format!("/svc => 0.3*{fs}/s{a} & {fs}/s{b}"), first(vec![a, b])),
            3 => with(
                format!("/svc => {fs}/s{a} | {fs}/s{b}"),
                Right::First(vec![vec![a], vec![b], vec![host]]),
            ),
            4 => with(format!("/svc => {fs}/nobody | {fs}/s{a}"), first(vec![a])),
            5 => with(format!("/x => /svc/s{a}; /svc/s{host} => /x"), redirected),
            6 => with("/svc => /svc/again".into(), round),
            7 => with(format!("/svc => /#/no.such/n{no_such}"), first(vec![])),
            8 => with("/svc => !".into(), Right::Error(502, "why:")),
            9 => with("/svc => $".into(), Right::Error(502, "why:")),
            10 => with(format!("/svc = {no_such}"), Right::Error(400, "")),
            _ => (None, first(vec![])),
        };
        let (host, right) = match dtab {
            None if self.random.one_in(15) => (format!("n{no_such}"), Right::Error(502, "why:")),
            _ => (format!("s{host}"), right),
        };
        let mut headers = vec![("host", host)];
        // A comment makes each override one of its own; some come again.
        let dtab = dtab.map(|dtab| format!("{dtab} # {}", no_such % 10_000));
        if dtab.is_some() {
            headers.push(("l5d-explain", "1".to_owned()));
        }
        headers.extend(dtab.map(|dtab| ("l5d-dtab", dtab)));
        (headers, right)
    }

    /// What kind of error the answer is, if it is one; or what is wrong with it.
    fn judge(
        &self,
        response: &RawResponse,
        right: &Right,
        began: Instant,
    ) -> Result<Option<&'static str>, String> {
        let text = response.text();
        if response.status == 200 {
            let answered: Vec<usize> = text.split(' ').filter_map(|n| n.parse().ok()).collect();
            let &[service, backend] = answered.as_slice() else {
                return Err("not the answer of a backend".into());
            };
            let possible = match right {
                Right::First(groups) => {
                    let nobody = |group: &&Vec<usize>| {
                        group.iter().all(|&s| self.truth.possible(s, began).none)
                    };
                    let known = groups.iter().take_while(nobody).count();
                    groups.iter().take(known + 1).any(|group| group.contains(&service))
                }
                Right::Error(..) => false,
            };
            let state = self.truth.possible(service, began);
            if possible && state.backends & 1 << backend != 0 {
                return Ok(None);
            }
            let mut told = format!("the wrong backend answered; possible: {state:?}");
            if let Right::First(groups) = right {
                for service in groups.concat() {
                    told += &format!("\ns{service}: {}", self.truth.told(service));
                }
            }
            return Err(told);
        }
        if response.header("l5d-err").is_none() {
            return Err("an error without l5d-err".into());
        }
        if text.trim().is_empty() {
            return Err("an error that does not say why".into());
        }
        let services = match right {
            Right::Error(status, words) => {
                let as_told = response.status == *status && text.contains(words);
                return if as_told {
                    Ok(Some("as asked for"))
                } else {
                    Err(format!("not {status} with {words:?}"))
                };
            }
            Right::First(groups) => groups.concat(),
        };
        let may_be_none = services.iter().any(|&s| self.truth.possible(s, began).none);
        let may_be_down = services.iter().any(|&s| !self.truth.all_up(s, began));
        match response.status {
            502 if text.contains("why:") && may_be_none => Ok(Some("nobody there")),
            502 if text.contains("why:") && may_be_down => Ok(Some("backend down")),
            _ => Err("an error that nothing explains".into()),
        }
    }

    /// Sends a part of a request, or a whole one, and goes away.
    fn abort(&mut self) {
        let host = self.random.below(SERVICES);
        let body = "y".repeat(self.random.below(40_000));
        let length = body.len() + self.random.below(3);
        let whole = format!(
            "POST /some/path HTTP/1.1\r\nhost: s{host}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let part = if self.random.one_in(3) { whole.len() } else { self.random.below(whole.len()) };
        if let Ok(mut client) = RawClient::connect(self.router) {
            // It may be refused before all of it is sent.
            let _ = client.send(&whole.as_bytes()[..part]);
        }
    }
}

fn exchange(
    connection: &mut Option<RawClient>,
    router: SocketAddr,
    method: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<RawResponse> {
    let mut client = match connection.take() {
        Some(client) => client,
        None => RawClient::connect(router)?.timeout(STUCK),
    };
    let response = client.request(method, "/", headers, body)?;
    if response.header("connection") != Some("close") {
        *connection = Some(client);
    }
    Ok(response)
}
