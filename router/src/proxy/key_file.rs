//! The secret that overrides are signed with (`overrides.signing.keyPath`), kept up to date.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use crate::http::headers::signature::SigningKey;

/// How often the file is looked at. It is small, and where secrets are mounted they change by links
/// that a watch of the file itself does not see.
const PERIOD: Duration = Duration::from_secs(1);

/// A larger file is no secret.
const MAX_BYTES: u64 = 64 * 1024;

/// A file with a secret, read at start and whenever it changes.
pub(crate) struct KeyFile {
    path: PathBuf,
    key: ArcSwap<SigningKey>,
}

impl KeyFile {
    /// Reads the file, and looks at it from now on. A later text that makes no key leaves the last
    /// one in force, and is complained of once.
    pub(crate) fn open(path: PathBuf, control: &Handle) -> Result<Arc<Self>, String> {
        let text = read(&path)?;
        let key = key_of(&path, &text)?;
        let file = Arc::new(KeyFile { path, key: ArcSwap::from_pointee(key) });
        control.spawn(watch(Arc::downgrade(&file), Ok(text)));
        Ok(file)
    }

    /// The key now.
    pub(crate) fn current(&self) -> arc_swap::Guard<Arc<SigningKey>> {
        self.key.load()
    }

    /// Takes on a new text of the file.
    fn take(&self, text: &Result<Vec<u8>, String>) {
        let key = text.as_ref().map_err(Clone::clone).and_then(|text| key_of(&self.path, text));
        match key {
            Ok(key) => {
                self.key.store(Arc::new(key));
                tracing::info!(path = %self.path.display(), "new key for signed overrides");
            }
            Err(error) => tracing::error!("{error}; the last key stays in force"),
        }
    }
}

/// Ends with the file's owner.
async fn watch(file: Weak<KeyFile>, mut known: Result<Vec<u8>, String>) {
    let mut tick = tokio::time::interval(PERIOD);
    loop {
        tick.tick().await;
        let Some(path) = file.upgrade().map(|file| file.path.clone()) else { return };
        let Ok(text) = tokio::task::spawn_blocking(move || read(&path)).await else { return };
        if text != known
            && let Some(file) = file.upgrade()
        {
            file.take(&text);
            known = text;
        }
    }
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| {
        file.take(MAX_BYTES + 1).read_to_end(&mut text)?;
        Ok(())
    });
    read.map_err(|error| format!("cannot read the key {}: {error}", path.display()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("the key {} is larger than 64 KiB", path.display()));
    }
    Ok(text)
}

fn key_of(path: &std::path::Path, text: &[u8]) -> Result<SigningKey, String> {
    SigningKey::new(text).map_err(|error| format!("the key {}: {error}", path.display()))
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyFile").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bad_text_leaves_the_last_key() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        std::fs::write(&path, "0123456789abcdef").expect("it is ours");
        let file = KeyFile::open(path.clone(), &Handle::current()).expect("a key");
        let signature = file.current().sign("/a=>/b", 10);
        for bad in [Ok(b"short".to_vec()), Err("gone".to_owned())] {
            file.take(&bad);
            assert_eq!(file.current().verify(&signature, "/a=>/b", 0), Ok(()));
        }
        file.take(&Ok(b"fedcba9876543210".to_vec()));
        assert!(file.current().verify(&signature, "/a=>/b", 0).is_err());
    }

    #[tokio::test]
    async fn a_file_that_makes_no_key_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        let open = || KeyFile::open(path.clone(), &Handle::current()).map(|_| ()).unwrap_err();
        assert!(open().starts_with("cannot read the key "), "{}", open());
        std::fs::write(&path, "short\n").expect("it is ours");
        assert!(open().contains("the secret has 5 bytes; it needs at least 16"), "{}", open());
        std::fs::write(&path, vec![b'x'; 70_000]).expect("it is ours");
        assert!(open().contains("larger than 64 KiB"), "{}", open());
    }
}
