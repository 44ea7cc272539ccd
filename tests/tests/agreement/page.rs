//! What the page `/delegator` shows, read from its markup as the server writes it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tests::RawClient;

use crate::verdict::Verdict;

/// How much the percentages of a page, which are rounded, may be off in sum.
const ROUNDING: f64 = 0.002;

/// The answer of the page to one question.
#[derive(Debug)]
pub(crate) struct Page {
    /// The word before the sentence: `bound`, `negative`.
    state: String,
    rows: Vec<Row>,
}

/// A row of the tree.
#[derive(Debug)]
struct Row {
    depth: usize,
    mark: char,
    kind: String,
    /// The path, with its weight as a branch.
    name: String,
    share: f64,
    said: Vec<String>,
}

impl Page {
    /// Asks the admin server here.
    pub(crate) fn ask(
        admin: SocketAddr,
        router: &str,
        path: &str,
        local: &str,
    ) -> Result<Self, String> {
        let encoded =
            |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"));
        let target =
            format!("/delegator?router={router}&path={}&dtab={}", encoded(path), encoded(local));
        let host = admin.to_string();
        let client = RawClient::connect(admin).map_err(|e| e.to_string())?;
        let answer = client
            .timeout(Duration::from_secs(20))
            .request("GET", &target, &[("host", &host)], b"")
            .map_err(|e| format!("{target}: {e}"))?;
        let html = answer.text();
        Page::read(&html).ok_or_else(|| format!("{}: no answer in\n{html}", answer.status))
    }

    fn read(html: &str) -> Option<Self> {
        let (_, answer) = html.split_once("<p class=\"verdict-line\">")?;
        let state = text(between(answer, "<span class=\"chip\"", "</span>")?);
        let mut depth = 0;
        let mut pieces = answer.split("<li class=\"step");
        pieces.next();
        let mut rows = Vec::new();
        for piece in pieces {
            rows.push(Row::read(piece, depth)?);
            depth += piece.matches("<ul").count();
            depth = depth.saturating_sub(piece.matches("</ul").count());
        }
        Some(Page { state, rows })
    }

    /// What it says becomes of the requests.
    fn verdict(&self) -> Result<Verdict, String> {
        let mut shares = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.share > 0.0) {
            let name = match row.kind.as_str() {
                "leaf" => Some(row.bound().ok_or_else(|| format!("bound to what? {row:?}"))?),
                "empty" => None,
                _ => continue,
            };
            *shares.entry(name).or_default() += row.share;
        }
        Ok(match self.state.as_str() {
            "bound" => Verdict::Spread(shares),
            _ if !shares.is_empty() && self.state != "nobody" => {
                return Err(format!("{} with shares: {shares:?}", self.state));
            }
            "negative" => Verdict::Neg,
            "refused" => Verdict::Fail,
            "nobody" => Verdict::Empty,
            "not known yet" => Verdict::Pending,
            "failed" => Verdict::Failed,
            other => return Err(format!("no such state: {other}")),
        })
    }

    /// Compares it with what becomes of the requests.
    pub(crate) fn agrees(&self, bound: &Verdict) -> Result<(), String> {
        let shown = self.verdict()?;
        let same = match (&shown, bound) {
            (Verdict::Spread(ours), Verdict::Spread(theirs)) => {
                // What is drawn for a share of nothing is not drawn as taken.
                let share = |all: &BTreeMap<_, f64>, name| all.get(name).copied().unwrap_or(0.0);
                ours.keys()
                    .chain(theirs.keys())
                    .all(|name| (share(ours, name) - share(theirs, name)).abs() < ROUNDING)
            }
            (shown, bound) => shown == bound,
        };
        if same { Ok(()) } else { Err(format!("the page shows {shown:?}, not {bound:?}")) }
    }

    /// Compares its tree row by row with the one that the command prints.
    #[allow(dead_code, reason = "only one of the tests that share this prints trees")]
    pub(crate) fn draws(&self, printed: &str) -> Result<(), String> {
        let drawn = self.rows.iter().map(|row| (row.depth, row.mark, row.name.clone()));
        let drawn: Vec<_> = drawn.collect();
        let printed = printed_rows(printed);
        // Nothing is before the root, so nothing marks it where the command prints it.
        if drawn.len() == printed.len()
            && drawn.iter().zip(&printed).all(|(ours, theirs)| {
                (ours.0, &ours.2) == (theirs.0, &theirs.2) && (ours.0 == 0 || ours.1 == theirs.1)
            })
        {
            return Ok(());
        }
        Err(format!("the page draws\n{drawn:#?}\nand the command\n{printed:#?}"))
    }
}

impl Row {
    fn read(piece: &str, depth: usize) -> Option<Self> {
        let end = piece.find("</summary>").or_else(|| piece.find("</div>"))?;
        let row = &piece[..end];
        let weight =
            between(row, "<span class=\"weight\"", "</span>").map(text).unwrap_or_default();
        let path = text(between(row, "<span class=\"path\"", "</span>")?);
        let share = between(row, "<rect width=\"", "%").and_then(|share| share.parse::<f64>().ok());
        let said = row.split("<span data-tone=").skip(1);
        let said = said.filter_map(|line| Some(text(line.split_once("</span>")?.0)));
        Some(Row {
            depth,
            mark: match between(piece, "data-mark=\"", "\"")? {
                "taken" => '▶',
                "dead" => '✗',
                "pending" => '?',
                _ => '·',
            },
            kind: between(piece, "data-kind=\"", "\"")?.to_owned(),
            name: weight + &path,
            share: share.unwrap_or(0.0) / 100.0,
            said: said.collect(),
        })
    }

    /// The id and the residual of what is bound here.
    fn bound(&self) -> Option<(String, String)> {
        let line = self.said.iter().find_map(|line| line.strip_prefix("bound to "))?;
        let (id, residual) = line.split_once(", residual ").unwrap_or((line, "/"));
        // An answer with a status has no id of its own.
        if self.said.iter().any(|line| line.starts_with("answered at once")) {
            let name = if residual == "/" { id.to_owned() } else { format!("{id}{residual}") };
            return Some((name, residual.to_owned()));
        }
        Some((id.to_owned(), residual.to_owned()))
    }
}

/// Depth, mark and name of each row that the command prints.
#[allow(dead_code, reason = "only one of the tests that share this prints trees")]
fn printed_rows(printed: &str) -> Vec<(usize, char, String)> {
    // The tree ends before the empty line, and the paths before the columns of what led there.
    let row = |(nth, line): (usize, &str)| {
        if nth == 0 {
            return Some((0, '▶', first_column(line)));
        }
        let branch = ["├─", "└─"].iter().find_map(|branch| line.find(branch))?;
        let column = line[..branch].chars().count();
        let mut rest = line[branch..].chars();
        let mark = rest.nth(2)?;
        Some((column / 4 + 1, mark, first_column(rest.as_str().trim_start())))
    };
    let tree = printed.lines().take_while(|line| !line.is_empty());
    tree.enumerate().filter_map(row).collect()
}

#[allow(dead_code, reason = "only one of the tests that share this prints trees")]
fn first_column(line: &str) -> String {
    line.split("  ").next().unwrap_or_default().trim_end().to_owned()
}

/// What stands between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// The text of an element whose tag is not closed yet: `>` or ` attribute>text`.
fn text(element: &str) -> String {
    let text = element.split_once('>').map_or(element, |(_, text)| text);
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}
