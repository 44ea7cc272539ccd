//! The access log of a router: one line for each exchange with a service that brought a response.
//!
//! A retry is an exchange of its own and has its own line; what never reached a service, or brought
//! no response, has none. Workers never wait for the disk: each formats its lines into a buffer that
//! only it fills, and a thread of the log's own takes the buffers away and writes them ([`writer`]).
//! A buffer has a limit ([`writer::BUFFER`]); lines that find no room are dropped and counted in
//! `rt/<router>/access_log/dropped`. Lines of one worker are in the order in which their exchanges
//! ended, those of different workers within about 10 ms of it.
//!
//! When and how files are rolled is in [`roll`], what a line looks like in [`line`].

pub(crate) mod line;
mod roll;
mod writer;

use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::tz::TimeZone;

use self::line::LineFormat;
use self::roll::LogFile;
use self::writer::{Buffer, Writer};
use crate::config::{AccessLogConfig, AccessLogFormat};
use crate::telemetry::tap::Exchange;
use crate::telemetry::{Counter, Scope};

/// The access log as all workers have it. It is written out and closed when it is dropped.
pub(crate) struct AccessLog {
    format: AccessLogFormat,
    metrics: Scope,
    writer: Writer,
}

/// The access log as one worker has it.
pub(crate) struct LocalAccessLog {
    format: LineFormat,
    buffer: Arc<Buffer>,
    writer: std::thread::Thread,
    dropped: Counter,
    /// The line being made.
    line: Vec<u8>,
}

impl AccessLog {
    /// Opens the file. `router` is the place of the router in the tree of metrics.
    pub(crate) fn open(config: &AccessLogConfig, router: &Scope) -> io::Result<Self> {
        let metrics = router.scope("access_log");
        let file = LogFile::open(config, TimeZone::system())?;
        let writer = Writer::start(file, &metrics)?;
        Ok(AccessLog { format: config.format, metrics, writer })
    }

    /// A worker's part of it.
    pub(crate) fn local(&self) -> LocalAccessLog {
        LocalAccessLog {
            format: LineFormat::new(self.format, TimeZone::system()),
            buffer: self.writer.buffer(),
            writer: self.writer.thread(),
            dropped: self.metrics.counter("dropped"),
            line: Vec::with_capacity(256),
        }
    }

    /// Opens the file anew by its name, as after a program that rotates logs has moved it away.
    pub(crate) fn reopen(&self) {
        self.writer.reopen();
    }

    /// Writes out what workers have logged up to now.
    pub(crate) fn flush(&self) {
        self.writer.flush();
    }
}

impl LocalAccessLog {
    /// Logs an exchange, if it has brought a response.
    pub(crate) fn record(&mut self, exchange: &Exchange<'_>) {
        self.line.clear();
        if !self.format.write(exchange, &mut self.line) {
            return;
        }
        match self.buffer.push(&self.line) {
            writer::Pushed::First => self.writer.unpark(),
            writer::Pushed::Behind => {}
            writer::Pushed::Full => self.dropped.incr(),
        }
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog").field("format", &self.format).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
