//! `responseClassifier` of services.

use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::reader::{Field, Object};
use crate::config::value;

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
    /// `io.l5d.h2.grpc.…`: by the status of gRPC, which comes at the end of a response.
    Grpc(GrpcClassifierConfig),
}

impl ClassifierConfig {
    /// Whether the end of a response may tell that the request is to be sent again.
    pub fn may_retry_by_end(self) -> bool {
        matches!(self, ClassifierConfig::Grpc(grpc) if grpc.retryable != Codes::NONE)
    }
}

/// Which statuses of gRPC are what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrpcClassifierConfig {
    /// `successStatusCodes`; OK unless given.
    pub success: Codes,
    /// What may be tried again of the others.
    pub retryable: Codes,
    /// Whether an answer of HTTP that the gRPC specification takes for UNAVAILABLE may be, too: 429,
    /// 502, 503, 504.
    pub http: bool,
}

/// A set of gRPC status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes(u32);

impl Codes {
    /// No code.
    pub const NONE: Codes = Codes(0);
    /// Every code.
    pub const ALL: Codes = Codes(u32::MAX);
    /// Success.
    pub const OK: Codes = Codes(1);
    /// The service is not to be reached, and may be later.
    pub const UNAVAILABLE: Codes = Codes(1 << 14);

    /// Whether a code is one of them.
    pub fn has(self, code: u32) -> bool {
        1_u32.checked_shl(code).is_some_and(|bit| self.0 & bit != 0)
    }
}

impl FromIterator<u32> for Codes {
    /// Codes of 32 or more are left out: there are none.
    fn from_iter<I: IntoIterator<Item = u32>>(codes: I) -> Self {
        Codes(codes.into_iter().fold(0, |all, code| all | 1_u32.checked_shl(code).unwrap_or(0)))
    }
}

/// The largest code that gRPC has room for here; it has 0 to 16.
const MAX_CODE: i64 = 31;

/// A key of all gRPC classifiers.
pub(super) static SUCCESS_KEY: &[Key] = &[key(
    "successStatusCodes",
    Type::List(&Type::Integer(0, MAX_CODE)),
    Is("[0]"),
    "The gRPC statuses that count as success.",
)];

/// The key of `io.l5d.h2.grpc.retryableStatusCodes`.
pub(super) static RETRYABLE_KEY: &[Key] = &[key(
    "retryableStatusCodes",
    Type::List(&Type::Integer(0, MAX_CODE)),
    Required,
    "The gRPC statuses that may be tried again.",
)];

fn read_codes(field: &Field<'_>) -> Option<Codes> {
    let codes = field.list("status codes", value::integer::<u32>(0..=MAX_CODE))?;
    Some(codes.into_iter().collect())
}

fn read(object: &mut Object<'_>, retryable: Codes, http: bool) -> Option<ClassifierConfig> {
    let success = object.optional("successStatusCodes", read_codes).unwrap_or(Codes::OK);
    Some(ClassifierConfig::Grpc(GrpcClassifierConfig { success, retryable, http }))
}

pub(super) fn read_grpc_default(object: &mut Object<'_>) -> Option<ClassifierConfig> {
    read(object, Codes::UNAVAILABLE, false)
}

pub(super) fn read_grpc_compliant(object: &mut Object<'_>) -> Option<ClassifierConfig> {
    read(object, Codes::UNAVAILABLE, true)
}

pub(super) fn read_grpc_always(object: &mut Object<'_>) -> Option<ClassifierConfig> {
    read(object, Codes::ALL, false)
}

pub(super) fn read_grpc_never(object: &mut Object<'_>) -> Option<ClassifierConfig> {
    read(object, Codes::NONE, false)
}

pub(super) fn read_grpc_codes(object: &mut Object<'_>) -> Option<ClassifierConfig> {
    let retryable = object.required("retryableStatusCodes", read_codes);
    let classifier = read(object, retryable.unwrap_or(Codes::NONE), false);
    retryable.and(classifier)
}
