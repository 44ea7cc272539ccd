//! `fingerpost test FILE...`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use dtab::case::Count;
use router::snapshot::{self, Snapshot};

use self::suite::Suite;
use super::{Error, Outcome, Output, Result, input};

mod case;
mod discovery;
mod entries;
mod file;
mod find;
mod junit;
mod machine;
mod suite;
mod text;

/// Run unit tests of dtabs
///
/// A test file is YAML: a table or a configuration, what discovery is to know, and cases, each with a
/// name or a request and what is expected of it. Nothing is asked of the network. A directory means
/// every *.test.yaml below it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  fingerpost test routes.test.yaml
  fingerpost test tests/ --coverage --fail-under 100
  fingerpost test tests/ --filter canary --explain 'one in ten'
  fingerpost test tests/ --format junit > report.xml

A test file:
  dtab: routes.dtab          # or a block of entries; or config: linkerd.yaml and router: LABEL
  discovery:                 # or disco: DIR, or snapshot: FILE; else the configuration's
    /#/io.l5d.fs/web: [10.0.0.1:8080, 10.0.0.2:8080 * 0.5]
    /#/io.l5d.fs/web-v2: [10.0.0.3:8080]
    /#/io.l5d.fs/gone: ~     # known not to be there
  hosts: {db.example: [10.0.0.9]}
  cases:
  - name: one in ten goes to v2
    path: /svc/web/users     # or request: {host: web, path: /, method: GET, headers: {a: b}}
    override: /svc/web => 9 * /srv/web & 1 * /srv/web-v2
    expect:
      bound: {/#/io.l5d.fs/web: 0.9, /#/io.l5d.fs/web-v2: 0.1}   # or one name; $ is nobody
      tolerance: 0.01        # how far a share may be off
      endpoints: [10.0.0.1:8080, 10.0.0.2:8080, 10.0.0.3:8080]
      residual: /users
      through: [7, /srv]     # entries: a line, FILE:LINE, a prefix, PREFIX => DESTINATION
      not-through: [/svc/old]
      # error: neg, fail, empty, pending, exception, too-deep, too-many-steps, unknown-namer,
      #        bad-name, namer or unidentified, in the place of bound

A request is named by the identifiers of the configuration, or else by its Host as /svc/HOST. Its
l5d-dtab and l5d-ctx-dtab count as those of a trusted caller. Files are looked for beside the test
file, and the directories that a configuration names from where the command runs.

Exit status: 0 all pass, 1 a case fails or too little is covered, 2 cannot read.")]
pub(super) struct Args {
    /// Test files, and directories with *.test.yaml
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Run only the cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Show how the name resolves in every case whose name contains this, also if it passes
    #[arg(long, value_name = "NAME")]
    explain: Option<String>,
    /// Say which entries and branches no case reaches
    #[arg(long)]
    coverage: bool,
    /// Fail if fewer of a hundred branches are reached
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    fail_under: Option<f64>,
    /// How to print the results: text, json or junit
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    format: Format,
    /// Name the cases that pass, too
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
}

fn percent(text: &str) -> std::result::Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("it is a number from 0 to 100".to_owned()),
    }
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result {
    let runtime = super::runtime()?;
    let result = runtime.block_on(run_all(args, output));
    runtime.shutdown_background();
    result
}

async fn run_all(args: &Args, output: &mut Output) -> Result {
    let (mut suites, mut unreadable) = (Vec::new(), false);
    for file in find::test_files(&args.files)? {
        match Suite::run(&file, args.filter.as_deref()).await {
            Ok(suite) => suites.push(suite),
            Err(error) => {
                output.complain(&error);
                unreadable = true;
            }
        }
    }
    let nothing = suites.iter().all(|suite| suite.ran.is_empty());
    if let Some(wanted) = args.filter.as_deref().filter(|_| nothing && !unreadable) {
        return Err(Error::new(format!("--filter {wanted}: no case has a name that contains it")));
    }
    for suite in &suites {
        super::delegate::tell_left_out(&suite.world, output)?;
    }
    let mut count = Count::default();
    for coverage in suite::coverage(&suites) {
        count += coverage.count();
    }
    match args.format {
        Format::Text => output.out.write_all(text::report(args, &suites, count).as_bytes())?,
        Format::Json => super::write_json(&machine::report(&suites, count), output)?,
        Format::Junit => output.out.write_all(junit::report(&suites).as_bytes())?,
    }
    let too_little = args.fail_under.filter(|least| count.percent() < *least);
    if let Some(least) = too_little {
        let percent = text::percent(count.percent());
        output.complain(&Error::new(format!(
            "{percent} of the branches are reached, and --fail-under wants {least} %"
        )));
    }
    if unreadable {
        return Ok(Outcome::Unusable);
    }
    let failed = suites.iter().any(|suite| suite.counts().1 > 0);
    Ok(if failed || too_little.is_some() { Outcome::Findings } else { Outcome::Clean })
}

/// What `--snapshot` takes: a file that `fingerpost snapshot` wrote, or a test file, whose table and
/// discovery are taken.
pub(super) async fn read_snapshot(file: &Path) -> Result<Snapshot> {
    let source = input::read(file)?;
    if source.text().trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        return snapshot::read(source.name(), source.text())
            .map_err(|errors| Error::Drawn(errors.render(true)));
    }
    file::read(file)?.world().await
}
