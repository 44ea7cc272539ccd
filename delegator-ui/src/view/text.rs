//! The tree for terminals.
//!
//! ```text
//! /svc/web
//! └─▶ /host/web                     /svc => /host  routes.dtab:1:1
//!     ├─✗ /#/io.l5d.fs/web-v2       /host/web => /#/io.l5d.fs/web-v2 | …  routes.dtab:2:1
//!     │   dropped: no namer has /#/io.l5d.fs/web-v2
//!     └─▶ /#/io.l5d.fs/web          …
//!         bound to /#/io.l5d.fs/web: 127.0.0.1:8080
//! ```

use anstyle::{AnsiColor, Style};
use dtab::view::{ViewKind, ViewNode};
use dtab::{Addr, Address, Layer};

use super::{
    Mark, Standing, Tone, address, choice, clean, entry, is_choice, percent, place, reached, said,
    without_rounds,
};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// The left column is at most this wide; wider names push their entry to the right.
const MAX_LEFT: usize = 60;

/// More addresses than this are counted.
const MAX_ADDRESSES: usize = 8;

/// A line: the name, and the entry that led there.
struct Row {
    left: String,
    /// Columns that `left` takes, without its escapes.
    width: usize,
    right: String,
}

/// The resolution as a tree, with ANSI escapes. What is taken is marked `▶`, what is dead `✗`, what
/// an earlier branch makes needless `·`, what is not known yet `?`.
pub fn text(root: &ViewNode) -> String {
    let root = without_rounds(root);
    let mut rows = Vec::new();
    let mut picture = Picture { rows: &mut rows, taken: false, dead: false, unused: false };
    picture.root(&root);
    let Picture { taken, dead, unused, .. } = picture;
    let left = rows.iter().filter(|row| !row.right.is_empty()).map(|row| row.width);
    let left = left.filter(|&width| width <= MAX_LEFT).max().unwrap_or(0);
    let mut text = String::new();
    for Row { left: name, width, right } in &rows {
        text.push_str(name);
        if !right.is_empty() {
            text.push_str(&" ".repeat(left.saturating_sub(*width) + 3));
            text.push_str(right);
        }
        text.push('\n');
    }
    if unused || dead {
        let marks = [(taken, "▶ taken"), (dead, "✗ leads nowhere"), (unused, "· not needed")];
        let used = marks.into_iter().filter(|(used, _)| *used).map(|(_, words)| words);
        text.push_str(&format!("{DIM}{}{DIM:#}\n", used.collect::<Vec<_>>().join("  ")));
    }
    text
}

struct Picture<'r> {
    rows: &'r mut Vec<Row>,
    taken: bool,
    dead: bool,
    unused: bool,
}

impl Picture<'_> {
    fn root(&mut self, root: &ViewNode) {
        let path = root.path.to_string();
        self.rows.push(Row {
            width: path.chars().count(),
            left: format!("{BOLD}{path}{BOLD:#}"),
            right: String::new(),
        });
        let mark = Mark::of(root, false);
        self.below(root, "", Standing { mark, branch: false, in_unused: false });
    }

    /// What stands under the line of a node.
    fn below(&mut self, node: &ViewNode, indent: &str, at: Standing) {
        let mark = at.mark;
        let shown = choice(node).unwrap_or(node);
        let rail = if shown.children.is_empty() { "  " } else { "│ " };
        let address = node.bound.as_ref().map(|bound| address_line(&bound.addr));
        for (tone, words) in said(node, at).into_iter().chain(address) {
            let style = tone_style(tone);
            self.rows.push(Row {
                left: format!("{DIM}{indent}{rail}{DIM:#}{style}{}{style:#}", clean(&words)),
                width: 0,
                right: String::new(),
            });
        }
        let (last, reached) = (shown.children.len().saturating_sub(1), reached(shown));
        for (nth, child) in shown.children.iter().enumerate() {
            let unused = mark == Mark::Unused || nth >= reached;
            let connector = if nth == last { "└─" } else { "├─" };
            let below = format!("{indent}{}", if nth == last { "    " } else { "│   " });
            let at = Standing {
                mark: Mark::of(child, unused),
                branch: is_choice(shown),
                in_unused: mark == Mark::Unused,
            };
            // The branches of one entry do not repeat it.
            let told = shown.dentry.is_some() && child.dentry == shown.dentry;
            self.line(child, &format!("{indent}{connector}"), told, at.mark);
            self.below(child, &below, at);
        }
    }

    /// The line of a node that another led to.
    fn line(&mut self, node: &ViewNode, stem: &str, told: bool, mark: Mark) {
        self.taken |= mark == Mark::Taken;
        self.unused |= mark == Mark::Unused;
        self.dead |= mark == Mark::Dead;
        let style = style(mark);
        let sign = match mark {
            Mark::Taken => '▶',
            Mark::Dead => '✗',
            Mark::Pending => '?',
            Mark::Unused => '·',
        };
        let weight = node.weight.map(|weight| format!("{weight} × ")).unwrap_or_default();
        let path = node.path.to_string();
        let ends = matches!(node.kind, ViewKind::Leaf | ViewKind::Empty);
        let share = match node.probability {
            share if ends && share > 0.0 && share < 1.0 => format!("  {}", percent(share)),
            _ => String::new(),
        };
        let strong = if mark == Mark::Taken { style.bold() } else { style };
        let left = format!(
            "{DIM}{stem}{DIM:#}{style}{sign}{style:#} {weight}{strong}{path}{strong:#}{share}"
        );
        let width: usize =
            [stem, &weight, &path, &share].map(|text| text.chars().count()).iter().sum();
        self.rows.push(Row { left, width: width + 2, right: by(node, told) });
    }
}

fn style(mark: Mark) -> Style {
    match mark {
        Mark::Taken => GREEN,
        Mark::Dead => RED,
        Mark::Pending => YELLOW,
        Mark::Unused => DIM,
    }
}

fn tone_style(tone: Tone) -> Style {
    match tone {
        Tone::Mark(mark) => style(mark),
        Tone::Dim => DIM,
        Tone::Plain => Style::new(),
        Tone::Bad => RED,
        Tone::Pending => YELLOW,
    }
}

/// The entry that led to a node, where it stands, and what it took over.
fn by(node: &ViewNode, told: bool) -> String {
    let mut parts = Vec::new();
    if let Some(dentry) = node.dentry.as_ref().filter(|_| !told) {
        parts.push(entry(dentry));
        parts.push(place(dentry));
        if dentry.layer == Layer::Local {
            parts.push("override".to_owned());
        }
    }
    if !node.residual.is_empty() {
        parts.push(format!("residual {}", node.residual));
    }
    if parts.is_empty() { String::new() } else { format!("{DIM}{}{DIM:#}", parts.join("  ")) }
}

/// Where something bound is.
fn address_line(addr: &Addr) -> (Tone, String) {
    let listed = match addr {
        Addr::Bound(set) => addresses(set.endpoints()),
        _ => String::new(),
    };
    address(addr).unwrap_or((Tone::Plain, listed))
}

fn addresses(endpoints: &[Address]) -> String {
    let mut shown: Vec<_> = endpoints
        .iter()
        .take(MAX_ADDRESSES)
        .map(|endpoint| match endpoint.weight() {
            1.0 => endpoint.socket.to_string(),
            weight => format!("{} (weight {weight})", endpoint.socket),
        })
        .collect();
    if let Some(more) = endpoints.len().checked_sub(MAX_ADDRESSES).filter(|&more| more > 0) {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}
