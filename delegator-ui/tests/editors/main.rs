//! What editors are given: the TextMate grammar says of a dtab what the language says, and the files
//! around it are whole.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use dtab::{TokenKind, tokens};
use regex::Regex;
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(name)
}

fn json(name: &str) -> Value {
    let text = std::fs::read_to_string(fixture("editors").join(name)).expect(name);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Reads a grammar as far as this one goes: patterns, regions, captures with names, and includes of
/// its own repository. None of the expressions looks around, so that any engine reads them.
struct Grammar {
    root: Value,
    expressions: HashMap<String, Regex>,
}

/// A stretch of a text, with the scope that it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Coloured {
    scope: String,
    range: Range<usize>,
}

impl Grammar {
    fn new() -> Self {
        let root = json("dtab.tmLanguage.json");
        let mut expressions = HashMap::new();
        compile(&root, &mut expressions);
        Grammar { root, expressions }
    }

    fn patterns<'g>(&'g self, rule: &'g Value) -> Vec<&'g Value> {
        let patterns = rule["patterns"].as_array().map(Vec::as_slice).unwrap_or_default();
        let rule = |pattern: &'g Value| match pattern["include"].as_str() {
            Some(name) => {
                let name = name.strip_prefix('#').expect("a rule of the repository");
                let rule = &self.root["repository"][name];
                assert!(rule.is_object(), "there is no rule {name}");
                rule
            }
            None => pattern,
        };
        patterns.iter().map(rule).collect()
    }

    /// The text as an editor colours it, line by line.
    fn colour(&self, text: &str) -> Vec<Coloured> {
        let mut coloured = Vec::new();
        let mut open: Vec<&Value> = vec![&self.root];
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let mut at = 0;
            loop {
                let rule = open.last().copied().expect("the root is never closed");
                let end = rule["end"].as_str().map(|end| (end, rule, true));
                let rules = self.patterns(rule).into_iter().map(|rule| {
                    let regex = rule["match"].as_str().or(rule["begin"].as_str());
                    (regex.expect("a rule begins somehow"), rule, false)
                });
                let found = end.into_iter().chain(rules).filter_map(|(regex, rule, ends)| {
                    let found =
                        self.expressions[regex].captures_at(line.trim_end_matches('\n'), at)?;
                    let groups: Vec<_> = found.iter().map(|it| it.map(|it| it.range())).collect();
                    Some((groups, rule, ends))
                });
                // The first of those that begin first.
                let first = found.min_by_key(|(groups, _, _)| groups[0].clone().map(|it| it.start));
                let Some((groups, rule, ends)) = first else { break };
                let whole = groups[0].clone().expect("a match has a range");
                assert!(whole.end > at, "{rule} goes on for ever");
                at = whole.end;
                let captures = match (ends, rule["begin"].is_string()) {
                    (true, _) => &rule["endCaptures"],
                    (false, true) => &rule["beginCaptures"],
                    (false, false) => &rule["captures"],
                };
                let mut named = 0;
                for (nth, group) in groups.iter().enumerate() {
                    let scope = captures[nth.to_string()]["name"].as_str();
                    if let (Some(scope), Some(group)) =
                        (scope, group.clone().filter(|it| !it.is_empty()))
                    {
                        named += 1;
                        let range = start + group.start..start + group.end;
                        coloured.push(Coloured { scope: scope.to_owned(), range });
                    }
                }
                if named == 0 {
                    let scope = rule["name"].as_str().expect("a match has a name");
                    let range = start + whole.start..start + whole.end;
                    coloured.push(Coloured { scope: scope.to_owned(), range });
                }
                if ends {
                    open.pop();
                } else if rule["begin"].is_string() {
                    open.push(rule);
                }
            }
            start += line.len();
        }
        coloured
    }
}

/// Every expression below `value`.
fn compile(value: &Value, expressions: &mut HashMap<String, Regex>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if let ("match" | "begin" | "end", Some(text)) = (key.as_str(), value.as_str()) {
                    let regex = Regex::new(text).unwrap_or_else(|error| panic!("{error}"));
                    expressions.insert(text.to_owned(), regex);
                }
                compile(value, expressions);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| compile(item, expressions)),
        _ => {}
    }
}

