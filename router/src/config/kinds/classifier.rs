//! `responseClassifier` of http services.

/// What counts as success, and what may be tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClassifierConfig {
    /// `io.l5d.http.nonRetryable5XX`: 5xx is a failure and never tried again.
    #[default]
    NonRetryable5xx,
    /// `io.l5d.http.retryableRead5XX`: failures of GET, HEAD, OPTIONS and TRACE may be tried again.
    RetryableRead5xx,
    /// `io.l5d.http.retryableIdempotent5XX`: those of PUT and DELETE, too.
    RetryableIdempotent5xx,
    /// `io.l5d.http.retryableAll5XX`: those of POST and PATCH, too.
    RetryableAll5xx,
    /// `io.l5d.http.allSuccessful`: every response is a success.
    AllSuccessful,
}
