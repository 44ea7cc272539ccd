//! Messages on a stream: headers, an empty line, and JSON of `Content-Length` bytes.
//!
//! What cannot be understood is told apart from what has ended, so that one bad message does not end
//! the session.

use std::io::{self, BufRead, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use lsp_server::{ErrorCode, Message, Notification, RequestId, Response, ResponseError};
use serde_json::{Value, json};

/// The largest message that is read; a larger one is skipped. A table of 64 MiB is none.
const MAX_BODY: u64 = 64 << 20;

/// The longest line of a head that is looked at.
const MAX_LINE: u64 = 4096;

/// What came from the client.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message.
    Message(Message),
    /// Something else.
    Malformed {
        /// What its answer is for, if that can be seen.
        id: Value,
        /// In which way it is wrong.
        code: ErrorCode,
        /// The same in words.
        why: String,
    },
}

impl Incoming {
    fn malformed(code: ErrorCode, why: impl Into<String>) -> Self {
        Incoming::Malformed { id: Value::Null, code, why: why.into() }
    }

    fn of(body: &[u8]) -> Self {
        let value: Value = match serde_json::from_slice(body) {
            Ok(value) => value,
            Err(error) => {
                return Incoming::malformed(ErrorCode::ParseError, format!("not JSON: {error}"));
            }
        };
        let id = value.get("id").filter(|id| id.is_string() || id.is_number()).cloned();
        // A list of the right length would be taken for an object.
        let message = if value.is_object() { serde_json::from_value(value).ok() } else { None };
        match message {
            Some(message) => Incoming::Message(message),
            None => Incoming::Malformed {
                id: id.unwrap_or_default(),
                code: ErrorCode::InvalidRequest,
                why: "neither a request nor a notification nor a response".to_owned(),
            },
        }
    }
}

/// The next message; `None` at the end.
pub(super) fn read(from: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let mut length = None;
    let mut headers = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        if from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let header = line.trim_ascii();
        if !header.is_empty() {
            headers += 1;
            length = content_length(header).or(length);
        } else if let Some(length) = length {
            return body(from, length);
        } else if headers > 0 {
            let why = "a message needs the header Content-Length";
            return Ok(Some(Incoming::malformed(ErrorCode::ParseError, why)));
        }
    }
}

fn content_length(header: &[u8]) -> Option<u64> {
    let (name, value) = std::str::from_utf8(header).ok()?.split_once(':')?;
    let named = name.trim().eq_ignore_ascii_case("content-length");
    named.then(|| value.trim().parse().ok()).flatten()
}

fn body(from: &mut impl BufRead, length: u64) -> io::Result<Option<Incoming>> {
    if length > MAX_BODY {
        io::copy(&mut from.take(length), &mut io::sink())?;
        let why = format!("a message of more than {} MiB", MAX_BODY >> 20);
        return Ok(Some(Incoming::malformed(ErrorCode::InvalidRequest, why)));
    }
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body)?;
    let whole = body.len() as u64 == length;
    Ok(whole.then(|| Incoming::of(&body)))
}

/// Why a request is not answered.
pub(super) fn refusal(code: ErrorCode, why: impl Into<String>) -> ResponseError {
    ResponseError { code: code as i32, message: why.into(), data: None }
}

/// The client, as it is written to, by whoever has an answer.
#[derive(Clone)]
pub(super) struct Client {
    out: Arc<Mutex<dyn Write + Send>>,
}

impl Client {
    /// The client that reads `out`.
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Client { out: Arc::new(Mutex::new(out)) }
    }

    /// Answers a request.
    pub(super) fn answer(&self, id: RequestId, result: Result<Value, ResponseError>) {
        self.send(&Response { id, response_result: result }.into());
    }

    /// Answers what was no request.
    pub(super) fn refuse(&self, id: &Value, code: ErrorCode, why: &str) {
        let error = json!({ "code": code as i32, "message": why });
        self.write(&json!({ "jsonrpc": "2.0", "id": id, "error": error }));
    }

    /// Tells something unasked.
    pub(super) fn notify<N: lsp_types::notification::Notification>(&self, params: &N::Params) {
        let method = N::METHOD.to_owned();
        if let Ok(params) = serde_json::to_value(params) {
            self.send(&Notification { method, params }.into());
        }
    }

    fn send(&self, message: &Message) {
        if let Ok(mut value) = serde_json::to_value(message) {
            value["jsonrpc"] = "2.0".into();
            self.write(&value);
        }
    }

    /// A client that does not read any more has also stopped writing, which ends the session.
    fn write(&self, message: &Value) {
        let text = message.to_string();
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = write!(out, "Content-Length: {}\r\n\r\n{text}", text.len());
        let _ = out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a stream, in short.
    fn told(mut stream: &[u8]) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(incoming) = read(&mut stream).expect("memory is read") {
            told.push(match incoming {
                Incoming::Message(Message::Notification(it)) => it.method,
                Incoming::Message(other) => format!("{other:?}"),
                Incoming::Malformed { id, why, .. } => format!("{id}: {why}"),
            });
        }
        told
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn heads_are_read_as_people_write_them() {
        let body = r#"{"method":"a"}"#;
        let other = format!("X: y\ncontent-length:{}\nContent-Type: é\n\n{body}", body.len());
        assert_eq!(told((framed(body) + &other).as_bytes()), ["a", "a"]);
    }

    #[test]
    fn what_is_no_message_is_told_and_the_next_one_is_read() {
        let good = framed(r#"{"method":"a"}"#);
        let not_json = framed("{");
        let no_request = framed(r#"{"id":7,"method":8}"#);
        let no_length = "X: y\r\n\r\n";
        let stream = [not_json.as_str(), &good, &no_request, &good, no_length, &good].concat();
        let told = told(stream.as_bytes());
        assert!(told[0].starts_with("null: not JSON: EOF"), "{}", told[0]);
        assert!(told[2].starts_with("7: neither a request"), "{}", told[2]);
        assert_eq!(told[4], "null: a message needs the header Content-Length");
        assert_eq!([&told[1], &told[3], &told[5]], ["a"; 3]);
    }

    #[test]
    fn a_length_is_believed_only_as_far_as_bytes_come() {
        assert!(told(b"Content-Length: 67108864\r\n\r\n{}").is_empty());
        assert_eq!(
            told(b"Content-Length: 18446744073709551615\r\n\r\n{}"),
            ["null: a message of more than 64 MiB"]
        );
    }
}
