//! The files that TLS is set up from, read together.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

use super::Fault;

/// The largest file, in bytes. The bundle of a system has about 250 kB.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The content of some files, or why one has none.
pub(super) struct Files(BTreeMap<PathBuf, Result<Vec<u8>, String>>);

/// Tells one state of all files from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Files {
    pub(super) fn read(paths: &[PathBuf]) -> Self {
        let content = |path: &PathBuf| (path.clone(), read(path).map_err(|e| reason(&e)));
        Files(paths.iter().map(content).collect())
    }

    /// The content of a file that was read.
    pub(super) fn get(&self, path: &Path) -> Result<&[u8], Fault> {
        match self.0.get(path) {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(reason)) => {
                let what = format!("{} cannot be read: {reason}", path.display());
                Err(Fault::new(what, "it must be a PEM file that this program may read"))
            }
            None => Err(Fault::new(format!("{} was not read", path.display()), "name it")),
        }
    }

    pub(super) fn digest(&self) -> Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        for content in self.0.values() {
            let (bytes, kind) = match content {
                Ok(bytes) => (bytes.as_slice(), 0),
                Err(reason) => (reason.as_bytes(), 1),
            };
            context.update(&[kind]);
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        }
        Digest(sha256(context))
    }
}

fn sha256(context: digest::Context) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Looked at before it is opened: to open a pipe could take for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this program may not read it".to_owned(),
        _ => error.to_string(),
    }
}
