//! The language server: what an editor shows of dtabs, in files of their own and in a `linkerd.yaml`.
//!
//! Every answer is that of the `dtab` crate and of [`router::config`]; here it is only placed in the
//! document as the editor counts it. What asks discovery is answered by a task with a limit of time, so
//! that nobody who types waits for it. Nothing that a client sends ends the session but `exit` and the
//! end of its stream.
//!
//! | module | has |
//! |---|---|
//! | `wire` | messages on a stream |
//! | `session` | which request is answered by what, and when |
//! | `document`, `table`, `text`, `name` | an open text: its tables, their pieces, their places |
//! | `discovery` | what names resolve to beyond the table |
//! | `findings`, `actions`, `hover`, `navigate`, `rename`, `completion` | the answers |
//! | `edit` | changes, as the protocol has them |

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{self, TryRecvError};

use tokio::runtime::Handle;

mod actions;
mod completion;
mod discovery;
mod document;
mod edit;
mod findings;
mod hover;
mod name;
mod navigate;
mod rename;
mod session;
mod table;
mod text;
mod wire;

pub use self::discovery::{Open, Sources};
use self::session::{Next, Session};
use self::wire::Client;

/// Messages that are read before they are looked at. A client that sends more waits.
const READ_AHEAD: usize = 64;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// As the protocol has it: `shutdown`, then `exit`.
    Properly,
    /// By `exit` alone, or because the stream was at its end.
    Abruptly,
}

/// Serves one client to its end. What asks discovery runs on `rt`, whose threads have
/// [`dtab::STACK`].
pub fn serve(
    mut input: impl BufRead + Send + 'static,
    output: impl Write + Send + 'static,
    sources: Sources,
    open: Open,
    rt: &Handle,
) -> io::Result<Ended> {
    let (send, incoming) = mpsc::sync_channel(READ_AHEAD);
    // Reading goes on while an answer is written, else two that write to each other wait for ever.
    let reader = move || {
        while let Ok(Some(message)) = wire::read(&mut input) {
            if send.send(message).is_err() {
                break;
            }
        }
    };
    // It ends with the process if not before: nothing can wake somebody who reads standard input.
    std::thread::Builder::new().name("lsp-reader".to_owned()).spawn(reader)?;
    let mut session = Session::new(Client::new(output), sources, open, rt.clone());
    loop {
        let message = match incoming.try_recv() {
            Err(TryRecvError::Empty) => {
                session.settle();
                incoming.recv().ok()
            }
            waiting => waiting.ok(),
        };
        let Some(message) = message else { return Ok(session.cut_off()) };
        if let Next::End(ended) = session.take(message) {
            return Ok(ended);
        }
    }
}
