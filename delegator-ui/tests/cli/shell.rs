//! A directory of files, and the binary run in it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// Long enough for any command that ends by itself, on any machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A new directory, removed at the end.
pub(crate) struct Shell {
    dir: TempDir,
    stdin: String,
}

/// A run that has ended.
pub(crate) struct Ran {
    args: Vec<String>,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shell {
    /// A directory with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let shell = Shell { dir: tempfile::tempdir().expect("a directory"), stdin: String::new() };
        for (name, text) in files {
            shell.write(name, text);
        }
        shell
    }

    /// The same, with a text at standard input.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    /// Runs `fingerpost` with these arguments to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_fingerpost"))
            .args(args)
            .current_dir(self.dir.path())
            .env_remove("COLUMNS")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .write_stdin(self.stdin.clone())
            .timeout(PATIENCE)
            .output()
            .expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ran {
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Ran {
    /// The command line, its status, and what it wrote, for snapshots.
    pub(crate) fn transcript(&self) -> String {
        let mut text = String::from("$ fingerpost");
        for arg in &self.args {
            let plain = !arg.is_empty() && arg.bytes().all(|b| b.is_ascii_graphic() && b != b'\'');
            let _ = if plain { write!(text, " {arg}") } else { write!(text, " {arg:?}") };
        }
        let status = self.status.map_or("killed".to_owned(), |status| status.to_string());
        let _ = write!(text, "\nstatus: {status}\n");
        for (name, written) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !written.is_empty() {
                let _ = write!(text, "--- {name}\n{written}");
            }
        }
        text
    }
}
