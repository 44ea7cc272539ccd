//! `dtab_ops`: operations on tables, entries, prefixes, trees and paths.

use std::path::Path as Folder;

use dtab::{Dentry, Dtab, Element, Path, Prefix, SyntaxError, parse_tree};
use serde_json::{Value, json};

use crate::trees::{show_dtab, show_element, show_path};
use crate::vectors::{error, text};

pub(crate) fn answer(_: &Folder, vector: &Value) -> Value {
    operate(vector).unwrap_or_else(error)
}

fn operate(vector: &Value) -> Result<Value, SyntaxError> {
    let (a, b) = (text(&vector["a"]), text(&vector["b"]));
    Ok(match text(&vector["op"]) {
        "concat" => show_dtab(&Dtab::parse(a)?.concat(&Dtab::parse(b)?)),
        "plus" => {
            let one = Dtab::from(vec![Dentry::parse(b)?]);
            show_dtab(&Dtab::parse(a)?.concat(&one))
        }
        "strip_prefix" => show_dtab(&Dtab::parse(a)?.strip_prefix(&Dtab::parse(b)?)),
        "simplified" => show_dtab(&Dtab::parse(a)?.simplified()),
        "equal" => equal(&Dtab::parse(a)?, &Dtab::parse(b)?),
        "tree_equal" => {
            let (a, b) = (parse_tree(a)?, parse_tree(b)?);
            json!({ "equal": a == b, "equivalent": a.simplified() == b.simplified() })
        }
        "dentry" => {
            let Dentry { prefix, dst, .. } = &Dentry::parse(a)?;
            json!({
                "entry": [prefix.to_string(), dst.to_string()],
                "show": Dentry::new(prefix.clone(), dst.clone()).to_string(),
            })
        }
        "prefix" => {
            let prefix = Prefix::parse(a)?;
            let elements = prefix.iter().map(|element| match element {
                Element::Any => json!("*"),
                Element::Label(label) => show_element(label),
            });
            json!({ "elems": elements.collect::<Value>(), "show": prefix.to_string() })
        }
        "matches" => json!({ "matches": Prefix::parse(a)?.matches(&Path::parse(b)?) }),
        "starts_with" => json!({ "value": Path::parse(a)?.starts_with(&Path::parse(b)?) }),
        "take" => json!({ "show": Path::parse(a)?.take(count(vector)).to_string() }),
        "drop" => json!({ "show": Path::parse(a)?.drop_front(count(vector)).to_string() }),
        "join" => json!({ "show": Path::parse(a)?.concat(&Path::parse(b)?).to_string() }),
        "utf8" => {
            let elements = vector["elems"].as_array().expect("elements");
            show_path(&Path::from_segments(elements.iter().map(text)))
        }
        "reread" => {
            let read = Dtab::parse(a)?;
            let show = read.to_string();
            let again = Dtab::parse(&show)?;
            let mut answer = equal(&read, &again);
            answer["show"] = json!(show);
            answer["show_again"] = json!(again.to_string());
            answer
        }
        other => panic!("no operation {other:?}"),
    })
}

/// Equivalent tables have as many entries, of the same prefixes and with trees that are the same
/// once simplified: an entry that becomes negative still counts.
fn equal(a: &Dtab, b: &Dtab) -> Value {
    let simplified = |dtab: &Dtab| -> Vec<_> {
        dtab.iter().map(|dentry| (dentry.prefix.clone(), dentry.dst.simplified())).collect()
    };
    json!({ "equal": a == b, "equivalent": simplified(a) == simplified(b) })
}

/// How many elements; fewer than none are none.
fn count(vector: &Value) -> usize {
    usize::try_from(vector["n"].as_i64().expect("a number")).unwrap_or(0)
}
