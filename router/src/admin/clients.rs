//! `/clients.json`: every client with its configuration in force, and how balancer and failure accrual
//! see each of its endpoints.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use dtab::Addr;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::client_state;
use crate::client::health::{Busy, ClientView, EndpointView};
use crate::config::kinds::{
    AccrualKind, BackoffConfig, BalancerKind, FailureAccrualConfig, LoadBalancerConfig,
};
use crate::config::{
    BudgetConfig, ClientConfig, ClientsConfig, HttpVersion, PoolConfig, SessionConfig,
};
use crate::interpreter::Interpreter;

/// The clients of one router, by their ids.
pub(crate) fn clients(
    label: &str,
    interpreter: &Interpreter,
    configured: &ClientsConfig,
    views: &[ClientView],
) -> Value {
    let mut clients = BTreeMap::new();
    for bound in interpreter.bound() {
        let of_client = |view: &&ClientView| view.router == label && view.client == bound.id;
        let endpoints = views.iter().find(of_client).map_or(&[][..], |view| &view.endpoints);
        let mut client = client(&bound.addr, endpoints);
        client["config"] = config(&configured.of(&bound.id));
        clients.insert(bound.id.to_string(), client);
    }
    json!(clients)
}

/// A client, without its configuration.
pub(super) fn client(addr: &Addr, endpoints: &[EndpointView]) -> Value {
    let mut client = client_state(addr);
    client["endpoints"] = json!(endpoints.iter().map(ShownEndpoint::of).collect::<Vec<_>>());
    client
}

/// An endpoint as it is shown. What does not hold for it is left out.
#[derive(Serialize)]
pub(super) struct ShownEndpoint {
    address: SocketAddr,
    weight: f64,
    state: &'static str,
    load: u32,
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe_in_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_ewma_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate: Option<f64>,
}

impl ShownEndpoint {
    pub(super) fn of(view: &EndpointView) -> Self {
        let (state, probe_in, since) = match view.busy {
            None => ("open", None, None),
            Some(Busy::Dead(wait)) => ("dead", Some(wait), None),
            Some(Busy::Probing) => ("probing", None, None),
            Some(Busy::FailedFast(since)) => ("failed_fast", None, Some(since)),
        };
        ShownEndpoint {
            address: view.address,
            weight: view.weight,
            state,
            load: view.load,
            failures: view.failures,
            probe_in_ms: probe_in.map(in_millis),
            since_ms: since.map(in_millis),
            peak_ewma_ms: view.cost.map(|cost| cost.as_micros() as f64 / 1000.0),
            success_rate: view.success_rate,
        }
    }
}

/// What holds for a client, by the keys of a configuration that would ask for it. Limits that are not
/// set are left out. Files of keys and certificates are not named.
fn config(config: &ClientConfig) -> Value {
    let ClientConfig {
        load_balancer,
        pool,
        fail_fast,
        failure_accrual,
        attempt_timeout,
        requeue_budget,
        session,
        socket: _,
        tls,
        forward_client_cert,
        max_in_flight,
        speaks,
        http2: _,
    } = config;
    let PoolConfig { min_size, max_size, idle_time, max_waiters } = pool;
    let BudgetConfig { min_retries_per_sec, percent_can_retry, ttl } = requeue_budget;
    let SessionConfig { life_time, idle_time: session_idle } = session;
    let optional = |time: &Option<Duration>| time.map_or(Value::Null, millis);
    present(json!({
        "loadBalancer": balancer(load_balancer),
        "failureAccrual": accrual(failure_accrual),
        "failFast": fail_fast,
        "requestAttemptTimeoutMs": optional(attempt_timeout),
        "requeueBudget": {
            "minRetriesPerSec": min_retries_per_sec,
            "percentCanRetry": percent_can_retry,
            "ttlSecs": ttl.as_secs(),
        },
        "hostConnectionPool": present(json!({
            "minSize": min_size,
            "maxSize": max_size,
            "idleTimeMs": optional(idle_time),
            "maxWaiters": max_waiters,
        })),
        "clientSession": present(json!({
            "lifeTimeMs": optional(life_time),
            "idleTimeMs": optional(session_idle),
        })),
        "tls": tls.as_ref().map(|tls| present(json!({
            "commonName": tls.common_name,
            "disableValidation": tls.disable_validation,
        }))),
        "forwardClientCert": forward_client_cert,
        "maxInFlight": max_in_flight,
        "speaks": match speaks {
            HttpVersion::Http1 => "http/1.1",
            HttpVersion::Http2 => "h2",
        },
    }))
}

