//! The interoperability tests of gRPC, client → router → server.
//!
//! <https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md> says what each case is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use tests::{Proc, Router, Setup, free_port, grpc_interop};

/// The cases that need no credentials.
const CASES: [&str; 14] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
];

/// A case takes less than a second.
const LIMIT: Duration = Duration::from_secs(30);

/// Where every call goes, whatever it asks for, unless it has an override.
const DTAB: &str = "/svc => /#/io.l5d.fs/web";

/// What sends a call to `alt`, as the client takes it: names and values in pairs.
const TO_ALT: &str = "-additional_metadata=l5d-dtab:/svc => /#/io.l5d.fs/alt";

/// The programs.
struct Programs {
    client: PathBuf,
    server: PathBuf,
}

impl Programs {
    fn find() -> Result<Self, String> {
        Ok(Programs { client: grpc_interop("client")?, server: grpc_interop("server")? })
    }

    fn serve(&self) -> Server {
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut command = Command::new(&self.server);
        let mut proc = Proc::spawn(command.arg(format!("-port={}", addr.port())));
        proc.wait_port(addr);
        Server { _proc: proc, addr }
    }

    /// Runs a case, which fails unless all its calls end as it wants them to.
    fn call(&self, router: &Router, case: &str, options: &[&str]) -> Result<(), String> {
        let mut command = Command::new(&self.client);
        command.args(["-server_host=127.0.0.1", &format!("-server_port={}", router.addr.port())]);
        command.arg(format!("-test_case={case}")).args(options);
        let mut proc = Proc::spawn(&mut command);
        let status = proc.wait(LIMIT);
        if status.success() { Ok(()) } else { Err(format!("{status}\n{}", proc.stderr())) }
    }
}

/// A server, which ends when it is dropped.
struct Server {
    _proc: Proc,
    addr: SocketAddr,
}

impl Server {
    fn fs_line(&self) -> String {
        format!("{} {}\n", self.addr.ip(), self.addr.port())
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let with = |name: String, test: Box<dyn FnOnce(Programs) -> Result<(), String> + Send>| {
        Trial::ignorable_test(name, move || match Programs::find() {
            Ok(programs) => match test(programs) {
                Ok(()) => Ok(Completion::Completed),
                Err(why) => Err(Failed::from(why)),
            },
            Err(missing) => Ok(Completion::ignored_with(missing)),
        })
    };
    let mut trials: Vec<_> = CASES
        .iter()
        .map(|case| with(format!("interop::{case}"), Box::new(|it| passes(&it, case))))
        .collect();
    let overrides = |it: Programs| an_override_is_of_its_call_only(&it);
    trials.push(with("an_override_is_of_its_call_only".to_owned(), Box::new(overrides)));
    trials
}

fn passes(programs: &Programs, case: &str) -> Result<(), String> {
    let server = programs.serve();
    let router = Setup::h2(DTAB).file("web", &server.fs_line()).start();
    programs.call(&router, case, &[])
}

/// Every kind of call goes to the other server with an override, and to the usual one without: only one
/// of both runs.
fn an_override_is_of_its_call_only(programs: &Programs) -> Result<(), String> {
    const KINDS: [&str; 4] = ["empty_unary", "client_streaming", "server_streaming", "ping_pong"];
    let (web, alt) = (programs.serve(), programs.serve());
    let router = Setup::h2(DTAB).file("web", &web.fs_line()).file("alt", &alt.fs_line()).start();
    let calls =
        |client: &str| router.metric(&format!("rt/h2/client/#/io.l5d.fs/{client}/requests"));
    for case in KINDS {
        programs.call(&router, case, &[])?;
    }
    assert_eq!((calls("web"), calls("alt")), (4.0, 0.0));
    // Nothing of a call with an override needs the usual server.
    drop(web);
    for case in KINDS {
        programs.call(&router, case, &[TO_ALT])?;
    }
    assert_eq!((calls("web"), calls("alt")), (4.0, 4.0));
    let without = programs.call(&router, "empty_unary", &[]);
    assert!(without.is_err_and(|why| why.contains("Unavailable")), "the usual server has gone");
    Ok(())
}
