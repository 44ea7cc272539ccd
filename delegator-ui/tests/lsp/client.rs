//! An editor, as far as a language server notices: messages, open texts, and changes to them.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long anything may take that happens at once. Whatever hangs fails by this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A session with the built binary.
pub(crate) struct Editor {
    child: Child,
    stdin: Option<ChildStdin>,
    incoming: Receiver<Value>,
    /// What was told while something else was waited for.
    told: VecDeque<Value>,
    next_id: i64,
    texts: HashMap<String, (i64, String)>,
    /// What the server said of itself.
    pub(crate) capabilities: Value,
}

impl Editor {
    /// The binary with these arguments, not yet initialized.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fingerpost"))
            .arg("lsp")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, incoming) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut stdout) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let stdin = child.stdin.take();
        Editor {
            child,
            stdin,
            incoming,
            told: VecDeque::new(),
            next_id: 0,
            texts: HashMap::new(),
            capabilities: Value::Null,
        }
    }

    /// A session that has begun, of an editor that draws Markdown.
    pub(crate) fn with(args: &[&str], options: &Value) -> Self {
        let mut editor = Editor::start(args);
        let params = json!({
            "processId": null,
            "rootUri": null,
            "initializationOptions": options,
            "capabilities": { "textDocument": {
                "hover": { "contentFormat": ["markdown", "plaintext"] },
                "publishDiagnostics": { "relatedInformation": true },
            }},
        });
        editor.initialize(&params);
        editor
    }

    pub(crate) fn initialize(&mut self, params: &Value) {
        let result = self.ask("initialize", params);
        assert_eq!(result["serverInfo"]["name"], "fingerpost");
        self.capabilities = result["capabilities"].clone();
        self.tell("initialized", &json!({}));
    }

    /// Bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("the session goes on");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("the server reads");
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.send_raw(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    pub(crate) fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request, whose answer is taken later.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The next message of which this is true; others wait for whoever asks for them.
    fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.told.iter().position(&wanted) {
            return self.told.remove(at).expect("it is there");
        }
        loop {
            let message = self.incoming.recv_timeout(PATIENCE).expect("the server answers");
            assert_eq!(message["jsonrpc"], "2.0", "{message}");
            if wanted(&message) {
                return message;
            }
            self.told.push_back(message);
        }
    }

    /// The answer to a request, right or wrong.
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        self.wait(|message| message.get("method").is_none() && message["id"] == *id)
    }

    /// What a request is answered with.
    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.request(method, params);
        let mut answer = self.answer(&id.into());
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].take()
    }

    /// The code and words with which a request is refused.
    #[track_caller]
    pub(crate) fn ask_in_vain(&mut self, method: &str, params: &Value) -> (i64, String) {
        let id = self.request(method, params);
        let answer = self.answer(&id.into());
        let error = &answer["error"];
        let message = error["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
        (error["code"].as_i64().expect("a code"), message.to_owned())
    }

    /// What the server wants to be shown.
    pub(crate) fn shown(&mut self) -> String {
        let message = self.wait(|message| message["method"] == "window/showMessage");
        message["params"]["message"].as_str().expect("words").to_owned()
    }

    /// Opens a text, and gives what is found in it.
    pub(crate) fn open(&mut self, uri: &str, language: &str, text: &str) -> Vec<Value> {
        self.texts.insert(uri.to_owned(), (1, text.to_owned()));
        let item = json!({ "uri": uri, "languageId": language, "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": item }));
        self.found(uri)
    }

    /// The findings of the present version of a text.
    pub(crate) fn found(&mut self, uri: &str) -> Vec<Value> {
        let version = self.texts.get(uri).map(|(version, _)| *version);
        let mut message = self.wait(|message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && params["version"].as_i64() == version
        });
        match message["params"]["diagnostics"].take() {
            Value::Array(found) => found,
            other => panic!("{other} is no list"),
        }
    }

    pub(crate) fn close(&mut self, uri: &str) {
        self.texts.remove(uri);
        self.tell("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
    }

    pub(crate) fn text(&self, uri: &str) -> &str {
        &self.texts[uri].1
    }

    /// Makes changes of the text, tells the server, and gives what is found then. The changes are as
    /// in a `TextEdit`: all of the same text.
    pub(crate) fn edit(&mut self, uri: &str, edits: &[Value]) -> Vec<Value> {
        let (version, text) = self.texts.get_mut(uri).expect("it is open");
        let mut edits: Vec<_> = edits
            .iter()
            .map(|edit| {
                let new = edit["newText"].as_str().expect("a text");
                (
                    offset(text, &edit["range"]["start"]),
                    offset(text, &edit["range"]["end"]),
                    new,
                    edit,
                )
            })
            .collect();
        edits.sort_by_key(|(start, ..)| *start);
        let mut changes = Vec::new();
        // From the last to the first, so that none moves those still to come.
        for (start, end, new, edit) in edits.into_iter().rev() {
            text.replace_range(start..end, new);
            changes.push(json!({ "range": edit["range"], "text": new }));
        }
        *version += 1;
        let document = json!({ "uri": uri, "version": *version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.tell("textDocument/didChange", &params);
        self.found(uri)
    }

    /// Puts a whole new text in the place of the present one.
    pub(crate) fn replace(&mut self, uri: &str, new: &str) -> Vec<Value> {
        let (version, text) = self.texts.get_mut(uri).expect("it is open");
        new.clone_into(text);
        *version += 1;
        let document = json!({ "uri": uri, "version": *version });
        let params = json!({ "textDocument": document, "contentChanges": [{ "text": new }] });
        self.tell("textDocument/didChange", &params);
        self.found(uri)
    }

    /// The parameters of a request about the place `into` bytes behind the start of a word.
    pub(crate) fn at(&self, uri: &str, word: &str, into: usize) -> Value {
        let text = self.text(uri);
        let offset = text.find(word).unwrap_or_else(|| panic!("{word} is in {text}")) + into;
        json!({ "textDocument": { "uri": uri }, "position": position(text, offset) })
    }

    /// What is at a range.
    pub(crate) fn slice(&self, uri: &str, range: &Value) -> &str {
        let text = self.text(uri);
        &text[offset(text, &range["start"])..offset(text, &range["end"])]
    }

    /// What is shown with the pointer on a word.
    pub(crate) fn hover(&mut self, uri: &str, word: &str, into: usize) -> String {
        let params = self.at(uri, word, into);
        let hover = self.ask("textDocument/hover", &params);
        let words = hover["contents"]["value"].as_str();
        words.unwrap_or_else(|| panic!("{hover} says nothing")).to_owned()
    }

    /// `line: text` of each location in an answer.
    pub(crate) fn places(&self, locations: &Value) -> Vec<String> {
        let locations = locations.as_array().expect("a list");
        let place = |location: &Value| {
            let uri = location["uri"].as_str().expect("a URI");
            let line = location["range"]["start"]["line"].as_u64().expect("a line") + 1;
            format!("{line}: {}", self.slice(uri, &location["range"]))
        };
        locations.iter().map(place).collect()
    }

    /// Ends the session as the protocol has it; the status.
    pub(crate) fn shut_down(mut self) -> Option<i32> {
        assert_eq!(self.ask("shutdown", &Value::Null), Value::Null);
        self.tell("exit", &Value::Null);
        self.status()
    }

    /// Hangs up, and waits for the status.
    pub(crate) fn hang_up(mut self) -> Option<i32> {
        self.stdin = None;
        self.status()
    }

    /// The status of a server that is at its end. It has closed its output by then.
    pub(crate) fn status(&mut self) -> Option<i32> {
        let closed = loop {
            match self.incoming.recv_timeout(PATIENCE) {
                Ok(_) => {}
                Err(closed) => break closed,
            }
        };
        assert_eq!(closed, std::sync::mpsc::RecvTimeoutError::Disconnected, "it goes on");
        self.child.wait().expect("it has ended").code()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // One that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(from: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(value) => length = value.parse().ok(),
            None if line == "\r\n" => break,
            None => panic!("{line:?} is no header"),
        }
    }
    let mut body = vec![0; length.expect("a length")];
    from.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}

/// From a position in UTF-16 to bytes.
fn offset(text: &str, position: &Value) -> usize {
    let number = |key: &str| position[key].as_u64().expect("a number") as usize;
    let start: usize = text.split_inclusive('\n').take(number("line")).map(str::len).sum();
    let mut units = 0;
    let mut end = start;
    for char in text[start..].chars() {
        if units >= number("character") {
            break;
        }
        units += char.len_utf16();
        end += char.len_utf8();
    }
    end
}

fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    let line = before.matches('\n').count();
    let last = before.rsplit('\n').next().unwrap_or_default();
    json!({ "line": line, "character": last.encode_utf16().count() })
}
