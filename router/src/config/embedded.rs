//! A dtab or path that stands in a scalar, and its mistakes, placed in the file around it.

use dtab::{Diagnostic, Fix, Label, Source, Span};
use saphyr_parser::ScalarStyle;

use super::error::Code;
use super::node::{self, Node, Scalar, Value};
use super::offsets::OffsetMap;
use super::reader::{Context, Field};

/// The dtab of a router, for those who edit the file.
///
/// Reading a [`Config`](super::Config) gives tables only if nothing in the whole file is wrong. An
/// editor wants them while something is.
#[derive(Debug, Clone)]
pub struct EmbeddedDtab {
    /// The label of its router, if one is given.
    pub label: Option<String>,
    /// The dtab, without what YAML puts around it.
    pub text: String,
    /// The bytes of the file that hold it.
    pub span: Span,
    offsets: OffsetMap,
}

impl EmbeddedDtab {
    /// Where bytes of the dtab stand in the file. What is written otherwise there, by an escape or
    /// over a line break of quotes, has another length; an offset of the text that stands nowhere is
    /// behind the word before it.
    pub fn place(&self, span: Span) -> Span {
        let at = |offset: u32| self.offsets.source_offset(offset as usize);
        let start = at(span.start);
        Span::new(start, at(span.end).max(start))
    }
}

/// The dtabs of all routers of a text, in its order, whatever else is wrong with it; none if it is
/// not YAML at all.
pub fn dtabs(text: &str) -> Vec<EmbeddedDtab> {
    let cx = Context::new(Source::new("", text));
    let Some(root) = node::parse(&cx) else { return Vec::new() };
    let Some(Value::List(routers)) = child(&root, "routers").map(|node| &node.value) else {
        return Vec::new();
    };
    let dtabs = routers.iter().filter_map(|router| {
        let dtab = child(router, "dtab")?;
        let scalar = scalar(dtab)?;
        Some(EmbeddedDtab {
            label: child(router, "label").and_then(self::scalar).map(|label| label.text.clone()),
            text: scalar.text.clone(),
            span: Span::new(dtab.span.start, dtab.span.end),
            offsets: OffsetMap::new(text, &dtab.span, scalar),
        })
    });
    dtabs.collect()
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

fn scalar(node: &Node) -> Option<&Scalar> {
    match &node.value {
        Value::Scalar(scalar) if !node.is_null() => Some(scalar),
        _ => None,
    }
}

/// Reports every finding about the text of a scalar, in the words of the language.
pub(crate) fn report(field: &Field<'_>, scalar: &Scalar, found: Vec<Diagnostic>) {
    if found.is_empty() {
        return;
    }
    let source = field.cx.source().text();
    let offsets = OffsetMap::new(source, &field.node.span, scalar);
    let placed = |span: Span| {
        let at = |offset: u32| offsets.source_offset(offset as usize);
        let start = at(span.start);
        Span::new(start, at(span.end).max(start))
    };
    for mut finding in found {
        for Label { span, .. } in &mut finding.labels {
            *span = placed(*span);
        }
        finding.fix = finding.fix.take().and_then(|Fix { span, replacement }| {
            let whole = placed(span);
            let written = scalar.text.get(span.start as usize..span.end as usize);
            let stands = source.get(whole.start as usize..whole.end as usize) == written;
            (stands && means_itself(&replacement, scalar.style))
                .then_some(Fix { span: whole, replacement })
        });
        let (span, message) = (finding.span(), finding.message.clone());
        let span = span.start as usize..span.end as usize;
        let code = Code::Dtab(finding.code);
        drop(field.cx.error(code, span, &field.path, message).finding(finding));
    }
}

/// Whether a text can be put into a scalar of this style as it is.
fn means_itself(text: &str, style: ScalarStyle) -> bool {
    let special: &[char] = match style {
        ScalarStyle::Literal | ScalarStyle::Folded => &['\n'],
        ScalarStyle::SingleQuoted => &['\n', '\''],
        ScalarStyle::DoubleQuoted => &['\n', '"', '\\'],
        ScalarStyle::Plain => &['\n', '#', ':', '"', '\'', ',', '[', ']', '{', '}'],
    };
    !text.contains(special)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_a_file_that_is_wrong_elsewhere_are_found() {
        let text = "\
routers:
- protocol: http
  labl: x
  dtab: |
    /svc => /host ;
    /host => /$/inet ;
- {protocol: h2, label: two, dtab: \"/a\\x2fb => /c\"}
- protocol: h2
  dtab:
";
        let found = dtabs(text);
        let labels: Vec<_> = found.iter().map(|dtab| dtab.label.as_deref()).collect();
        assert_eq!(labels, [None, Some("two")]);
        assert_eq!(found[0].text, "/svc => /host ;\n/host => /$/inet ;\n");
        let written = |dtab: &EmbeddedDtab, word: &str| {
            let start = dtab.text.find(word).expect("the word");
            let span = dtab.place(Span::new(start, start + word.len()));
            text[span.start as usize..span.end as usize].to_owned()
        };
        assert_eq!(written(&found[0], "/$/inet"), "/$/inet");
        assert_eq!(found[1].text, "/a/b => /c");
        assert_eq!(written(&found[1], "/a/b"), "/a\\x2fb", "as it is written");
        assert!(dtabs("routers: [").is_empty() && dtabs("").is_empty());
    }
}
