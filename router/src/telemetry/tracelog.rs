//! `io.l5d.tracelog`: a line in the program's log for each exchange of a sampled trace.
//!
//! The lines are of the logger `tracelog`, whose level can be changed on the admin server like any
//! other's.

use tracing::level_filters::LevelFilter;

use super::tap::Exchange;
use crate::config::kinds::TracelogConfig;

/// Logs the exchanges of sampled traces.
#[derive(Clone, Debug)]
pub(crate) struct Tracelog {
    rate: f64,
    level: LevelFilter,
}

impl Tracelog {
    pub(crate) fn new(config: &TracelogConfig) -> Self {
        Tracelog { rate: config.sample_rate, level: config.level }
    }

    pub(super) fn record(&self, exchange: &Exchange<'_>) {
        let Some(level) = self.level.into_level() else { return };
        if !exchange.is_sampled(self.rate) {
            return;
        }
        // The level of an event is part of the program, so there is one of each.
        match level {
            tracing::Level::ERROR => tracing::error!(target: "tracelog", "{}", line(exchange)),
            tracing::Level::WARN => tracing::warn!(target: "tracelog", "{}", line(exchange)),
            tracing::Level::INFO => tracing::info!(target: "tracelog", "{}", line(exchange)),
            tracing::Level::DEBUG => tracing::debug!(target: "tracelog", "{}", line(exchange)),
            tracing::Level::TRACE => tracing::trace!(target: "tracelog", "{}", line(exchange)),
        }
    }
}

/// `TIME TRACE SERVICE CLIENT ENDPOINT STATUS MS`: names have no spaces, and `-` stands for what there
/// is none of.
fn line(exchange: &Exchange<'_>) -> String {
    let Exchange { ended, service, client, endpoint, response, attempt, .. } = exchange;
    let endpoint = endpoint.map_or_else(|| "-".to_owned(), |endpoint| endpoint.to_string());
    let status = response.map_or("-".to_owned(), |response| response.status.as_u16().to_string());
    let (trace, ms) = (exchange.trace_hex(), attempt.as_micros() as f64 / 1000.0);
    format!("{ended:.3} {trace} {service} {client} {endpoint} {status} {ms}ms")
}

#[cfg(test)]
mod tests {
    use super::super::tap::tests::with_exchange;
    use super::*;

    #[test]
    fn a_line_has_the_trace_the_names_the_endpoint_and_what_came_of_it() {
        let mut lines = String::new();
        with_exchange(|_| {}, |exchange| lines += &(line(exchange) + "\n"));
        let none = |exchange: &mut Exchange<'_>| {
            exchange.response = None;
            exchange.endpoint = None;
            exchange.trace.trace_high = Some(7);
        };
        with_exchange(none, |exchange| lines += &(line(exchange) + "\n"));
        insta::assert_snapshot!(lines, @r"
        2026-11-25T12:00:00.250Z 0000000000001234 /svc/web /#/io.l5d.fs/web 127.0.0.1:8081 200 1.5ms
        2026-11-25T12:00:00.250Z 00000000000000070000000000001234 /svc/web /#/io.l5d.fs/web - - 1.5ms
        ");
    }
}
