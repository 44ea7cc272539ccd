//! The router's own answers to requests that it cannot send on.

use std::fmt::{self, Display};
use std::net::SocketAddr;
use std::sync::Arc;

use dtab::{Dtab, Path};
use http::{HeaderValue, Method, Response, StatusCode};

use super::bindings::{BindError, Entry};
use super::cause::Cause;
use crate::client::limit::Limit;
use crate::config::PoolConfig;
use crate::grpc;
use crate::http::body::ResponseBody;
use crate::http::errors::{self, ConnectionFailed, ErrorLimits, NoBrokers, UnknownDestination};
use crate::http::headers::{explanation, outcome};
use crate::identifier::IdentifyError;
use crate::interpreter::Interpreter;
use crate::naming::Binding;
use crate::tls;

/// Why a request is not sent on, and what its caller is told.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// What Linkerd says, in the body and in `l5d-err`.
    message: String,
    /// The same for callers who are not told about tables and addresses.
    brief: Option<String>,
    /// Why, in words; follows the message in the body.
    explanation: Option<String>,
    /// It is asked for in a header, too.
    in_header: bool,
    /// Surely not delivered, so that the caller may send it again.
    retryable: bool,
    /// What follows on the connection is not to be trusted.
    closes: bool,
    /// As what it is counted.
    cause: Cause,
    /// What the name is bound to, if that is why.
    binding: Option<Arc<Binding>>,
    /// The service has reset the stream with this code.
    reset: Option<h2::Reason>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Refusal {
            status,
            message,
            brief: None,
            explanation: None,
            in_header: false,
            retryable: false,
            closes: false,
            cause: Cause::Refused,
            binding: None,
            reset: None,
        }
    }

    /// The request itself is wrong.
    pub(crate) fn bad_request(error: impl Display) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, error.to_string())
    }

    /// The request can be read in two ways: the connection is closed with the answer.
    pub(crate) fn malformed(error: impl Display) -> Self {
        Refusal { closes: true, ..Refusal::bad_request(error) }
    }

    /// The request has no name.
    pub(crate) fn unidentified(
        error: &IdentifyError,
        method: &Method,
        target: &str,
        from: SocketAddr,
    ) -> Self {
        let message = match error.status() {
            StatusCode::BAD_REQUEST => {
                UnknownDestination { method, target, from, reason: error }.to_string()
            }
            _ => error.to_string(),
        };
        Refusal::new(error.status(), message)
    }

    /// The name has no binding: not in time (503), it cannot have one (502), or its override may not
    /// have it (400).
    pub(crate) fn unbound(error: &BindError, name: &Path, interpreter: &Interpreter) -> Self {
        let (status, message, binding) = match error {
            BindError::OutOfScope(violation) => return Refusal::bad_request(violation),
            BindError::Timeout(binding, timeout) => {
                let message =
                    format!("exceeded {} ms to dyn binding of {name}", timeout.as_millis());
                (StatusCode::SERVICE_UNAVAILABLE, message, binding)
            }
            BindError::Failed(failure, binding) => {
                (StatusCode::BAD_GATEWAY, failure.to_string(), binding)
            }
        };
        let explanation = Some(explain(binding, interpreter));
        let (cause, binding) = (Cause::Unbound, Some(binding.clone()));
        Refusal { explanation, cause, binding, ..Refusal::new(status, message) }
    }

    /// The name is bound to nothing, or to nobody.
    pub(crate) fn no_brokers(
        binding: &Arc<Binding>,
        entry: &Entry,
        interpreter: &Interpreter,
    ) -> Self {
        let (service, overrides) = (&entry.path, &entry.local);
        let (dtab, base) = (&Dtab::empty(), interpreter.base());
        let message = NoBrokers { service, dtab, base, overrides }.to_string();
        let brief = Some(format!("Unable to route request!\n\nservice name: {service}\n"));
        let explanation = Some(explain(binding, interpreter));
        let refusal = Refusal::new(StatusCode::BAD_GATEWAY, message);
        let (cause, binding) = (Cause::NoBrokers, Some(binding.clone()));
        Refusal { brief, explanation, cause, binding, ..refusal }
    }

    /// No endpoint takes a connection.
    pub(crate) fn unconnected(
        selected: SocketAddr,
        error: &std::io::Error,
        addresses: &[SocketAddr],
        service: &Path,
        client: &Path,
    ) -> Self {
        let message = ConnectionFailed { selected, addresses, service, client }.to_string();
        let brief = format!("Unable to establish connection.\n\nservice name: {service}\n");
        let explanation = Some(format!("{client}: {selected} takes no connection: {error}"));
        let refusal = Refusal::new(StatusCode::BAD_GATEWAY, message);
        Refusal { brief: Some(brief), explanation, cause: Cause::Unconnected, ..refusal }
    }

    /// The exchange broke.
    pub(crate) fn broken(selected: SocketAddr, error: &hyper::Error, unsent: bool) -> Self {
        // A service may refuse a handshake that it let us think was done.
        let why = tls::explain(error);
        let message = Chain(error).to_string();
        let why = why.as_ref().unwrap_or(&message);
        let explanation = Some(format!("{selected} broke off before it had answered: {why}"));
        let brief = Some("the service broke off before it had answered".to_owned());
        let refusal = Refusal::new(StatusCode::BAD_GATEWAY, message);
        let (reset, cause) = (reset_by_service(error), Cause::Broken);
        Refusal { brief, explanation, retryable: unsent, cause, reset, ..refusal }
    }

    /// There was no answer in time.
    pub(crate) fn timeout(limit: Limit, entry: &Entry) -> Self {
        let message = format!("{limit} from {}", entry.path);
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
        Refusal { cause: Cause::of_limit(limit), ..refusal }
    }

    /// As many requests as may wait for a connection to the endpoint already do.
    pub(crate) fn too_many_waiters(selected: SocketAddr, client: &Path, pool: PoolConfig) -> Self {
        let most = pool.max_waiters.unwrap_or(u32::MAX);
        let message = format!("{most} requests already wait for a connection (maxWaiters)");
        let explanation = Some(format!("{client}: all connections to {selected} are in use"));
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
        Refusal { explanation, retryable: true, cause: Cause::TooManyWaiters, ..refusal }
    }

    /// As many requests as the bound name may have are under way.
    pub(crate) fn too_many_in_flight(limit: u32, client: &Path) -> Self {
        let message = format!("{limit} requests are already under way (maxInFlight)");
        let explanation = Some(format!("{client}: it gets no more at a time"));
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
        Refusal { explanation, retryable: true, cause: Cause::TooManyInFlight, ..refusal }
    }

    /// With what the stream is reset instead, if the service has reset its own.
    pub(crate) fn reset(&self) -> Option<Reset> {
        self.reset.map(|reason| Reset(reason.into()))
    }

    /// The status that the caller gets.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Why, for those who may know all.
    pub(crate) fn reason(&self) -> &str {
        self.explanation.as_ref().unwrap_or(&self.message)
    }

    /// What the name is bound to, if that is why.
    pub(crate) fn binding(&self) -> Option<&Arc<Binding>> {
        self.binding.as_ref()
    }

    /// As what it is counted.
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }

    /// The same, with the explanation also in the header that was asked for.
    pub(crate) fn explained_in_header(self, asked: bool) -> Self {
        Refusal { in_header: asked, ..self }
    }

    /// The answer. Tables, addresses and reasons are for callers who are trusted. A call of gRPC gets
    /// a status of gRPC.
    pub(crate) fn respond(
        self,
        limits: ErrorLimits,
        trusted: bool,
        is_call: bool,
    ) -> Response<ResponseBody> {
        let message = match self.brief {
            Some(brief) if !trusted => brief,
            _ => self.message,
        };
        let mut response = errors::respond(self.status, &message, limits);
        let mut text = None;
        if let Some(why) = self.explanation.filter(|_| trusted) {
            let gap = if message.ends_with('\n') { "" } else { "\n\n" };
            text = Some(format!("{message}{gap}why: {why}\n"));
            if self.in_header {
                explanation::write(response.headers_mut(), &why);
            }
        }
        if self.retryable {
            outcome::set_retryable(response.headers_mut());
        }
        if is_call {
            let code = match self.cause {
                Cause::TotalTimeout | Cause::AttemptTimeout => grpc::Code::DeadlineExceeded,
                _ => grpc::Code::of_http(self.status),
            };
            *response.status_mut() = StatusCode::OK;
            grpc::answer(response.headers_mut(), code, text.as_ref().unwrap_or(&message));
            return response.map(|_| ResponseBody::empty());
        }
        if let Some(text) = text {
            *response.body_mut() = text.into();
        }
        if self.closes {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(http::header::CONNECTION, close);
        }
        let length = response.body().len();
        response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
        response.map(ResponseBody::from)
    }
}

/// Why a stream of HTTP/2 gets no response: it is reset.
#[derive(Debug, thiserror::Error)]
#[error("reset")]
pub(crate) struct Reset(#[source] h2::Error);

/// The code with which a service has reset a stream.
fn reset_by_service(error: &hyper::Error) -> Option<h2::Reason> {
    let error = h2_error(error)?;
    (error.is_reset() && error.is_remote()).then(|| error.reason())?
}

/// What HTTP/2 says of an exchange that broke.
pub(crate) fn h2_error(error: &hyper::Error) -> Option<&h2::Error> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// Why the name resolves as it does, in one line. For trusted callers: it names tables and places.
pub(crate) fn explain(binding: &Binding, interpreter: &Interpreter) -> String {
    let why = dtab::view::explain_short(&binding.delegation, &interpreter.namers().prefixes());
    match &binding.stale {
        Some(failure) => format!("{why} (last good state; now {failure})"),
        None => why,
    }
}

/// An error and what caused it.
struct Chain<'e>(&'e dyn std::error::Error);

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
