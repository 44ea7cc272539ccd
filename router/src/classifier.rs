//! Response classifiers: what counts as success, and what may be tried again.
//!
//! The class of a response feeds the counters of service and client, failure accrual, retries and
//! the header `l5d-success-class`. Which requests may be sent twice is a matter of their method (RFC
//! 9110, 9.2.2); the names of the classifiers are Linkerd's.

use http::{HeaderMap, Method, StatusCode};

use crate::config::kinds::{ClassifierConfig, GrpcClassifierConfig};
use crate::grpc;
use crate::http::headers::outcome;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Success,
    /// It may be sent again.
    RetryableFailure,
    Failure,
}

impl Class {
    pub(crate) fn is_success(self) -> bool {
        self == Class::Success
    }
}

/// What a request was answered with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome<'a> {
    Response(StatusCode, &'a HeaderMap),
    /// No response in time, or the connection broke before there was one.
    Broken,
    /// No response, and none is to be had by asking again: nobody takes the request.
    Unreachable,
}

/// Classifies an outcome; nothing if only the end of the response tells. `replayable` says whether the
/// request can be sent once more: one whose body has been streamed cannot.
///
/// As in Linkerd, `l5d-retryable: true` makes a failure retryable whatever the classifier says, since
/// a router further on knows that the request was not delivered.
pub(crate) fn classify(
    classifier: ClassifierConfig,
    method: &Method,
    outcome: Outcome<'_>,
    replayable: bool,
) -> Option<Class> {
    let class = match (outcome, classifier) {
        (Outcome::Response(status, headers), ClassifierConfig::Grpc(grpc)) => {
            match by_head(grpc, status, headers) {
                Some(Class::Failure) if outcome::is_retryable(headers) => Class::RetryableFailure,
                class => class?,
            }
        }
        (Outcome::Response(..), ClassifierConfig::AllSuccessful) => Class::Success,
        (Outcome::Response(status, headers), _) if status.is_server_error() => {
            if may_retry(classifier, method) || outcome::is_retryable(headers) {
                Class::RetryableFailure
            } else {
                Class::Failure
            }
        }
        (Outcome::Response(..), _) => Class::Success,
        (Outcome::Broken, _) if may_retry(classifier, method) => Class::RetryableFailure,
        (Outcome::Broken | Outcome::Unreachable, _) => Class::Failure,
    };
    Some(class.unless_sent_for_good(replayable))
}

/// Classifies what a response of gRPC ended with, which is nothing if it ended without trailers.
pub(crate) fn classify_end(
    classifier: ClassifierConfig,
    trailers: Option<&HeaderMap>,
    replayable: bool,
) -> Class {
    let ClassifierConfig::Grpc(grpc) = classifier else { return Class::Success };
    let status = trailers.and_then(grpc::status);
    status.map_or(Class::Failure, |status| by_status(grpc, status).unless_sent_for_good(replayable))
}

impl Class {
    fn unless_sent_for_good(self, replayable: bool) -> Self {
        match self {
            Class::RetryableFailure if !replayable => Class::Failure,
            class => class,
        }
    }
}

/// A response of gRPC that is all head has its status there; an answer of HTTP has none.
fn by_head(config: GrpcClassifierConfig, status: StatusCode, headers: &HeaderMap) -> Option<Class> {
    const UNAVAILABLE: [StatusCode; 4] = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    if let Some(status) = grpc::status(headers) {
        return Some(by_status(config, status));
    }
    if config.http && UNAVAILABLE.contains(&status) {
        return Some(Class::RetryableFailure);
    }
    (status.is_client_error() || status.is_server_error()).then_some(Class::Failure)
}

fn by_status(config: GrpcClassifierConfig, status: u32) -> Class {
    if config.success.has(status) {
        Class::Success
    } else if config.retryable.has(status) {
        Class::RetryableFailure
    } else {
        Class::Failure
    }
}

