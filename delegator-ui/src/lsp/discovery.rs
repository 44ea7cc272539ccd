//! What names resolve to beyond the table: live discovery, if there is any.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dtab::{
    Activity, Delegation, Dtab, Explore, Name, NameTree, Namers, Outcome, Path, Resolver, Step,
};
use router::interpreter::Interpreter;
use serde_json::Value;

use super::document::Kind;

/// How long an answer of discovery is waited for. Somebody holds a pointer still meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// Which discovery there is: of a configuration, of a directory, recorded, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// A `linkerd.yaml`, whose table comes before that of a dtab file.
    pub config: Option<PathBuf>,
    /// A directory of discovery files, as the namer `/#/io.l5d.fs`.
    pub disco: Option<PathBuf>,
    /// A recorded router, whose table comes before that of a dtab file.
    pub snapshot: Option<PathBuf>,
    /// Which router of the configuration.
    pub router: Option<String>,
}

impl Sources {
    /// These, unless the client wants others: `{config, disco, snapshot, router}`, with files from `folder` on.
    pub(super) fn or_of(
        self,
        options: Option<&Value>,
        folder: Option<&PathBuf>,
    ) -> Result<Self, String> {
        let text = |key: &str| match options.and_then(|options| options.get(key)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(format!("initializationOptions.{key}: {other} is no text")),
        };
        let file = |text: String| match folder {
            Some(folder) => folder.join(text),
            None => PathBuf::from(text),
        };
        let [config, disco, snapshot] = ["config", "disco", "snapshot"].map(text);
        let (config, disco, snapshot, router) = (config?, disco?, snapshot?, text("router")?);
        match [&config, &disco, &snapshot].into_iter().flatten().count() {
            0 => Ok(Sources { router: router.or(self.router), ..self }),
            1 => {
                let [config, disco, snapshot] = [config, disco, snapshot].map(|it| it.map(file));
                Ok(Sources { config, disco, snapshot, router })
            }
            _ => Err("initializationOptions: config, disco or snapshot, just one".to_owned()),
        }
    }

    /// Whether they name any discovery.
    pub(super) fn any(&self) -> bool {
        self.config.is_some() || self.disco.is_some() || self.snapshot.is_some()
    }
}

/// Opens discovery, or says why it cannot.
pub type Open = Box<dyn Fn(&Sources) -> Result<Arc<Interpreter>, String>>;

/// What names are resolved by beyond the table.
#[derive(Clone, Debug)]
pub(super) enum World {
    /// Nothing: what discovery would have to answer stays open.
    TableAlone,
    /// Live namers, and how long they are waited for.
    Live(Arc<Interpreter>, Duration),
}

/// A name, resolved.
#[derive(Debug)]
pub(super) struct Resolved {
    /// Every step of it.
    pub(super) delegation: Delegation,
    /// The prefixes of the namers that were asked.
    pub(super) prefixes: Vec<Path>,
}

impl World {
    /// Resolves a name by the table of a document. That of a dtab file comes behind the table of the
    /// configuration if there is one, as with `fingerpost delegate --config FILE -d FILE`.
    pub(super) async fn resolve(&self, kind: Kind, table: &Dtab, path: &Path) -> Resolved {
        let none = Dtab::empty();
        match self {
            World::TableAlone => {
                let namers = &TableAlone;
                let resolver = Resolver { base: table, local: &none, namers, transformers: &[] };
                let delegation = resolver.resolve(path, Explore::All);
                Resolved { delegation, prefixes: Vec::new() }
            }
            World::Live(interpreter, patience) => {
                let base = match kind {
                    Kind::Dtab => interpreter.base().concat(table),
                    Kind::Config | Kind::Other => table.clone(),
                };
                let delegation = interpreter.delegate(&base, &none, path, *patience).await;
                Resolved { delegation, prefixes: interpreter.namers().prefixes() }
            }
        }
    }

    /// The names that discovery has, and the prefixes of its namers. May look at a disk.
    pub(super) fn names(&self) -> Vec<Path> {
        match self {
            World::TableAlone => Vec::new(),
            World::Live(interpreter, _) => {
                let namers = interpreter.namers();
                namers.bound_names().into_iter().chain(namers.prefixes()).collect()
            }
        }
    }
}

/// Stands for the namers where there is no discovery: nobody knows what they would say.
struct TableAlone;

impl Namers for TableAlone {
    fn lookup(&self, path: &Path) -> Activity<NameTree<Name>> {
        match path.first() {
            Some(b"#") => Activity::Pending,
            _ => Activity::Ok(NameTree::Neg),
        }
    }

    fn host(&self, _: &str) -> Activity<Option<Vec<std::net::IpAddr>>> {
        Activity::Pending
    }
}

impl Resolved {
    /// What becomes of the name, in a sentence that begins with it.
    pub(super) fn verdict(&self) -> String {
        let Resolved { delegation, prefixes } = self;
        let path = &delegation.path;
        match (delegation.outcome, first_open(delegation)) {
            (Outcome::Pending, Some(open)) if open == path => {
                format!("{path}: not known yet")
            }
            (Outcome::Pending, Some(open)) => {
                format!("{path}: becomes {open}, which is not known yet")
            }
            (Outcome::Found, _) => {
                format!("{path}: {}", dtab::view::explain_short(delegation, prefixes))
            }
            _ => dtab::view::explain_short(delegation, prefixes),
        }
    }
}

/// The first name that nobody has answered for.
fn first_open(delegation: &Delegation) -> Option<&Path> {
    match delegation.step {
        Step::Pending => Some(&delegation.path),
        _ => delegation.children().into_iter().find_map(first_open),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table_alone(table: &str, path: &str) -> Resolved {
        let dtab = Dtab::parse(table).expect("a table");
        let path = Path::parse(path).expect("a path");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(World::TableAlone.resolve(Kind::Dtab, &dtab, &path))
    }

    #[test]
    fn a_table_alone_leaves_open_what_discovery_would_say() {
        let verdict = |table: &str| table_alone(table, "/svc/web").verdict();
        assert_eq!(
            verdict("/svc => /#/io.l5d.fs | /$/nil"),
            "/svc/web: becomes /#/io.l5d.fs/web, which is not known yet"
        );
        assert_eq!(
            verdict("/svc => /$/inet/web.example/80"),
            "/svc/web: bound to /$/inet/web.example/80, whose address is not known yet"
        );
        assert_eq!(
            verdict("/svc => /$/inet/127.1/80"),
            "/svc/web: bound to /$/inet/127.1/80, 1 address"
        );
        assert_eq!(verdict("/a => /b"), "/svc/web: no dentry matches");
    }

    #[test]
    fn a_client_may_name_other_discovery() {
        let arguments = Sources {
            config: Some("a.yaml".into()),
            router: Some("http".into()),
            ..Sources::default()
        };
        let of =
            |options: Value| arguments.clone().or_of(Some(&options), Some(&PathBuf::from("/srv")));
        assert_eq!(arguments.clone().or_of(None, None), Ok(arguments.clone()));
        assert_eq!(of(json!({})), Ok(arguments.clone()));
        let router = Sources { router: Some("h2".into()), ..arguments.clone() };
        assert_eq!(of(json!({ "router": "h2", "config": null })), Ok(router));
        let disco = Sources { disco: Some("/srv/disco".into()), ..Sources::default() };
        assert_eq!(of(json!({ "disco": "disco" })), Ok(disco));
        assert!(of(json!({ "disco": "a", "config": "b" })).is_err());
        assert_eq!(
            of(json!({ "disco": 7 })),
            Err("initializationOptions.disco: 7 is no text".to_owned())
        );
    }
}
