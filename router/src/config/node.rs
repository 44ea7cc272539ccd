//! The spanned tree of a YAML or JSON document.
//!
//! Built from parser events, with the byte range of every key and value, before any type is known:
//! whether `4140` is an integer or a text is decided by who reads it, as Linkerd's (Jackson's)
//! type-driven scalars are.
//!
//! Refused here, since no reading of them could be right: a key given twice, several documents,
//! anchors, aliases and tags, keys that are not text, more than [`MAX_DEPTH`] levels, more than
//! [`MAX_NODES`] values. A `null` stays in the tree; a reader treats it as an absent key, as
//! Linkerd does.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::error::{Code, clip};
use super::json;
use super::reader::{Context, DocumentKind};

/// Levels of lists and maps.
pub(crate) const MAX_DEPTH: usize = 64;

/// Values in a document: a bound on memory, far above what a configuration has.
pub(crate) const MAX_NODES: usize = 500_000;

/// A value and where it is.
#[derive(Debug)]
pub(crate) struct Node {
    /// Unique in its document.
    pub(crate) id: usize,
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
pub(crate) struct Scalar {
    /// The value after unescaping and folding.
    pub(crate) text: String,
    pub(crate) style: ScalarStyle,
}

impl Scalar {
    /// Written without quotes, so that it may be a number, a boolean or null.
    pub(crate) fn is_plain(&self) -> bool {
        self.style == ScalarStyle::Plain
    }
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    /// An empty value, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar(scalar) => {
                scalar.is_plain()
                    && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// What it is, for "expected X, found Y".
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "an object".to_owned(),
            Value::Scalar(_) if self.is_null() => "nothing".to_owned(),
            Value::Scalar(scalar) if scalar.is_plain() => format!("`{}`", clip(&scalar.text)),
            Value::Scalar(scalar) => format!("the quoted text \"{}\"", clip(&scalar.text)),
        }
    }

    /// The entries of a map; nothing for other values.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }
}

/// Reads the document of `cx`, reporting what is wrong. `None` when there is no tree to go on with:
/// a syntax error, or an empty document.
pub(crate) fn parse(cx: &Context) -> Option<Node> {
    let text = cx.source().text();
    let is_json = text.trim_start().starts_with('{');
    let masked;
    let input = if is_json {
        if let Err((offset, message)) = json::check(text) {
            cx.error(Code::Syntax, char_at(text, offset), "", format!("not JSON: {message}"))
                .help(format!(
                    "a {} that begins with `{{` is JSON: keys and texts in double quotes, no comments",
                    cx.kind().noun
                ));
            return None;
        }
        masked = json::mask(text);
        masked.as_str()
    } else {
        text
    };
    let mut builder = Builder {
        cx,
        offsets: Offsets::new(input),
        is_json,
        stack: Vec::new(),
        root: None,
        documents: 0,
        nodes: 0,
    };
    for event in Parser::new_from_str(input) {
        match event {
            Ok((event, span)) => builder.event(event, &span).ok()?,
            Err(error) => {
                let span = char_at(text, builder.offsets.byte(error.marker().index()));
                builder.syntax_error(span, error.info());
                return None;
            }
        }
    }
    let root = builder.root.filter(|root| !root.is_null());
    if root.is_none() {
        let DocumentKind { noun, needs } = cx.kind();
        cx.error(Code::Missing, 0..0, "", format!("the {noun} is empty")).help(needs);
    }
    root
}

/// The character at `offset`, or an empty range at the end of the text.
fn char_at(text: &str, offset: usize) -> Range<usize> {
    let start = text.floor_char_boundary(offset);
    let len = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    start..start + len
}

/// From the parser's offsets, in characters, to bytes.
enum Offsets {
    Ascii(usize),
    Table(Vec<usize>),
}

impl Offsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            Self::Ascii(text.len())
        } else {
            Self::Table(
                text.char_indices()
                    .map(|(byte, _)| byte)
                    .chain(std::iter::once(text.len()))
                    .collect(),
            )
        }
    }

    fn byte(&self, index: usize) -> usize {
        match self {
            Self::Ascii(len) => index.min(*len),
            Self::Table(table) => table.get(index).or(table.last()).copied().unwrap_or(0),
        }
    }
}

/// What is refused, and what to do instead.
const ALIAS: (&str, &str) = ("an alias (`*name`)", "write the value out where it is needed");

/// The document cannot be read further; the error is reported.
struct Stop;

enum Frame {
    List {
        start: usize,
        items: Vec<Node>,
    },
    Map {
        start: usize,
        entries: Vec<Entry>,
        seen: HashMap<String, Range<usize>>,
        key: Option<(String, Range<usize>)>,
    },
}

