//! What a response counts as, if only its end tells.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use http::{HeaderMap, StatusCode};

use crate::accrual::Outcome;
use crate::balance;
use crate::classifier::{Class, classify_end};
use crate::config::kinds::ClassifierConfig;
use crate::http::headers::outcome;
use crate::proxy::cause::Cause;
use crate::proxy::stats;

/// Judges one response at its end: its attempt is counted then, its endpoint credited, and its caller
/// told in the trailers.
pub(crate) struct Judge {
    pub(crate) classifier: ClassifierConfig,
    pub(crate) status: StatusCode,
    pub(crate) counted: stats::Attempt,
    /// When the head of the response came: latency is that of the head.
    pub(crate) head_at: Instant,
    /// Whether the request can be sent once more.
    pub(crate) replayable: bool,
    /// What it came to.
    pub(crate) verdict: Rc<Cell<Option<Class>>>,
    pub(crate) told: Vec<Box<dyn FnOnce(Class)>>,
}

impl Judge {
    pub(super) fn tells(&mut self, told: Box<dyn FnOnce(Class)>) {
        self.told.push(told);
    }

    /// The response has ended, with these trailers if with any.
    pub(super) fn ends(self, trailers: Option<&mut HeaderMap>, attempt: &balance::Attempt) {
        let class = classify_end(self.classifier, trailers.as_deref(), self.replayable);
        if let Some(trailers) = trailers
            && outcome::success_class(trailers).is_none()
        {
            outcome::set_success_class(trailers, class.is_success());
        }
        self.counted.end(Ok(self.status), class, self.head_at);
        self.ended(class, attempt);
    }

    /// The response broke.
    pub(super) fn broke(self, attempt: &balance::Attempt) {
        self.counted.end(Err(Cause::Broken), Class::Failure, self.head_at);
        self.ended(Class::Failure, attempt);
    }

    fn ended(self, class: Class, attempt: &balance::Attempt) {
        let outcome = if class.is_success() { Outcome::Success } else { Outcome::Failure };
        attempt.finished(outcome, self.head_at);
        self.verdict.set(Some(class));
        for told in self.told {
            told(class);
        }
    }
}
