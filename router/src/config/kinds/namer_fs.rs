//! `io.l5d.fs`: a directory with a file of addresses for each name.
//!
//! ```yaml
//! namers:
//! - kind: io.l5d.fs
//!   rootDir: ./disco
//! ```

use std::path::PathBuf;

use dtab::Path;

use super::namer::{NamerConfig, NamerKind};
use super::transformer;
use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::reader::Object;
use crate::config::value;

/// `io.l5d.fs`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsNamerConfig {
    /// The directory; it existed when the configuration was read. Relative to the working directory
    /// of the process.
    pub root_dir: PathBuf,
}

pub(super) static KEYS: &[Key] = &[
    key(
        "rootDir",
        Type::Directory,
        Required,
        "The directory, in which each file is named like a service and lists its addresses, one \
         `host port` a line with an optional weight. Changes are seen at once.",
    ),
    key(
        "prefix",
        Type::Path,
        Is("/io.l5d.fs"),
        "The namer answers for the names below `/#` and this.",
    ),
];

pub(super) fn read(object: &mut Object<'_>) -> Option<NamerConfig> {
    let root_dir = object.required("rootDir", value::directory);
    let prefix = object
        .optional("prefix", value::prefix)
        .unwrap_or_else(|| Path::from_segments(["io.l5d.fs"]));
    let transformers = transformer::read_all(object);
    Some(NamerConfig {
        kind: NamerKind::Fs(FsNamerConfig { root_dir: root_dir? }),
        prefix,
        transformers,
    })
}