/// Whether a classifier allows requests of this method to be sent again.
fn may_retry(classifier: ClassifierConfig, method: &Method) -> bool {
    let read = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE);
    let idempotent = read || matches!(*method, Method::PUT | Method::DELETE);
    match classifier {
        ClassifierConfig::NonRetryable5xx
        | ClassifierConfig::AllSuccessful
        | ClassifierConfig::Grpc(_) => false,
        ClassifierConfig::RetryableRead5xx => read,
        ClassifierConfig::RetryableIdempotent5xx => idempotent,
        ClassifierConfig::RetryableAll5xx => {
            idempotent || matches!(*method, Method::POST | Method::PATCH)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use ClassifierConfig::*;

    fn class(classifier: ClassifierConfig, method: &Method, status: u16) -> Class {
        let status = StatusCode::from_u16(status).unwrap();
        classify(classifier, method, Outcome::Response(status, &HeaderMap::new()), true).unwrap()
    }

    /// The methods whose failures a classifier allows to be tried again.
    fn retried(classifier: ClassifierConfig) -> String {
        let methods = [
            "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "CONNECT", "LOCK",
        ];
        let retried = methods.into_iter().filter(|method| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            class(classifier, &method, 500) == Class::RetryableFailure
        });
        retried.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_classifier_retries_its_methods() {
        assert_eq!(retried(NonRetryable5xx), "");
        assert_eq!(retried(RetryableRead5xx), "GET HEAD OPTIONS TRACE");
        assert_eq!(retried(RetryableIdempotent5xx), "GET HEAD OPTIONS TRACE PUT DELETE");
        assert_eq!(retried(RetryableAll5xx), "GET HEAD OPTIONS TRACE PUT DELETE POST PATCH");
        assert_eq!(retried(AllSuccessful), "");
    }

    #[test]
    fn only_5xx_is_a_failure_and_not_even_that_if_all_is_well() {
        for classifier in
            [NonRetryable5xx, RetryableRead5xx, RetryableIdempotent5xx, RetryableAll5xx]
        {
            for status in [200, 204, 302, 404, 429] {
                assert_eq!(class(classifier, &Method::GET, status), Class::Success);
            }
            assert_ne!(class(classifier, &Method::GET, 503), Class::Success);
        }
        assert_eq!(class(AllSuccessful, &Method::GET, 500), Class::Success);
        let broken = classify(AllSuccessful, &Method::GET, Outcome::Broken, true);
        assert_eq!(broken, Some(Class::Failure), "no response is never a success");
    }

    #[test]
    fn broken_exchanges_are_retried_like_failures() {
        let broken =
            |classifier, method| classify(classifier, method, Outcome::Broken, true).unwrap();
        assert_eq!(broken(RetryableRead5xx, &Method::GET), Class::RetryableFailure);
        assert_eq!(broken(RetryableRead5xx, &Method::POST), Class::Failure);
        assert_eq!(broken(NonRetryable5xx, &Method::GET), Class::Failure);
    }

    #[test]
    fn what_a_router_says_was_not_delivered_may_be_sent_again() {
        let headers = HeaderMap::from_iter([(
            crate::http::headers::RETRYABLE,
            HeaderValue::from_static("true"),
        )]);
        let class = |status, replayable| {
            let outcome = Outcome::Response(status, &headers);
            classify(RetryableRead5xx, &Method::POST, outcome, replayable).unwrap()
        };
        assert_eq!(class(StatusCode::BAD_GATEWAY, true), Class::RetryableFailure);
        assert_eq!(class(StatusCode::BAD_GATEWAY, false), Class::Failure, "its body is gone");
        assert_eq!(class(StatusCode::OK, true), Class::Success);
    }

    fn grpc(success: &[u32], retryable: &[u32], http: bool) -> ClassifierConfig {
        let codes = |codes: &[u32]| codes.iter().copied().collect();
        Grpc(GrpcClassifierConfig { success: codes(success), retryable: codes(retryable), http })
    }

    fn trailers(status: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(grpc::STATUS, HeaderValue::from_static(status))])
    }

    #[test]
    fn a_call_of_grpc_is_judged_by_its_status_wherever_that_stands() {
        let config = grpc(&[0, 5], &[14], false);
        let head = |status, headers: &HeaderMap| {
            let status = StatusCode::from_u16(status).unwrap();
            classify(config, &Method::POST, Outcome::Response(status, headers), true)
        };
        assert_eq!(head(200, &HeaderMap::new()), None, "the end tells");
        assert_eq!(head(200, &trailers("14")), Some(Class::RetryableFailure), "it is all head");
        assert_eq!(head(503, &HeaderMap::new()), Some(Class::Failure), "no gRPC at all");
        let end = |trailers: Option<&HeaderMap>| classify_end(config, trailers, true);
        assert_eq!(end(Some(&trailers("0"))), Class::Success);
        assert_eq!(end(Some(&trailers("5"))), Class::Success);
        assert_eq!(end(Some(&trailers("14"))), Class::RetryableFailure);
        assert_eq!(end(Some(&trailers("13"))), Class::Failure);
        assert_eq!(end(Some(&HeaderMap::new())), Class::Failure, "no status is no success");
        assert_eq!(end(None), Class::Failure);
        assert_eq!(
            classify_end(config, Some(&trailers("14")), false),
            Class::Failure,
            "sent for good"
        );
    }

    #[test]
    fn a_compliant_classifier_takes_some_http_statuses_for_unavailable() {
        let class = |status, http| {
            let status = StatusCode::from_u16(status).unwrap();
            let outcome = Outcome::Response(status, &HeaderMap::new());
            classify(grpc(&[0], &[14], http), &Method::POST, outcome, true)
        };
        for status in [429, 502, 503, 504] {
            assert_eq!(class(status, true), Some(Class::RetryableFailure), "{status}");
            assert_eq!(class(status, false), Some(Class::Failure), "{status}");
        }
        assert_eq!(class(500, true), Some(Class::Failure));
    }
}