/// Without the members that have no value.
fn present(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let is_empty = |value: &Value| value.is_null() || value == &json!({});
            Value::Object(members.into_iter().filter(|(_, value)| !is_empty(value)).collect())
        }
        value => value,
    }
}

fn balancer(config: &LoadBalancerConfig) -> Value {
    let mut shown = match config.kind {
        BalancerKind::P2c { max_effort } => json!({ "kind": "p2c", "maxEffort": max_effort }),
        BalancerKind::Ewma { decay_time, max_effort } => {
            let decay = millis(decay_time);
            json!({ "kind": "ewma", "decayTimeMs": decay, "maxEffort": max_effort })
        }
        BalancerKind::Aperture { smooth_window, max_effort, low_load, high_load, min_aperture } => {
            json!({
                "kind": "aperture",
                "smoothWindowMs": millis(smooth_window),
                "maxEffort": max_effort,
                "lowLoad": low_load,
                "highLoad": high_load,
                "minAperture": min_aperture,
            })
        }
        BalancerKind::Heap => json!({ "kind": "heap" }),
        BalancerKind::RoundRobin { max_effort } => {
            json!({ "kind": "roundRobin", "maxEffort": max_effort })
        }
    };
    shown["enableProbation"] = json!(config.enable_probation);
    shown
}

fn accrual(config: &FailureAccrualConfig) -> Value {
    let mut shown = match config.kind {
        AccrualKind::ConsecutiveFailures { failures } => {
            json!({ "kind": "io.l5d.consecutiveFailures", "failures": failures })
        }
        AccrualKind::SuccessRate { success_rate, requests } => json!({
            "kind": "io.l5d.successRate",
            "successRate": success_rate,
            "requests": requests,
        }),
        AccrualKind::SuccessRateWindowed { success_rate, window } => json!({
            "kind": "io.l5d.successRateWindowed",
            "successRate": success_rate,
            "window": window.as_secs(),
        }),
        AccrualKind::Never => return json!({ "kind": "none" }),
    };
    shown["backoff"] = match config.backoff {
        BackoffConfig::Constant { wait } => json!({ "kind": "constant", "ms": millis(wait) }),
        BackoffConfig::Jittered { min, max } => {
            json!({ "kind": "jittered", "minMs": millis(min), "maxMs": millis(max) })
        }
        BackoffConfig::EqualJittered { start, max } => {
            json!({ "kind": "equalJittered", "minMs": millis(start), "maxMs": millis(max) })
        }
    };
    shown
}

fn millis(time: Duration) -> Value {
    json!(in_millis(time))
}

fn in_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `/clients.json`: those of every router, by its label.
pub(crate) fn by_router(clients: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(clients.into_iter().collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_left_out_and_the_rest_reads_like_a_configuration() {
        insta::assert_json_snapshot!("defaults", config(&ClientConfig::default()));
        let full = ClientConfig {
            load_balancer: LoadBalancerConfig {
                kind: BalancerKind::Ewma { decay_time: Duration::from_secs(3), max_effort: 7 },
                enable_probation: true,
            },
            pool: PoolConfig {
                min_size: 1,
                max_size: Some(10),
                idle_time: Some(Duration::from_secs(5)),
                max_waiters: Some(3),
            },
            fail_fast: true,
            failure_accrual: FailureAccrualConfig {
                kind: AccrualKind::SuccessRate { success_rate: 0.5, requests: 20 },
                backoff: BackoffConfig::Constant { wait: Duration::from_millis(250) },
            },
            attempt_timeout: Some(Duration::from_millis(800)),
            max_in_flight: Some(100),
            ..ClientConfig::default()
        };
        insta::assert_json_snapshot!("full", config(&full));
    }

    #[test]
    fn an_endpoint_is_shown_with_what_keeps_requests_from_it() {
        let view = EndpointView {
            address: "127.0.0.1:8081".parse().unwrap(),
            weight: 1.0,
            busy: None,
            load: 2,
            cost: Some(Duration::from_micros(1500)),
            failures: 0,
            success_rate: None,
        };
        let busy =
            |busy| EndpointView { busy: Some(busy), failures: 5, cost: None, ..view.clone() };
        let rated = EndpointView { success_rate: Some(0.75), ..view.clone() };
        let views = [
            view.clone(),
            busy(Busy::Dead(Duration::from_secs(5))),
            busy(Busy::Probing),
            busy(Busy::FailedFast(Duration::from_millis(10))),
            rated,
        ];
        insta::assert_json_snapshot!(views.iter().map(ShownEndpoint::of).collect::<Vec<_>>());
    }
}
