//! All names below a root, for those who list them.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use dtab::Path;

/// The deepest folder that is looked into: symbolic links may lead in a round.
const MAX_DEPTH: usize = 32;

/// Names that are listed at most.
const MAX_NAMES: usize = 100_000;

/// The files below a directory as paths from there, sorted, and whether these are all of them. What
/// cannot be looked into has no names.
pub(crate) fn names_below(root: &std::path::Path) -> (Vec<Path>, bool) {
    let mut listed = Listed { names: Vec::new(), whole: true };
    listed.below(root, &Path::root(), 0);
    listed.names.sort_unstable();
    (listed.names, listed.whole)
}

struct Listed {
    names: Vec<Path>,
    whole: bool,
}

impl Listed {
    fn below(&mut self, dir: &std::path::Path, at: &Path, depth: usize) {
        if depth >= MAX_DEPTH {
            self.whole = false;
            return;
        }
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let name = at.concat(&Path::from_segments([entry.file_name().as_bytes()]));
            let path = entry.path();
            // Where a link leads counts, as for a look-up.
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.below(&path, &name, depth + 1),
                Ok(metadata) if metadata.is_file() => {
                    if self.names.len() >= MAX_NAMES {
                        self.whole = false;
                        return;
                    }
                    self.names.push(name);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_in_folders_are_names_and_folders_are_none() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["web", "eu/api", "eu/west/db"] {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        std::os::unix::fs::symlink("eu", dir.path().join("us")).unwrap();
        let (names, whole) = names_below(dir.path());
        let names: Vec<_> = names.iter().map(Path::to_string).collect();
        let expected = ["/eu/api", "/eu/west/db", "/us/api", "/us/west/db", "/web"];
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!((sorted.as_slice(), whole), (&expected.map(str::to_owned)[..], true));
        assert_eq!(names_below(&dir.path().join("none")), (Vec::new(), true));
    }

    #[test]
    fn a_link_that_leads_in_a_round_is_not_followed_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("web"), "").unwrap();
        std::os::unix::fs::symlink(".", dir.path().join("round")).unwrap();
        let (names, whole) = names_below(dir.path());
        assert!(!whole && names.len() <= MAX_DEPTH, "{}", names.len());
    }
}