struct Builder<'a> {
    cx: &'a Context,
    offsets: Offsets,
    is_json: bool,
    stack: Vec<Frame>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Stop> {
        let span = self.offsets.byte(span.start.index())..self.offsets.byte(span.end.index());
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return self.refuse(
                        &span,
                        "a second document",
                        &format!("a {} is one document; remove the `---`", self.cx.kind().noun),
                    );
                }
            }
            Event::Alias(_) => return self.refuse(&span, ALIAS.0, ALIAS.1),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_decoration(&span, anchor, tag.is_some())?;
                let text = match self.cx.source().text().get(span.clone()) {
                    Some(quoted) if self.is_json && style == ScalarStyle::DoubleQuoted => {
                        json::unquote(quoted).unwrap_or_default()
                    }
                    _ => text.into_owned(),
                };
                if let Some(Frame::Map { key: key @ None, .. }) = self.stack.last_mut() {
                    *key = Some((text, span));
                } else {
                    self.push(span, Value::Scalar(Scalar { text, style }))?;
                }
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_decoration(&span, anchor, tag.is_some())?;
                self.open(&span, Frame::List { start: span.start, items: Vec::new() })?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_decoration(&span, anchor, tag.is_some())?;
                let frame = Frame::Map {
                    start: span.start,
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: None,
                };
                self.open(&span, frame)?;
            }
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Frame::List { start, items }) => {
                    self.push(start..span.end.max(start), Value::List(items))?;
                }
                Some(Frame::Map { start, entries, .. }) => {
                    self.push(start..span.end.max(start), Value::Map(entries))?;
                }
                None => {}
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// What the YAML parser says, with what people most often did.
    fn syntax_error(&self, span: Range<usize>, info: &str) {
        if info.contains("unknown anchor") {
            // Anchors are refused before any alias is seen, so this is an alias to none.
            let _ = self.refuse(&span, ALIAS.0, ALIAS.1);
            return;
        }
        let help = [
            ("tab", "indent with spaces, not with tabs"),
            ("quoted scalar", "is the quote that begins here closed?"),
            ("did not find expected node content", "is a `[` or `{` before this place closed?"),
            (
                "mapping values are not allowed",
                "quote a text that holds `: `, and check the indentation",
            ),
        ];
        let reported = self.cx.error(Code::Syntax, span, "", format!("not YAML: {info}"));
        if let Some((_, help)) = help.iter().find(|(part, _)| info.contains(part)) {
            reported.help(*help);
        }
    }

    fn open(&mut self, span: &Range<usize>, frame: Frame) -> Result<(), Stop> {
        if let Some(Frame::Map { key: None, .. }) = self.stack.last() {
            return self.refuse(span, "a key that is a list or an object", "a key is a text");
        }
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            self.cx.error(Code::UnsupportedYaml, span.clone(), "", message);
            return Err(Stop);
        }
        self.stack.push(frame);
        Ok(())
    }

    /// Puts a finished value into the list or map that is open, or makes it the document.
    fn push(&mut self, span: Range<usize>, value: Value) -> Result<(), Stop> {
        if self.nodes >= MAX_NODES {
            let message = format!("more than {MAX_NODES} values");
            self.cx.error(Code::UnsupportedYaml, span, &self.path(), message);
            return Err(Stop);
        }
        self.nodes += 1;
        let node = Node { id: self.nodes, span, value };
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, seen, key, .. }) => {
                let Some((key, key_span)) = key.take() else { return Ok(()) };
                if let Some(first) = seen.get(&key) {
                    let first = first.clone();
                    let path = join(&self.path(), &key);
                    self.cx
                        .error(
                            Code::DuplicateKey,
                            key_span,
                            &path,
                            format!("the key `{}` is given twice", clip(&key)),
                        )
                        .related(first, "first given here");
                } else {
                    seen.insert(key.clone(), key_span.clone());
                    entries.push(Entry { key, key_span, value: node });
                }
            }
        }
        Ok(())
    }

    fn refuse_decoration(
        &self,
        span: &Range<usize>,
        anchor: usize,
        tagged: bool,
    ) -> Result<(), Stop> {
        if anchor != 0 {
            return self.refuse(
                span,
                "an anchor (`&name`)",
                "remove it; values are written out where they are needed",
            );
        }
        if tagged {
            return self.refuse(
                span,
                "a tag (`!name`)",
                "remove it; each key knows the type of its value",
            );
        }
        Ok(())
    }

    fn refuse(&self, span: &Range<usize>, what: &str, help: &str) -> Result<(), Stop> {
        self.cx
            .error(
                Code::UnsupportedYaml,
                span.clone(),
                &self.path(),
                format!("{what} is not allowed in a {}", self.cx.kind().noun),
            )
            .help(help);
        Err(Stop)
    }

    /// The key path of the value that is being read.
    fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.stack {
            match frame {
                Frame::List { items, .. } => path.push_str(&format!("[{}]", items.len())),
                Frame::Map { key: Some((key, _)), .. } => path = join(&path, key),
                Frame::Map { key: None, .. } => {}
            }
        }
        path
    }
}

/// `path.key`
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { clip(key) } else { format!("{path}.{}", clip(key)) }
}
