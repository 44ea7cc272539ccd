//! The tables, as lines with ANSI escapes.
//!
//! ```text
//! ! http  12.5/s  success 99.1 %
//!
//! SERVICE                     RPS  SUCCESS  FAIL/s  RETRY/s     P50     P95     P99  PENDING
//! ! /svc/web                 12.5   99.1 %     0.1      0.3    4 ms   12 ms   40 ms        2
//! ```

use std::cmp::Ordering;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::Sort;
use crate::view::clean;
use crate::web::figures::{NONE, count, duration, rate, share};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();

/// Names are never narrower than this; what does not fit beside them is left out.
const MIN_NAME: usize = 20;

/// Endpoints of one client that are listed; more are counted.
const MOST_ENDPOINTS: usize = 16;

/// One column of figures.
struct Column {
    title: &'static str,
    width: usize,
    /// The smallest is the first to be kept in a narrow terminal.
    rank: u8,
    figure: fn(&Value) -> String,
}

const COLUMNS: [Column; 9] = [
    Column { title: "RPS", width: 7, rank: 0, figure: |row| rate(&row["rps"]) },
    Column { title: "SUCCESS", width: 8, rank: 1, figure: |row| share(&row["success"]) },
    Column { title: "FAIL/s", width: 7, rank: 4, figure: |row| rate(&row["failures_ps"]) },
    Column { title: "RETRY/s", width: 8, rank: 3, figure: |row| rate(&row["retries_ps"]) },
    Column { title: "P50", width: 9, rank: 6, figure: |row| duration(&row["p50"]) },
    Column { title: "P95", width: 9, rank: 5, figure: |row| duration(&row["p95"]) },
    Column { title: "P99", width: 9, rank: 2, figure: |row| duration(&row["p99"]) },
    Column { title: "PENDING", width: 8, rank: 7, figure: |row| count(&row["pending"]) },
    Column { title: "CONNS", width: 6, rank: 8, figure: |row| count(&row["connections"]) },
];

/// The rows of one kind.
pub(super) fn rows<'v>(stats: &'v Value, kind: &str) -> impl Iterator<Item = &'v Value> {
    stats[kind].as_array().into_iter().flatten()
}

/// The figures and how they are to be shown.
pub(super) struct Picture<'v> {
    pub(super) stats: &'v Value,
    pub(super) sort: Sort,
    /// Columns there are.
    pub(super) width: usize,
}

impl Picture<'_> {
    /// The lines, none of them wider than the picture.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = rows(self.stats, "routers").map(|row| self.router(row)).collect();
        for (kind, title) in [("services", "SERVICE"), ("clients", "CLIENT")] {
            let mut rows: Vec<_> = rows(self.stats, kind).collect();
            rows.sort_by(|one, other| self.order(one, other));
            lines.push(String::new());
            lines.push(self.titles(title));
            if rows.is_empty() {
                lines.push(format!("{DIM}{}{DIM:#}", cut("  none yet", self.width)));
            }
            for row in rows {
                lines.push(self.row(row));
                self.endpoints(row, &mut lines);
            }
        }
        if let Some(left_out @ 1..) = self.stats["left_out"].as_u64() {
            lines.push(cut(&format!("  and {left_out} more"), self.width));
        }
        lines
    }

    fn router(&self, row: &Value) -> String {
        let failing = is_failing(row);
        let style = if failing { RED } else { BOLD };
        let name = format!("{}{}", if failing { "! " } else { "" }, name(row, "router"));
        let (rps, success) = (rate(&row["rps"]), share(&row["success"]));
        let p99 = duration(&row["p99"]);
        let rest = format!("  {rps}/s  success {success}  p99 {p99}");
        let room = self.width.saturating_sub(rest.chars().count());
        if room < name.chars().count() {
            return format!("{style}{}{style:#}", cut(&format!("{name}  {rps}/s"), self.width));
        }
        format!("{style}{name}{style:#}{rest}")
    }

    /// The columns that there is room for, in their order.
    fn columns(&self) -> impl Iterator<Item = &'static Column> {
        let room = self.width.saturating_sub(MIN_NAME);
        let fits = move |column: &&Column| {
            let before = COLUMNS.iter().filter(|other| other.rank <= column.rank);
            before.map(|other| other.width + 1).sum::<usize>() <= room
        };
        COLUMNS.iter().filter(fits)
    }

    fn name_width(&self) -> usize {
        let taken: usize = self.columns().map(|column| column.width + 1).sum();
        self.width.saturating_sub(taken)
    }

    fn titles(&self, title: &str) -> String {
        let mut line = fitted(title, self.name_width());
        for Column { title, width, .. } in self.columns() {
            line += &format!(" {title:>width$}");
        }
        format!("{BOLD}{line}{BOLD:#}")
    }

    fn row(&self, row: &Value) -> String {
        let failing = is_failing(row);
        let mark = if failing { "! " } else { "  " };
        let mut line = fitted(&format!("{mark}{}", name(row, "name")), self.name_width());
        for Column { width, figure, .. } in self.columns() {
            line += &format!(" {:>width$}", figure(row));
        }
        if failing { format!("{RED}{line}{RED:#}") } else { line }
    }

    /// The endpoints of a client, and why it has none.
    fn endpoints(&self, row: &Value, lines: &mut Vec<String>) {
        match row["state"].as_str() {
            None | Some("bound") => {}
            Some(state) => {
                let line = cut(&format!("  ! {}", clean(state)), self.width);
                lines.push(format!("{RED}{line}{RED:#}"));
            }
        }
        let endpoints: Vec<_> = rows(row, "endpoints").collect();
        for endpoint in endpoints.iter().take(MOST_ENDPOINTS) {
            let state = name(endpoint, "state");
            let dead = !matches!(state.as_str(), "open" | "probing");
            let mark = if dead { '!' } else { ' ' };
            let load =
                endpoint["load"].as_f64().map_or_else(|| NONE.to_owned(), |it| it.to_string());
            let address = name(endpoint, "address");
            let mut line = format!("  {mark} {address:<21} {state:<11} load {load}");
            if line.chars().count() > self.width {
                line = format!("  {mark} {address} {state}");
            }
            let line = cut(line.trim_end(), self.width);
            let style = if dead { RED } else { DIM };
            lines.push(format!("{style}{line}{style:#}"));
        }
        let more = endpoints.len().saturating_sub(MOST_ENDPOINTS);
        if more > 0 {
            let line = cut(&format!("    and {more} more endpoints"), self.width);
            lines.push(format!("{DIM}{line}{DIM:#}"));
        }
    }

    /// What comes first: the most requests, the least success, the slowest, the most retries. What is
    /// not known is last.
    fn order(&self, one: &Value, other: &Value) -> Ordering {
        let figure = |row: &Value| match self.sort {
            Sort::Rps => row["rps"].as_f64(),
            Sort::Success => row["success"].as_f64().map(|share| -share),
            Sort::P99 => row["p99"].as_f64(),
            Sort::Retries => row["retries_ps"].as_f64(),
        };
        let first = match (figure(one), figure(other)) {
            (Some(one), Some(other)) => other.total_cmp(&one),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        first.then_with(|| one["name"].as_str().cmp(&other["name"].as_str()))
    }
}