/// What the language calls a stretch of this scope.
fn kind(scope: &str) -> TokenKind {
    match scope {
        "comment.line.number-sign.dtab" => TokenKind::Comment,
        "entity.name.tag.prefix.dtab" => TokenKind::Prefix,
        "keyword.operator.arrow.dtab" => TokenKind::Arrow,
        "constant.numeric.weight.dtab" => TokenKind::Weight,
        "keyword.operator.weight.dtab" | "keyword.operator.choice.dtab" => TokenKind::Operator,
        "support.function.namer.dtab"
        | "support.function.built-in.dtab"
        | "string.unquoted.path.dtab" => TokenKind::Path,
        "constant.language.dtab" => TokenKind::Constant,
        "punctuation.section.parens.dtab" => TokenKind::Parenthesis,
        "punctuation.terminator.dentry.dtab" => TokenKind::Separator,
        other => panic!("{other} is no scope of the language"),
    }
}

#[track_caller]
fn colours_are_what_the_language_says(text: &str) {
    let mut coloured: Vec<(TokenKind, Range<usize>)> = Vec::new();
    for Coloured { scope, range } in Grammar::new().colour(text) {
        let kind = kind(&scope);
        // The name of a namer and what follows it are one path.
        match coloured.last_mut() {
            Some((TokenKind::Path, last)) if kind == TokenKind::Path && last.end == range.start => {
                last.end = range.end;
            }
            _ => coloured.push((kind, range)),
        }
    }
    let told: Vec<_> = tokens(text)
        .map(|token| (token.kind, token.span.start as usize..token.span.end as usize))
        .collect();
    assert_eq!(coloured, told, "{text}");
}

#[test]
fn every_expression_of_the_grammar_compiles() {
    let count = Grammar::new().expressions.len();
    assert!(count > 10, "only {count} expressions");
}

#[test]
fn colours_agree_with_the_language_on_tables_as_people_write_them() {
    let mut seen = 0;
    let folders = ["dtab/ok", "dtab/layout"].map(|it| std::fs::read_dir(fixture(it)));
    for entry in folders.into_iter().flat_map(|folder| folder.expect("fixtures")) {
        let text = std::fs::read_to_string(entry.expect("a file").path()).expect("a text");
        colours_are_what_the_language_says(&text);
        seen += tokens(&text).count();
    }
    assert!(seen > 50, "only {seen} tokens");
    colours_are_what_the_language_says(
        "# a => b\n/*/x=>.5*/a&1.*/b # c\n|(!|~|$);/#/x/a#b => /$/inet/127.1/80;/ =>\n  /\\x20a ;",
    );
}

#[test]
fn names_that_end_a_resolution_are_coloured_apart() {
    let text = "/svc => /#/io.l5d.fs/web & /$/inet/127.1/80 & /#/ & /host ;";
    let scopes: Vec<_> = Grammar::new()
        .colour(text)
        .into_iter()
        .map(|Coloured { scope, range }| format!("{} {scope}", &text[range]))
        .filter(|line| line.starts_with('/'))
        .collect();
    assert_eq!(
        scopes,
        [
            "/svc entity.name.tag.prefix.dtab",
            "/#/io.l5d.fs support.function.namer.dtab",
            "/web string.unquoted.path.dtab",
            "/$/inet support.function.built-in.dtab",
            "/127.1/80 string.unquoted.path.dtab",
            "/#/ string.unquoted.path.dtab",
            "/host string.unquoted.path.dtab",
        ]
    );
}

#[test]
fn the_folder_is_an_extension_whose_files_are_there() {
    let manifest = json("package.json");
    let language = &manifest["contributes"]["languages"][0];
    assert_eq!((&language["id"], &language["extensions"][0]), (&"dtab".into(), &".dtab".into()));
    let configuration = language["configuration"].as_str().expect("a file");
    assert_eq!(json(configuration)["comments"]["lineComment"], "#");
    let grammar = &manifest["contributes"]["grammars"][0];
    let rules = json(grammar["path"].as_str().expect("a file"));
    assert_eq!(rules["scopeName"], grammar["scopeName"]);
}
