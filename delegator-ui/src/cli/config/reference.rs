//! The reference of all keys as text for a terminal, as Markdown and as JSON.

use std::io::{self, Write};

use router::config::{KeyReference, ObjectReference};
use serde_json::json;

/// Columns of the text: as wide as the help is at most.
const WIDTH: usize = 100;

/// Columns by which what is said of a key is indented.
const INDENT: usize = 4;

const HEADING: anstyle::Style = anstyle::Style::new().bold().underline();
const KEY: anstyle::Style = anstyle::Style::new().bold();

const EXPERIMENTAL: &str = " It is experimental, and must have `experimental: true`.";
const OURS: &str = " Not in Linkerd 1.7.5.";

/// What holds for all objects.
const PREFACE: &[&str] = &[
    "A configuration is YAML, or JSON if it begins with `{`. Each key is told with its full path, its \
     type, and what holds if it is absent; `null` is absent, too. Keys that are not told here are \
     refused.",
    "Where an object can be of several kinds, it names its own by the key `kind`, and a router by \
     `protocol`. Each kind has keys of its own, and all kinds take `experimental`, which only \
     experimental ones need.",
    "Files and directories are relative to the directory in which the program is started, and must \
     exist.",
];

/// A paragraph for each key: its path, type and default in columns, and below them its meaning.
pub(super) fn text(objects: &[ObjectReference], out: &mut impl Write) -> io::Result<()> {
    for paragraph in PREFACE {
        wrapped(paragraph, 0, out)?;
        writeln!(out)?;
    }
    for (at, object) in objects.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{HEADING}{}{HEADING:#}", heading(object))?;
        if let Some(about) = about(object) {
            wrapped(&about, 0, out)?;
        }
        let column = |width: fn(&KeyReference) -> usize| object.keys.iter().map(width).max();
        let paths = column(|key| key.path.len()).unwrap_or(0);
        let types = column(|key| key.type_.len()).unwrap_or(0);
        for key in &object.keys {
            let (path, type_, default) = (&key.path, &key.type_, &key.default);
            writeln!(out)?;
            writeln!(out, "{KEY}{path:paths$}{KEY:#}  {type_:types$}  {default}")?;
            wrapped(&meaning(key), INDENT, out)?;
        }
    }
    Ok(())
}

/// Fills lines with words.
fn wrapped(text: &str, indent: usize, out: &mut impl Write) -> io::Result<()> {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            writeln!(out)?;
            column = 0;
        }
        if column == 0 {
            write!(out, "{:indent$}{word}", "")?;
            column = indent + width;
        } else {
            write!(out, " {word}")?;
            column += 1 + width;
        }
    }
    writeln!(out)
}

/// A table for each object.
pub(super) fn markdown(objects: &[ObjectReference], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "# Keys of a configuration")?;
    for paragraph in PREFACE {
        writeln!(out, "\n{}", cell(paragraph))?;
    }
    for object in objects {
        let heading = heading(object);
        let heading = if object.path.is_empty() { heading } else { code(&heading) };
        writeln!(out, "\n## {heading}\n")?;
        if let Some(about) = about(object) {
            writeln!(out, "{}\n", cell(&about))?;
        }
        if object.keys.is_empty() {
            continue;
        }
        writeln!(out, "| key | type | default | meaning |\n|---|---|---|---|")?;
        for key in &object.keys {
            let (path, type_) = (code(&key.path), cell(&key.type_));
            writeln!(
                out,
                "| {path} | {type_} | {} | {} |",
                cell(&key.default),
                cell(&meaning(key))
            )?;
        }
    }
    Ok(())
}

/// A text between backquotes.
fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A text that is no markup, but for what stands between its backquotes.
fn cell(text: &str) -> String {
    let mut in_code = false;
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '`' => in_code = !in_code,
            '|' => cell.push('\\'),
            '<' | '>' | '*' | '_' | '[' | ']' if !in_code => cell.push('\\'),
            _ => {}
        }
        cell.push(c);
    }
    cell
}

/// Every object with its keys.
pub(super) fn json(objects: &[ObjectReference]) -> serde_json::Value {
    let key = |key: &KeyReference| {
        let not_built = key.not_built.iter().map(|(id, about)| json!({"kind": id, "about": about}));
        json!({
            "path": key.path,
            "type": key.type_,
            "default": key.default,
            "meaning": key.meaning,
            "inLinkerd": !key.ours,
            "refused": key.refused,
            "notBuilt": not_built.collect::<Vec<_>>(),
            "keysAt": key.told_at,
        })
    };
    let object = |object: &ObjectReference| {
        let kind = object.kind.as_ref();
        json!({
            "path": object.path,
            "tag": kind.map(|kind| kind.tag),
            "kind": kind.map(|kind| kind.id),
            "about": kind.map(|kind| kind.about),
            "isDefault": kind.map(|kind| kind.is_default),
            "experimental": kind.map(|kind| kind.experimental),
            "keys": object.keys.iter().map(key).collect::<Vec<_>>(),
        })
    };
    objects.iter().map(object).collect()
}

fn heading(object: &ObjectReference) -> String {
    if object.path.is_empty() { "The whole configuration".to_owned() } else { object.title() }
}

/// What there is to say of the object before its keys.
fn about(object: &ObjectReference) -> Option<String> {
    let kind = object.kind.as_ref()?;
    let default = if kind.is_default { " The default." } else { "" };
    let experimental = if kind.experimental { EXPERIMENTAL } else { "" };
    Some(format!("{}{default}{experimental}", kind.about))
}

/// All that there is to say of a key.
fn meaning(key: &KeyReference) -> String {
    let mut meaning = key.meaning.to_owned();
    if key.ours {
        meaning.push_str(OURS);
    }
    if let Some(refused) = key.refused {
        meaning.push_str(&format!(" Refused: {refused}."));
    }
    if !key.not_built.is_empty() {
        let kinds: Vec<_> = key.not_built.iter().map(|(id, _)| *id).collect();
        meaning.push_str(&format!(" Not built yet, and refused: {}.", kinds.join(", ")));
    }
    if let Some(told_at) = &key.told_at {
        meaning.push_str(&format!(" Its keys are those of `{told_at}`."));
    }
    meaning
}