/// Whether requests fail just now, or more than one in a hundred did.
fn is_failing(row: &Value) -> bool {
    row["failures_ps"].as_f64().is_some_and(|failures| failures > 0.0)
        || row["success"].as_f64().is_some_and(|share| share < 0.99)
}

fn name(row: &Value, member: &str) -> String {
    clean(row[member].as_str().unwrap_or_default()).into_owned()
}

/// The text in exactly as many columns. A name that is too long loses its middle: its end tells it
/// from others.
fn fitted(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return format!("{text}{}", " ".repeat(width - length));
    }
    let front = width.saturating_sub(1) / 2;
    let back = width.saturating_sub(1) - front;
    let start: String = text.chars().take(front).collect();
    let end: String = text.chars().skip(length - back).collect();
    if width == 0 { String::new() } else { format!("{start}…{end}") }
}

fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stats() -> Value {
        let row = |name: &str, rps: f64, success: Option<f64>, p99: Option<u64>| {
            json!({
                "router": "http", "name": name, "rps": rps, "success": success,
                "failures_ps": success.map_or(0.0, |share| rps * (1.0 - share)), "retries_ps": rps / 10.0,
                "p50": p99.map(|ms| ms / 10), "p95": p99.map(|ms| ms / 2), "p99": p99,
                "pending": 1, "connections": null,
            })
        };
        let mut router = row("http", 1255.5, Some(0.995), Some(40));
        router["servers"] = json!([]);
        let mut web = row("/#/io.l5d.fs/web", 5.5, Some(1.0), Some(12));
        web["state"] = json!("bound");
        web["endpoints"] = json!([
            { "address": "127.0.0.1:8081", "state": "open", "load": 2.0 },
            { "address": "127.0.0.1:8082", "state": "dead", "load": 0.0, "probe_in_ms": 900 },
        ]);
        let mut gone = row("/#/io.l5d.fs/gone", 0.0, None, None);
        gone["state"] = json!("Failed: the file\u{7} is malformed");
        json!({
            "routers": [router],
            "services": [
                row("/svc/idle", 0.0, None, None),
                row("/svc/web", 5.5, Some(1.0), Some(12)),
                row("/svc/a-service-with-a-name-that-is-much-longer-than-others/v1", 1250.0, Some(0.992), Some(40)),
            ],
            "clients": [gone, web],
            "left_out": 3,
        })
    }

    fn drawn(width: usize, sort: Sort) -> String {
        let stats = stats();
        let lines = (Picture { stats: &stats, sort, width }).lines();
        let text = anstream::adapter::strip_str(&lines.join("\n")).to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        text
    }

    #[test]
    fn tables_fit_into_the_width_there_is() {
        for width in [120, 80, 60, 40] {
            insta::assert_snapshot!(format!("width_{width}"), drawn(width, Sort::Rps));
        }
        for width in 0..40 {
            drawn(width, Sort::P99);
        }
    }

    #[test]
    fn rows_are_sorted_and_what_is_unknown_comes_last() {
        let names = |sort| {
            let text = drawn(80, sort);
            let lines = text.lines().skip_while(|line| !line.starts_with("SERVICE")).skip(1);
            lines.take(3).map(|line| line[2..10].trim_end().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(Sort::Rps), ["/svc/a-s", "/svc/web", "/svc/idl"]);
        assert_eq!(names(Sort::Success), ["/svc/a-s", "/svc/web", "/svc/idl"]);
        assert_eq!(names(Sort::P99), ["/svc/a-s", "/svc/web", "/svc/idl"]);
        assert_eq!(Sort::Rps.next().next().next().next(), Sort::Rps);
    }

    #[test]
    fn whatever_is_answered_something_is_drawn() {
        for stats in [json!(null), json!([]), json!({}), json!({ "services": [1, null, {}] })] {
            assert!(!(Picture { stats: &stats, sort: Sort::Rps, width: 80 }).lines().is_empty());
        }
    }
}
