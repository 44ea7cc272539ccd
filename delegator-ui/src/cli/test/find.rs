//! Which files are test files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{Error, Result};

/// What the names of test files end in, where a directory is given.
const ENDING: &str = ".test.yaml";

/// The files as they are given, and for a directory those below it, sorted.
pub(super) fn test_files(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut below = Vec::new();
        look(path, &mut below)?;
        if below.is_empty() {
            return Err(Error::new(format!("{}: no *{ENDING} below it", path.display())));
        }
        below.sort_unstable();
        files.extend(below);
    }
    Ok(files)
}

/// Directories that links lead to are not looked into: they may lead in a round.
fn look(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error| Error::file("read", &dir.display().to_string(), &error);
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        // `./a` is shown as it would be given.
        let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
        if entry.file_type().map_err(unreadable)?.is_dir() {
            look(&path, files)?;
        } else if entry.file_name().to_str().is_some_and(|name| name.ends_with(ENDING)) {
            files.push(path);
        }
    }
    Ok(())
}
