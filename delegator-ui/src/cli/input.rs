//! Reading the texts that a command is given.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use dtab::Source;
use router::snapshot::{self, Snapshot};

use super::{Error, Result};

mod world_args;

pub(super) use self::world_args::WorldArgs;

/// The largest text that is read. Places in a text are 32 bits wide, and no table comes near it.
const MAX_BYTES: u64 = 256 << 20;

/// What standard input is called in messages.
pub(super) const STDIN: &str = "<stdin>";

/// Whether a file argument means standard input.
pub(super) fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The text of a file, or of standard input for `-`.
pub(super) fn read(file: &Path) -> Result<Arc<Source>> {
    let (name, read) = if is_stdin(file) {
        (STDIN.to_owned(), read_bounded(io::stdin().lock()))
    } else {
        let name = file.display().to_string();
        (name, std::fs::File::open(file).and_then(read_bounded))
    };
    let bytes = read.map_err(|error| Error::file("read", &name, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::new(format!("cannot read {name}: larger than {} MiB", MAX_BYTES >> 20)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(name, text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(Error::new(format!("cannot read {name}: not UTF-8 from byte {at} on")))
        }
    }
}

/// A snapshot that `fingerpost snapshot` wrote.
pub(super) fn snapshot(file: &Path) -> Result<Snapshot> {
    let source = read(file)?;
    snapshot::read(source.name(), source.text()).map_err(|errors| Error::Drawn(errors.render(true)))
}

/// Reads at most one byte more than is allowed.
fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
