//! `io.l5d.static`: the same name for every request.

use dtab::Path;

use super::{Identification, Identifier, IdentifyError, RequestHead};

/// `dstPrefix` and a fixed path, whatever the request.
#[derive(Clone, Debug)]
pub struct StaticIdentifier {
    name: Path,
}

impl StaticIdentifier {
    /// Names every request `prefix` + `path`.
    pub fn new(prefix: &Path, path: &Path) -> Self {
        StaticIdentifier { name: prefix.concat(path) }
    }
}

impl Identifier for StaticIdentifier {
    fn kind(&self) -> &'static str {
        "io.l5d.static"
    }

    fn identify(&self, _: &RequestHead<'_>) -> Result<Identification, IdentifyError> {
        Ok(self.name.clone().into())
    }
}
