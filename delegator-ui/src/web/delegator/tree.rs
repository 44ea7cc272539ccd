//! The steps of a resolution as nested lists that fold without scripts; `tree.js` and `rows.js` draw
//! the same, and take over in place.

use std::collections::HashMap;
use std::fmt::Write;

use dtab::view::{ViewBound, ViewDentry, ViewKind, ViewNode, percent};
use dtab::{Addr, Address, Layer, wire};
use serde_json::Value;

use crate::view::{
    Mark, Standing, Tone, address, choice, entry, is_choice, place, reached, said, without_rounds,
};
use crate::web::figures::{duration, plural};
use crate::web::html::visible;

/// Trees with more steps than this begin with what is not needed folded.
const MANY: usize = 200;

/// More addresses than this are counted.
const FEW_ADDRESSES: usize = 8;

/// A resolution that can be shown, and how its endpoints fare.
#[derive(Debug)]
pub(in crate::web) struct Tree<'c> {
    root: ViewNode,
    /// The members of `clients` by bound name, as in `/clients.json`.
    clients: &'c Value,
    /// For how many seconds each bound name is as it is.
    ages: Option<&'c HashMap<String, f64>>,
    /// How many steps are shown.
    count: usize,
}

impl<'c> Tree<'c> {
    /// Reads `steps`; none if they are not those of a resolution.
    pub(in crate::web) fn read(steps: &Value, clients: &'c Value) -> Option<Self> {
        let read = wire::read_view(steps)?;
        let root = without_rounds(&read);
        let count = shown(&root);
        Some(Tree { root, clients, ages: None, count })
    }

    /// The same, and for how many seconds each bound name is as it is.
    pub(super) fn with_ages(self, ages: &'c HashMap<String, f64>) -> Self {
        Tree { ages: Some(ages), ..self }
    }

    /// The entries that the requests go by, each once, in the order in which they are met.
    pub(super) fn entries_of_the_way(&self) -> Vec<&ViewDentry> {
        let mut entries: Vec<&ViewDentry> = Vec::new();
        let mut open = vec![&self.root];
        while let Some(node) = open.pop() {
            let entry = node.dentry.as_ref().filter(|_| node.probability > 0.0);
            let is_known = |entry: &ViewDentry| {
                entries.iter().any(|own| (own.layer, own.index) == (entry.layer, entry.index))
            };
            if let Some(entry) = entry.filter(|entry| !is_known(entry)) {
                entries.push(entry);
            }
            open.extend(choice(node).unwrap_or(node).children.iter().rev());
        }
        entries
    }

    /// `12 steps`.
    pub(in crate::web) fn count(&self) -> String {
        plural(self.count, "step", "steps")
    }

    /// The list.
    pub(in crate::web) fn html(&self) -> String {
        let many = if self.count > MANY { " many" } else { "" };
        let mut html = format!("<ul class=\"tree{many}\">");
        let mark = Mark::of(&self.root, false);
        let at = Standing { mark, branch: false, in_unused: false };
        self.step(&self.root, at, Place { told: false, passes: false }, &mut html);
        html.push_str("</ul>");
        html
    }

    fn step(&self, node: &ViewNode, at: Standing, place: Place, html: &mut String) {
        let children = &choice(node).unwrap_or(node).children;
        let passes = if place.passes { " passes" } else { "" };
        let end = if children.is_empty() { " end" } else { "" };
        let (mark, kind) = (mark_name(at.mark), node.kind.name());
        let _ = write!(
            html,
            "<li class=\"step{passes}{end}\" data-mark=\"{mark}\" data-kind=\"{kind}\">"
        );
        if children.is_empty() {
            html.push_str("<div class=\"row\">");
            self.row(node, at, place, html);
            html.push_str("</div>");
        } else {
            let open = if self.count > MANY && at.mark == Mark::Unused { "" } else { " open" };
            let _ = write!(html, "<details{open}><summary class=\"row\">");
            self.row(node, at, place, html);
            html.push_str("</summary><ul>");
            self.below(node, at.mark, html);
            html.push_str("</ul></details>");
        }
        html.push_str("</li>");
    }

