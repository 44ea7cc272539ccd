//! The report of h2spec, in the format of JUnit.

use std::fmt;

/// A case, and what came of it.
pub(crate) struct Case {
    /// `http2/6.9.1`
    section: String,
    title: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Skipped,
    /// What was expected, and what came.
    Failed(String),
}

/// Every case of a report.
pub(crate) fn cases(report: &str) -> Vec<Case> {
    report.split("<testcase ").skip(1).map(case).collect()
}

fn case(text: &str) -> Case {
    let (case, _) = text.split_once("</testcase>").expect("the end of a case");
    let attribute = |name: &str| {
        let (_, value) = case.split_once(&format!("{name}=\"")).expect(name);
        plain(value.split('"').next().unwrap_or_default())
    };
    let inside = |name: &str| {
        let (_, content) = case.split_once(&format!("<{name}>"))?;
        content.split_once(&format!("</{name}>")).map(|(content, _)| plain(content))
    };
    let outcome = match inside("failure").or_else(|| inside("error")) {
        Some(why) => Outcome::Failed(why),
        None if case.contains("<skipped>") => Outcome::Skipped,
        None => Outcome::Passed,
    };
    Case { section: attribute("package"), title: attribute("classname"), outcome }
}

fn plain(text: &str) -> String {
    let escapes = [
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#xA;", "\n"),
        ("&amp;", "&"),
    ];
    escapes.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (section, title) = (&self.section, &self.title);
        match &self.outcome {
            Outcome::Passed => write!(f, "{section}: {title}: passed"),
            Outcome::Skipped => write!(f, "{section}: {title}: skipped"),
            Outcome::Failed(why) => write!(f, "{section}: {title}: failed\n{why}"),
        }
    }
}
