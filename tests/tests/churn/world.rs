//! What the router sees change: discovery files, and backends that come and go.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tests::{Backend, Behaviour, free_port};

use crate::random::Random;
use crate::truth::{State, Truth};

pub(crate) const SERVICES: usize = 10;
/// Backends of each service; a file lists some of them.
const BACKENDS: usize = 3;
const ALL: State = State { backends: (1 << BACKENDS) - 1, none: false };
const NOBODY: State = State { backends: 0, none: true };

pub(crate) struct World {
    dir: TempDir,
    backends: Vec<Vec<Backend>>,
    pub(crate) truth: Arc<Truth>,
    random: Random,
    made: usize,
    pub(crate) edits: usize,
    pub(crate) kills: usize,
}

impl World {
    /// Every service with a good file and all its backends.
    pub(crate) fn new(random: Random) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("disco")).expect("the disco folder");
        let backend = |service: usize, at: usize| {
            let answer = Behaviour::body(format!("{service} {at}"));
            Backend::start_on(free_port(), answer)
        };
        let backends = (0..SERVICES)
            .map(|service| (0..BACKENDS).map(|at| backend(service, at)).collect())
            .collect();
        let truth = Arc::new(Truth::new(SERVICES, ALL));
        truth.watch_the_machine(dir.path().join("probe"));
        let world = World { dir, backends, truth, random, made: 0, edits: 0, kills: 0 };
        for service in 0..SERVICES {
            fs::write(world.file(service), world.lines(service, ALL, |_| String::new()))
                .expect("a discovery file");
        }
        world
    }

    pub(crate) fn folder(&self) -> &Path {
        self.dir.path()
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("disco")
    }

    fn file(&self, service: usize) -> PathBuf {
        self.root().join(format!("s{service}"))
    }

    fn lines(
        &self,
        service: usize,
        state: State,
        mut weight: impl FnMut(usize) -> String,
    ) -> String {
        let listed = (0..BACKENDS).filter(|at| state.backends & 1 << at != 0);
        let line = |at: usize| {
            let addr = self.backends[service][at].addr();
            format!("{} {}{}\n", addr.ip(), addr.port(), weight(at))
        };
        listed.map(line).collect()
    }

    /// A file beside the folder, to be moved there.
    fn fresh(&mut self) -> PathBuf {
        self.made += 1;
        self.dir.path().join(format!("made-{}", self.made))
    }

    /// Does one thing at random.
    pub(crate) fn churn(&mut self) {
        match self.random.below(20) {
            0 => self.replace_folder(),
            1..5 => self.kill_and_restart(),
            _ => self.edit(),
        }
    }

    /// Kills a backend and starts it again on the same port.
    fn kill_and_restart(&mut self) {
        let (service, at) = (self.random.below(SERVICES), self.random.below(BACKENDS));
        let away = Duration::from_millis(self.random.below(150) as u64);
        self.truth.set_up(service, at, false);
        self.backends[service][at].kill();
        std::thread::sleep(away);
        self.backends[service][at].restart();
        self.truth.set_up(service, at, true);
        self.kills += 1;
    }

    /// Changes a file.
    fn edit(&mut self) {
        let service = self.random.below(SERVICES);
        let file = self.file(service);
        let some = State { backends: 1 + self.random.below(7) as u8, none: false };
        let old = self.truth.state(service);
        let gone = State { none: true, ..old };
        self.edits += 1;
        match self.random.below(8) {
            0 | 1 => {
                let text = self.lines(service, some, |_| String::new());
                self.write(service, some, &text);
            }
            2 => {
                let mut random = self.random.clone();
                let weight = |_| format!(" * {}.5", random.below(4));
                let text = self.lines(service, some, weight);
                self.write(service, some, &text);
            }
            3 | 4 => {
                let fresh = self.fresh();
                let text = format!("# made anew\n{}", self.lines(service, some, |_| String::new()));
                fs::write(&fresh, text).expect("a new file");
                self.truth.set(service, old.or(some));
                fs::rename(fresh, file).expect("a file replaced");
                self.truth.set(service, some);
            }
            5 => {
                self.truth.set(service, gone);
                let _ = fs::remove_file(&file); // perhaps removed before
                if self.random.one_in(3) {
                    self.truth.set(service, NOBODY);
                    return;
                }
                std::thread::sleep(Duration::from_millis(self.random.below(30) as u64));
                let text = self.lines(service, some, |_| String::new());
                self.truth.set(service, gone.or(some));
                fs::write(&file, text).expect("a file made again");
                self.truth.set(service, some);
            }
            6 => {
                // What was good before goes on for those who have it, and nobody else gets it. What
                // was good for a moment only may not have been noticed.
                let text = self.lines(service, some, |_| String::new()) + "127.0.0.1 port\n";
                let of_late = self.truth.possible(service, Instant::now());
                self.truth.set(service, State { none: true, ..of_late });
                fs::write(&file, text).expect("a bad file");
            }
            _ => {
                self.truth.set(service, gone);
                fs::write(&file, "").expect("an empty file");
                self.truth.set(service, NOBODY);
            }
        }
    }

    fn write(&self, service: usize, next: State, text: &str) {
        let both = self.truth.state(service).or(next);
        self.truth.set(service, both);
        self.truth.writing(service, || {
            fs::write(self.file(service), text).expect("a file written");
        });
        self.truth.set(service, next);
    }

    /// Puts another folder in the place of this one, with every file good.
    fn replace_folder(&mut self) {
        self.edits += 1;
        let (fresh, old) = (self.fresh(), self.fresh());
        fs::create_dir(&fresh).expect("a new folder");
        let mut next = Vec::new();
        for service in 0..SERVICES {
            let some = State { backends: 1 + self.random.below(7) as u8, none: false };
            let text = self.lines(service, some, |_| String::new());
            fs::write(fresh.join(format!("s{service}")), text).expect("a new file");
            let either = self.truth.state(service).or(some);
            self.truth.set(service, State { none: true, ..either });
            next.push(some);
        }
        fs::rename(self.root(), &old).expect("the folder moved away");
        std::thread::sleep(Duration::from_millis(self.random.below(20) as u64));
        fs::rename(fresh, self.root()).expect("the folder replaced");
        fs::remove_dir_all(old).expect("the old folder removed");
        for (service, some) in next.into_iter().enumerate() {
            self.truth.set(service, some);
        }
    }

    /// Every file as it was in the beginning. The backends are up.
    pub(crate) fn restore(&mut self) {
        for service in 0..SERVICES {
            let text = self.lines(service, ALL, |_| String::new());
            fs::write(self.file(service), text).expect("a file written");
            self.truth.set(service, ALL);
        }
    }
}
