//! A test file: its table, what discovery is to know, and its cases.
//!
//! The files that it names are looked for beside it. They are read together with it, so that what is
//! wrong with them is told at the key that names them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dtab::Dtab;
use http::Version;
use router::config::document::{self, DocumentKind, Field, Object};
use router::config::kinds::NamerConfig;
use router::config::{self, Code};
use router::configured;
use router::identifier::{HeaderTokenIdentifier, IdentifierChain};
use router::interpreter::Interpreter;
use router::snapshot::{self, Recorder, Snapshot};
use tokio::runtime::Handle;

use super::case::{self, FileCase};
use super::discovery::{self, Discovery};
use crate::cli::delegate::choose_router;
use crate::cli::{Error, Result, input};

const KIND: DocumentKind =
    DocumentKind { noun: "test file", needs: "`dtab` or `config`, and `cases` are needed" };

/// How long discovery files may take to be read. No host is looked up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A whole test file, every key checked.
#[derive(Debug)]
pub(super) struct TestFile {
    pub(super) name: String,
    pub(super) table: Table,
    discovery: Discovery,
    hosts: BTreeMap<String, Option<Vec<IpAddr>>>,
    pub(super) cases: Vec<FileCase>,
}

/// What names are resolved by, and requests named.
#[derive(Debug)]
pub(super) struct Table {
    /// The table, with the namers and transformers of a configuration, but without names.
    pub(super) blank: Snapshot,
    /// The namers of the configuration, of which the last one is tried first.
    pub(super) namers: Vec<NamerConfig>,
    /// How the router of a configuration is recorded.
    recorder: Option<Recorder>,
    pub(super) identifiers: IdentifierChain,
    pub(super) version: Version,
}

impl Table {
    /// A table without a configuration: the host is the name.
    fn of_dtab(dtab: Dtab) -> Option<Self> {
        let prefix = dtab::Path::from_segments(["svc"]);
        let host = HeaderTokenIdentifier::new(prefix, "Host").ok()?;
        let identifiers = IdentifierChain::new(vec![Box::new(host)]);
        let blank = Snapshot::of_table("", dtab);
        let namers = Vec::new();
        Some(Table { blank, namers, recorder: None, identifiers, version: Version::HTTP_11 })
    }

    /// The entries.
    pub(super) fn dtab(&self) -> &Dtab {
        &self.blank.dtab
    }
}

/// Reads a test file and the files that it names.
pub(super) fn read(file: &Path) -> Result<TestFile> {
    let source = input::read(file)?;
    let dir = file.parent().map(Path::to_owned).unwrap_or_default();
    document::read(KIND, source.name(), source.text(), |field| test_file(field, &dir))
        .map_err(|errors| Error::Drawn(errors.render(true)))
}

fn test_file(field: &Field<'_>, dir: &Path) -> Option<TestFile> {
    let keys = &["dtab", "config", "router", "discovery", "disco", "snapshot", "hosts", "cases"];
    let mut object = field.object_with("a test file", keys)?;
    let recorded = object.get("snapshot").map(|field| read_recorded(&field, dir));
    let table = table(&mut object, dir, recorded.as_ref());
    let recorded = recorded.flatten();
    let discovery = discovery::read(&mut object, dir, table.as_ref(), recorded);
    let hosts = object.optional("hosts", discovery::hosts).unwrap_or_default();
    // Without a table the cases are still looked through for what else is wrong.
    let nothing = Table::of_dtab(Dtab::empty())?;
    let cases = object.required("cases", |field| {
        case::read_all(field, table.as_ref().unwrap_or(&nothing), table.is_some())
    });
    object.finish();
    let name = field.source().name().to_owned();
    Some(TestFile { name, table: table?, discovery: discovery?, hosts, cases: cases? })
}

/// The file that a key names, from where the test file lies.
pub(super) fn beside(dir: &Path, name: &str) -> PathBuf {
    dir.join(name)
}

/// What is wrong with a file that a key names: the first of it, and how to see all.
fn refuse_file(field: &Field<'_>, told: &str, file: &Path) {
    let told = told.lines().next().unwrap_or_default().to_owned();
    let help = format!("`fingerpost check {}` shows all that is wrong with it", file.display());
    drop(field.error(Code::Invalid, told).help(help));
}

fn read_recorded(field: &Field<'_>, dir: &Path) -> Option<Snapshot> {
    let file = beside(dir, &field.text()?);
    let source = match input::read(&file) {
        Ok(source) => source,
        Err(error) => return field.error(Code::Unreadable, error.to_string()).none(),
    };
    match snapshot::read(source.name(), source.text()) {
        Ok(snapshot) => Some(snapshot),
        Err(errors) => {
            let told = errors.to_string();
            field.error(Code::Invalid, told.lines().next().unwrap_or_default()).none()
        }
    }
}

