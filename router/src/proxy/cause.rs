//! Why a request failed, as metrics name it: `failures/<name>`.
//!
//! Names are few and fixed, so that no caller or service can make more of them. Where Linkerd has a name
//! for the same, which is that of a Java class, it is kept, since dashboards look for it.

use crate::client::limit::Limit;

/// Why a request or an attempt counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is a response, and it counts as a failure.
    Response,
    /// The name is bound to nothing, or to nobody.
    NoBrokers,
    /// The name could not be bound, or not in time.
    Unbound,
    /// No endpoint takes a connection.
    Unconnected,
    /// The exchange broke.
    Broken,
    /// There was no response within `requestAttemptTimeoutMs`.
    AttemptTimeout,
    /// There was no response within `totalTimeoutMs`.
    TotalTimeout,
    /// Too many requests wait for a connection.
    TooManyWaiters,
    /// Too many requests are under way.
    TooManyInFlight,
    /// Anything else that is wrong with the request.
    Refused,
}

impl Cause {
    /// The limit that was reached.
    pub(crate) fn of_limit(limit: Limit) -> Self {
        if limit.is_of("requestAttemptTimeoutMs") {
            Cause::AttemptTimeout
        } else {
            Cause::TotalTimeout
        }
    }

    /// The last element of the metric's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cause::Response => {
                "com.twitter.finagle.service.ResponseClassificationSyntheticException"
            }
            Cause::NoBrokers => {
                "com.twitter.finagle.naming.buoyant.RichNoBrokersAvailableException"
            }
            Cause::Unbound => "unbound",
            Cause::Unconnected => {
                "com.twitter.finagle.naming.buoyant.RichConnectionFailedExceptionWithPath"
            }
            Cause::Broken => "com.twitter.finagle.ChannelClosedException",
            Cause::AttemptTimeout => "com.twitter.finagle.IndividualRequestTimeoutException",
            Cause::TotalTimeout => "com.twitter.finagle.GlobalRequestTimeoutException",
            Cause::TooManyWaiters => "com.twitter.finagle.TooManyWaitersException",
            Cause::TooManyInFlight => "max_in_flight",
            Cause::Refused => "refused",
        }
    }
}