    fn below(&self, node: &ViewNode, mark: Mark, html: &mut String) {
        let shown = choice(node).unwrap_or(node);
        let reached = reached(shown);
        let marks: Vec<_> = shown
            .children
            .iter()
            .enumerate()
            .map(|(nth, child)| Mark::of(child, mark == Mark::Unused || nth >= reached))
            .collect();
        let last_taken = marks.iter().rposition(|mark| *mark == Mark::Taken);
        for (nth, (child, own)) in shown.children.iter().zip(&marks).enumerate() {
            let at =
                Standing { mark: *own, branch: is_choice(shown), in_unused: mark == Mark::Unused };
            // The branches of one entry do not repeat it; a line passes those before a taken one.
            let told = shown.dentry.is_some() && child.dentry == shown.dentry;
            let passes = last_taken.is_some_and(|last| nth < last);
            self.step(child, at, Place { told, passes }, html);
        }
    }

    fn row(&self, node: &ViewNode, at: Standing, place: Place, html: &mut String) {
        html.push_str("<span class=\"name\"><span class=\"mark\" aria-hidden=\"true\"></span>");
        if let Some(weight) = node.weight {
            let _ = write!(html, "<span class=\"weight\">{weight} × </span>");
        }
        let path = node.path.to_string();
        let _ = write!(html, "<span class=\"path\">{}</span>", visible(&path));
        if node.kind == ViewKind::Exception && node.reason.starts_with("a cycle: ") {
            html.push_str("<span class=\"tag\">cycle</span>");
        }
        if node.kind == ViewKind::Transformation {
            html.push_str("<span class=\"tag\">transformer</span>");
        }
        html.push_str("</span><span class=\"via\">");
        via(node, place.told, html);
        html.push_str("</span><span class=\"share\">");
        share(node, at.mark, html);
        html.push_str("</span>");
        let lines = said(node, at);
        if !lines.is_empty() || node.bound.is_some() {
            html.push_str("<span class=\"said\">");
            for line in &lines {
                say(line, html);
            }
            if let Some(bound) = &node.bound {
                self.bound(bound, html);
            }
            html.push_str("</span>");
        }
    }

    fn bound(&self, bound: &ViewBound, html: &mut String) {
        if let Some(line) = address(&bound.addr) {
            say(&line, html);
            return;
        }
        let Addr::Bound(set) = &bound.addr else { return };
        let client = &self.clients[bound.id.to_string()];
        html.push_str("<span class=\"addresses\">");
        for at in set.endpoints().iter().take(FEW_ADDRESSES) {
            html.push_str("<span class=\"address\">");
            endpoint(at, client, html);
            html.push_str("</span>");
        }
        html.push_str("</span>");
        if let Some(more) = set.endpoints().len().checked_sub(FEW_ADDRESSES).filter(|&n| n > 0) {
            let more = plural(more, "more address", "more addresses");
            let _ = write!(html, "<span data-tone=\"dim\">and {more}</span>");
        }
        if let Some(age) = self.ages.and_then(|ages| ages.get(&bound.id.to_string())) {
            let age = whole(*age);
            let _ = write!(html, "<span data-tone=\"dim\">unchanged for {age}</span>");
        }
    }
}

/// Where a step stands among its siblings.
#[derive(Clone, Copy, Debug)]
struct Place {
    told: bool,
    passes: bool,
}

/// How many steps are shown: a choice that is one with its hop counts once.
fn shown(root: &ViewNode) -> usize {
    let mut open = vec![root];
    let mut count = 0;
    while let Some(node) = open.pop() {
        count += 1;
        open.extend(&choice(node).unwrap_or(node).children);
    }
    count
}