/// `recorded` is what the key `snapshot` names, if it is given and can be read.
fn table(
    object: &mut Object<'_>,
    dir: &Path,
    recorded: Option<&Option<Snapshot>>,
) -> Option<Table> {
    let (dtab, config, router) = (object.get("dtab"), object.get("config"), object.get("router"));
    if let (Some(router), None) = (&router, &config) {
        drop(router.error(Code::Conflict, "`router` chooses one of `config`, which is not given"));
    }
    match (dtab, config) {
        (Some(_), Some(config)) => {
            config.error(Code::Conflict, "a test has either `dtab` or `config`").none()
        }
        (Some(dtab), None) => Table::of_dtab(read_dtab(&dtab, dir)?),
        (None, Some(config)) => read_config(&config, router.as_ref(), dir),
        (None, None) => match recorded {
            Some(recorded) => Table::of_dtab(recorded.as_ref()?.dtab.clone()),
            None => object.missing("dtab").help("or `config`, for the table of a router").none(),
        },
    }
}

/// Entries as they are, or the file that has them.
fn read_dtab(field: &Field<'_>, dir: &Path) -> Option<Dtab> {
    let text = field.text()?;
    if field.is_block() || text.contains("=>") {
        return field.dtab();
    }
    let file = beside(dir, &text);
    let source = match input::read(&file) {
        Ok(source) => source,
        Err(error) => {
            let help = "`dtab` is a file, or entries such as `/svc => /host ;`";
            return field.error(Code::Unreadable, error.to_string()).help(help).none();
        }
    };
    let (dtab, found) = dtab::check_dtab(&source);
    match found.first() {
        None => Some(dtab),
        Some(first) => {
            refuse_file(field, &first.one_line(&source), &file);
            None
        }
    }
}

fn read_config(field: &Field<'_>, router: Option<&Field<'_>>, dir: &Path) -> Option<Table> {
    let file = beside(dir, &field.text()?);
    let config = match config::load(&file) {
        Ok(config) => config,
        Err(errors) => {
            refuse_file(field, &errors.to_string(), &file);
            return None;
        }
    };
    let label = match router {
        Some(router) => Some(router.text()?),
        None => None,
    };
    let labels = config.routers.iter().map(|router| router.label.as_str());
    let at = match choose_router(labels, label.as_deref(), config.source.name()) {
        Ok(at) => at,
        Err(error) => {
            let told = error.to_string().replace("--router", "`router`");
            return router.unwrap_or(field).error(Code::Invalid, told).none();
        }
    };
    let chosen = &config.routers[at];
    let identifiers = match configured::identifiers(chosen) {
        Ok(identifiers) => identifiers,
        Err(error) => return field.error(Code::Invalid, error.to_string()).none(),
    };
    let recorder = Recorder::of(&config, chosen);
    Some(Table {
        blank: Snapshot { dtab: chosen.dtab.clone(), ..recorder.blank() },
        recorder: Some(recorder),
        version: chosen.protocol.version().http(),
        namers: config.namers.clone(),
        identifiers,
    })
}

impl TestFile {
    /// All that names are resolved by, recorded: what happens to files later does not matter.
    pub(super) async fn world(&self) -> Result<Snapshot> {
        let Table { blank, recorder, .. } = &self.table;
        let (name, hosts) = (self.name.clone(), self.hosts.clone());
        let mut world = Snapshot { source: name, hosts, ..blank.clone() };
        match &self.discovery {
            Discovery::Listed(namers) => world.namers.clone_from(namers),
            Discovery::Files(namers) => {
                let read = self.read_files(recorder.as_ref(), namers).await?;
                world.namers = read.namers;
                world.left_out = read.left_out;
            }
            Discovery::Recorded(recorded) => {
                world.namers.clone_from(&recorded.namers);
                for (host, addresses) in &recorded.hosts {
                    world.hosts.entry(host.clone()).or_insert_with(|| addresses.clone());
                }
                world.left_out.extend(recorded.left_out.iter().cloned());
                if recorder.is_none() {
                    world.transformers.clone_from(&recorded.transformers);
                }
            }
        }
        Ok(world)
    }

    /// What discovery files say, with the hosts of the test for those that they name.
    async fn read_files(
        &self,
        recorder: Option<&Recorder>,
        namers: &[NamerConfig],
    ) -> Result<Snapshot> {
        let rt = Handle::current();
        let hosts = snapshot::known_hosts(self.hosts.clone(), rt.clone());
        let live = configured::namers_with(namers, hosts)
            .map_err(|failure| Error::new(format!("{}: {failure}", self.name)))?;
        // Hosts of the table are those of the test, and not asked for here.
        let none = Dtab::empty();
        let live = Interpreter::new(none.clone(), live, Vec::new(), rt);
        let of_files = Recorder::of_table(&self.name, namers);
        Ok(recorder.unwrap_or(&of_files).record(&live, &none, PATIENCE).await)
    }
}
