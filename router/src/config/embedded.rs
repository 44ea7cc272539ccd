//! Mistakes in a dtab or path that stands in a scalar, placed in the file around it.

use dtab::{Diagnostic, Fix, Label, Span};
use saphyr_parser::ScalarStyle;

use super::error::Code;
use super::node::Scalar;
use super::offsets::OffsetMap;
use super::reader::Field;

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
