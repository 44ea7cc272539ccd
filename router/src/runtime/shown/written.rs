//! A table as people wrote it: with its comments, its layout and its weights to the last digit, which
//! the shown form rounds.

use std::sync::Arc;

use dtab::{Dentry, Dtab, Source};

/// The text of a table, from the files that it was read from; in its shown form if that has no such
/// text, or one that means something else where it stands alone.
pub(super) fn written(dtab: &Dtab) -> String {
    let dentries: Vec<_> = dtab.iter().collect();
    let pieces = dentries.chunk_by(|one, next| match (&one.source, &next.source) {
        (Some(one), Some(next)) => Arc::ptr_eq(one, next),
        (None, None) => true,
        _ => false,
    });
    let texts: Option<Vec<_>> = pieces.map(piece).collect();
    let text = texts.unwrap_or_default().join("\n");
    match Dtab::parse(&text) {
        Ok(read) if read == *dtab => text,
        _ => dtab.to_string(),
    }
}

/// Entries of one file: the lines that they stand on, and the comments above.
fn piece(dentries: &[&Dentry]) -> Option<String> {
    let (first, last) = (dentries.first()?, dentries.last()?);
    let text = first.source.as_deref().map(Source::text)?;
    let (start, end) = (first.span.start as usize, last.span.end as usize);
    let (before, entries, after) = (text.get(..start)?, text.get(start..end)?, text.get(end..)?);
    // What a configuration has before the first entry on its line is not the table's.
    let (above, indent) = before.rsplit_once('\n').unwrap_or(("", before));
    let mut lines = Vec::new();
    if indent.trim().is_empty() {
        let comments: Vec<_> =
            above.lines().rev().take_while(|line| line.trim_start().starts_with('#')).collect();
        lines.extend(comments.into_iter().rev());
    }
    let rest = after.lines().next().unwrap_or_default();
    let ends = rest.trim_start().starts_with([';', '#']);
    let entries = format!("{entries}{}", if ends { rest } else { " ;" });
    lines.extend(entries.lines());
    let dedented = lines.into_iter().map(|line| {
        let blank = line.len() - line.trim_start_matches(' ').len();
        line[blank.min(indent.len())..].trim_end()
    });
    Some(dedented.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn table(yaml: &str) -> Dtab {
        let text = format!("routers:\n- protocol: http\n  servers: [{{port: 0}}]\n{yaml}");
        config::parse("l.yaml", &text).expect("a configuration").routers[0].dtab.clone()
    }

    #[test]
    fn comments_layout_and_weights_are_kept() {
        let dtab = table(
            "  dtab: |\n    # every service\n    /svc => /host ;  # by its file\n\n    # a few\n    \
             /svc/web => 0.995 * /a &\n      0.005 * /b ;  # yet\n  label: web\n",
        );
        insta::assert_snapshot!(written(&dtab), @r"
        # every service
        /svc => /host ;  # by its file

        # a few
        /svc/web => 0.995 * /a &
          0.005 * /b ;  # yet
        ");
    }

    #[test]
    fn what_cannot_stand_alone_is_shown() {
        assert_eq!(written(&table("  dtab: '/svc => /a;/b => /c'\n")), "/svc => /a;/b => /c ;");
        assert_eq!(written(&table("  dtab: \"/a => /b\\x20;\"\n")), "/a => /b ;");
        assert_eq!(written(&table("  dtab: \"/a => \\x2fb ; /c => /d\"\n")), "/a=>/b;/c=>/d");
        assert_eq!(written(&table("")), "");
        let typed = Dtab::parse("/a => 0.125 * /b & /c").unwrap();
        assert_eq!(written(&typed), typed.to_string());
    }

    #[test]
    fn tables_of_several_files_are_one() {
        let read = |name: &str, text: &str| Dtab::parse_source(&Source::new(name, text)).unwrap();
        let first = read("a.dtab", "# the first\n/a => /b");
        let both = first.concat(&read("b.dtab", "/c => 0.001 * /d & /e ;\n"));
        assert_eq!(written(&both), "# the first\n/a => /b ;\n/c => 0.001 * /d & /e ;");
    }
}