fn via(node: &ViewNode, told: bool, html: &mut String) {
    if let Some(dentry) = node.dentry.as_ref().filter(|_| !told) {
        let (entry, place) = (entry(dentry), place(dentry));
        let _ = write!(html, "<code>{}</code>", visible(&entry));
        let _ = write!(html, "<span class=\"place\">{}</span>", visible(&place));
        if dentry.layer == Layer::Local {
            html.push_str("<span class=\"tag accent\">override</span>");
        }
    }
    if !node.residual.is_empty() {
        let residual = node.residual.to_string();
        let residual = visible(&residual);
        let _ = write!(html, "<span class=\"residual\">residual <code>{residual}</code></span>");
    }
}

fn share(node: &ViewNode, mark: Mark, html: &mut String) {
    if node.probability > 0.0 {
        let percent = percent(node.probability);
        let width = percent.replace(' ', "");
        let _ = write!(html, "<span>{percent}</span>");
        let _ = write!(
            html,
            "<svg class=\"bar\" aria-hidden=\"true\"><rect width=\"{width}\" height=\"100%\"/></svg>"
        );
    } else {
        let _ = write!(html, "<span class=\"standing\">{}</span>", mark_words(mark));
    }
}

fn say((tone, words): &(Tone, String), html: &mut String) {
    let tone = match tone {
        Tone::Mark(mark) => mark_name(*mark),
        Tone::Dim => "dim",
        Tone::Plain => "plain",
        Tone::Bad => "bad",
        Tone::Pending => "pending",
    };
    let _ = write!(html, "<span data-tone=\"{tone}\">{}</span>", visible(words));
}

/// An address, and how balancer and failure accrual see it.
fn endpoint(at: &Address, client: &Value, html: &mut String) {
    let socket = at.socket.to_string();
    let _ = write!(html, "<span class=\"path\">{socket}</span>");
    let mut facts = Vec::new();
    if at.weight() != dtab::DEFAULT_WEIGHT {
        facts.push(format!("weight {}", at.weight()));
    }
    let seen = client["endpoints"].as_array().into_iter().flatten();
    if let Some(seen) = seen.into_iter().find(|seen| seen["address"] == socket.as_str()) {
        let (status, words) = match seen["state"].as_str().unwrap_or_default() {
            "open" => ("ok", "open"),
            "dead" => ("bad", "marked dead"),
            "probing" => ("warn", "probing"),
            "failed_fast" => ("bad", "cannot be connected to"),
            other => ("idle", other),
        };
        let words = visible(words);
        let _ = write!(html, "<span class=\"chip\" data-status=\"{status}\">{words}</span>");
        if let Some(load) = seen["load"].as_f64() {
            facts.push(format!("load {load}"));
        }
        if seen["peak_ewma_ms"].is_number() {
            facts.push(format!("latency {}", duration(&seen["peak_ewma_ms"])));
        }
        if let Some(rate) = seen["success_rate"].as_f64() {
            facts.push(format!("success {}", percent(rate)));
        }
        if let Some(failures) = seen["failures"].as_u64().filter(|&failures| failures > 0) {
            let failures = usize::try_from(failures).unwrap_or(usize::MAX);
            facts.push(plural(failures, "failure in a row", "failures in a row"));
        }
        if seen["probe_in_ms"].is_number() {
            facts.push(format!("probed in {}", duration(&seen["probe_in_ms"])));
        }
    }
    let _ = write!(html, "<span class=\"facts-line\">{}</span>", facts.join(" · "));
}

/// Seconds in their largest unit: `12 s`, `3 min`, `5 h`, `2 d`.
fn whole(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{:.0} s", s.floor()),
        s if s < 3600.0 => format!("{:.0} min", (s / 60.0).floor()),
        s if s < 86_400.0 => format!("{:.0} h", (s / 3600.0).floor()),
        s => format!("{:.0} d", (s / 86_400.0).floor()),
    }
}

fn mark_name(mark: Mark) -> &'static str {
    match mark {
        Mark::Taken => "taken",
        Mark::Dead => "dead",
        Mark::Pending => "pending",
        Mark::Unused => "unused",
    }
}

fn mark_words(mark: Mark) -> &'static str {
    match mark {
        Mark::Taken => "taken",
        Mark::Dead => "leads nowhere",
        Mark::Pending => "not known yet",
        Mark::Unused => "not needed",
    }
}
