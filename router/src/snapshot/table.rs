//! The entries of a table as texts with places, and back.

use std::sync::Arc;

use dtab::{Dentry, Dtab, NameTree, Path, Source, Span};

/// Beyond these no file has lines and columns: a place in a snapshot costs as much memory as it counts.
const MAX_LINE: u32 = 1_000_000;
const MAX_COLUMN: u32 = 100_000;

/// Bytes that all texts together may have, as many as a configuration.
const MAX_TEXT: usize = 64 << 20;

/// An entry as it is written, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// `FILE:LINE:COLUMN`
    pub(super) at: Option<String>,
    pub(super) dentry: String,
}

/// The entries of a table.
pub(super) fn write(dtab: &Dtab) -> impl Iterator<Item = Written> {
    dtab.iter().map(|dentry| Written {
        at: dentry.place().map(|place| place.to_string()),
        dentry: written(dentry),
    })
}

/// The entry in the words of its file, or, if they mean something else where they stand alone (as
/// within quotation marks), in its shown form, with all digits of its weights.
fn written(dentry: &Dentry) -> String {
    let text = dentry.source.as_deref().map(Source::text);
    let span = dentry.span.start as usize..dentry.span.end as usize;
    let slice = text.and_then(|text| text.get(span)).map(str::to_owned);
    slice.filter(|text| says(text, dentry)).unwrap_or_else(|| one_line(dentry))
}

/// The entry on one line, in its shown form if that says the same, else with all digits of its weights.
pub fn one_line(dentry: &Dentry) -> String {
    let shown = dentry.to_string();
    if says(&shown, dentry) {
        return shown;
    }
    let mut dst = String::new();
    exact(&dentry.dst, &mut dst);
    format!("{}=>{dst}", dentry.prefix)
}

fn says(text: &str, dentry: &Dentry) -> bool {
    Dentry::parse(text).is_ok_and(|read| read == *dentry)
}

/// A tree whose weights keep all their digits.
fn exact(tree: &NameTree<Path>, out: &mut String) {
    let nested = |tree: &NameTree<Path>, out: &mut String| match tree {
        NameTree::Alt(_) | NameTree::Union(_) => {
            out.push('(');
            exact(tree, out);
            out.push(')');
        }
        tree => exact(tree, out),
    };
    match tree {
        NameTree::Alt(trees) => {
            for (at, tree) in trees.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { " | " });
                nested(tree, out);
            }
        }
        NameTree::Union(branches) => {
            for (at, branch) in branches.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { " & " });
                // Any number beyond the doubles is read as infinite.
                let weight = if branch.weight.is_finite() {
                    branch.weight.to_string()
                } else {
                    format!("1{:0>309}", 0)
                };
                out.push_str(&format!("{weight} * "));
                nested(&branch.tree, out);
            }
        }
        constant_or_path => out.push_str(&constant_or_path.to_string()),
    }
}

/// The table of these entries. They stand where they stood, in texts that have nothing else.
pub(super) fn read(entries: impl IntoIterator<Item = Written>) -> Result<Dtab, String> {
    let mut dentries: Vec<Dentry> = Vec::new();
    let mut page: Option<Page> = None;
    let mut room = MAX_TEXT;
    for (at, entry) in entries.into_iter().enumerate() {
        let wrong = |why: String| format!("dtab[{at}]: {why}");
        let dentry = Dentry::parse(&entry.dentry).map_err(|error| wrong(error.to_string()))?;
        let Some(place) = &entry.at else {
            dentries.extend(page.take().map(Page::finish).into_iter().flatten());
            dentries.push(Dentry { source: None, span: Span::default(), ..dentry });
            continue;
        };
        let place = parse_place(place)
            .ok_or_else(|| wrong(format!("`{place}` is not FILE:LINE:COLUMN")))?;
        let next = page.take_if(|page| !page.continues(&place));
        dentries.extend(next.map(Page::finish).into_iter().flatten());
        let page = page.get_or_insert_with(|| Page::new(place.0));
        let before = page.text.len();
        page.add(place, &entry.dentry, dentry);
        room = room
            .checked_sub(page.text.len() - before)
            .ok_or_else(|| wrong(format!("the places take more than {} MiB", MAX_TEXT >> 20)))?;
    }
    dentries.extend(page.map(Page::finish).into_iter().flatten());
    Ok(Dtab::from(dentries))
}

/// A file, a line and a column.
type Place<'a> = (&'a str, u32, u32);

fn parse_place(text: &str) -> Option<Place<'_>> {
    let mut parts = text.rsplitn(3, ':');
    let (column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let (line, column) = (line.parse().ok()?, column.parse().ok()?);
    let known = (1..=MAX_LINE).contains(&line) && (1..=MAX_COLUMN).contains(&column);
    known.then_some((file, line, column))
}

/// The text of a file that is being made up, with its entries so far.
struct Page {
    file: String,
    text: String,
    /// Where the next character stands.
    line: u32,
    column: u32,
    dentries: Vec<Dentry>,
}

impl Page {
    fn new(file: &str) -> Self {
        let (text, dentries) = (String::new(), Vec::new());
        Page { file: file.to_owned(), text, line: 1, column: 1, dentries }
    }

    /// Whether a place lies behind all that is there.
    fn continues(&self, &(file, line, column): &Place<'_>) -> bool {
        self.file == file && (self.line, self.column) <= (line, column)
    }

    fn add(&mut self, (_, line, column): Place<'_>, text: &str, dentry: Dentry) {
        if self.line < line {
            self.text.push_str(&"\n".repeat((line - self.line) as usize));
            (self.line, self.column) = (line, 1);
        }
        if self.column < column {
            self.text.push_str(&" ".repeat((column - self.column) as usize));
            self.column = column;
        }
        let start = self.text.len();
        text.chars().for_each(|c| self.push(c));
        let span = Span::new(start, self.text.len());
        self.push(';');
        self.dentries.push(Dentry { span, ..dentry });
    }

    fn push(&mut self, c: char) {
        self.text.push(c);
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    fn finish(self) -> Vec<Dentry> {
        let source: Arc<Source> = Source::new(self.file, self.text);
        let placed = self.dentries.into_iter();
        placed.map(|dentry| Dentry { source: Some(source.clone()), ..dentry }).collect()
    }
}
