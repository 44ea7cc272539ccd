//! A graph for Graphviz.

use std::fmt::Write;

use dtab::Addr;
use dtab::view::{ViewKind, ViewNode};

use super::{Mark, clean, entry, percent, reached, without_rounds};

/// The resolution as a graph in the DOT language. What is taken is drawn with thick lines, all else
/// with dashed ones.
pub fn dot(root: &ViewNode) -> String {
    let mut text = String::from(
        "digraph delegation {\n  rankdir=LR;\n  node [shape=box, fontname=monospace];\n  edge [fontname=monospace];\n",
    );
    let mut next = 0;
    draw(&without_rounds(root), false, &mut next, &mut text);
    text.push_str("}\n");
    text
}

/// Draws a node and all behind it; the number of the node.
fn draw(node: &ViewNode, unused: bool, next: &mut usize, text: &mut String) -> usize {
    let number = *next;
    *next += 1;
    let style = match Mark::of(node, unused) {
        Mark::Taken => "penwidth=2",
        Mark::Dead => "style=dashed, color=red",
        Mark::Pending => "style=dotted",
        Mark::Unused => "style=dashed, color=gray",
    };
    let _ = writeln!(text, "  n{number} [label={}, {style}];", quoted(&label(node)));
    let reached = reached(node);
    for (nth, child) in node.children.iter().enumerate() {
        let unused = unused || nth >= reached;
        let to = draw(child, unused, next, text);
        let style = match Mark::of(child, unused) {
            Mark::Taken => "penwidth=2",
            _ => "style=dashed",
        };
        let label = quoted(&edge_label(child));
        let _ = writeln!(text, "  n{number} -> n{to} [label={label}, {style}];");
    }
    number
}

fn label(node: &ViewNode) -> String {
    let mut lines = vec![node.path.to_string()];
    match (node.kind, &node.bound) {
        (ViewKind::Delegate, _) => {}
        (ViewKind::Leaf, Some(bound)) => {
            if !bound.residual.is_empty() {
                lines.push(format!("residual {}", bound.residual));
            }
            match &bound.addr {
                Addr::Bound(set) if !set.endpoints().is_empty() => {
                    lines.extend(set.endpoints().iter().map(|at| at.socket.to_string()));
                }
                _ => lines.push(node.reason.clone()),
            }
            lines.push(percent(node.probability));
        }
        _ => lines.push(node.reason.clone()),
    }
    lines.join("\n")
}

/// The entry that leads there, and the weight.
fn edge_label(node: &ViewNode) -> String {
    let mut lines = Vec::new();
    lines.extend(node.weight.map(|weight| format!("{weight} ×")));
    if let Some(dentry) = &node.dentry {
        lines.push(entry(dentry));
        lines.extend(dentry.place.as_ref().map(ToString::to_string));
    }
    lines.join("\n")
}

/// A DOT string. Each line ends in `\l`, which sets it flush left.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for line in text.lines() {
        for c in clean(line).chars() {
            if matches!(c, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted.push_str("\\l");
    }
    quoted.push('"');
    quoted
}
