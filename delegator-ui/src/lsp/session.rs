//! One session: what it has open, and which request is answered by what.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, ResponseError};
use lsp_types::notification::{self as told, Notification as _};
use lsp_types::request::{self as asked, Request as _};
use lsp_types::{
    CancelParams, CodeActionOptions, CodeActionProviderCapability, CompletionOptions,
    CompletionResponse, DocumentSymbolResponse, GotoDefinitionResponse, HoverProviderCapability,
    InitializeParams, InitializeResult, MarkupKind, MessageType, NumberOrString, OneOf,
    PublishDiagnosticsParams, RenameOptions, ServerCapabilities, ServerInfo, ShowMessageParams,
    TextDocumentPositionParams, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, Uri,
};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::completion::Typed;
use super::discovery::{Open, PATIENCE, Sources, World};
use super::document::{Document, Kind};
use super::edit::replacing;
use super::findings::published;
use super::hover::{self, Question, Told};
use super::text::Encoding;
use super::wire::{Client, Incoming, refusal};
use super::{Ended, actions, navigate, rename};

/// So many answers may be waited for; one more, and the first is given up.
const MOST_WAITING: usize = 32;

/// What comes after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next one.
    Message,
    /// Nothing.
    End(Ended),
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for `initialize`.
    Starting,
    /// Serving.
    Serving,
    /// Waiting for `exit`.
    Ending,
}

/// What the client can do, as far as it matters.
#[derive(Clone, Copy, Debug)]
struct Abilities {
    encoding: Encoding,
    /// Draws Markdown.
    markdown: bool,
    /// Shows the places that belong to a diagnostic.
    related: bool,
}

type Answer = Result<Value, ResponseError>;

/// An answer, now or in a while.
enum Reply {
    Now(Value),
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
}

/// One session.
pub(super) struct Session {
    client: Client,
    rt: Handle,
    phase: Phase,
    abilities: Abilities,
    sources: Sources,
    open: Open,
    patience: Duration,
    world: World,
    documents: HashMap<String, Document>,
    waiting: Vec<(RequestId, AbortHandle)>,
}

impl Session {
    /// A session that waits for the client to begin it.
    pub(super) fn new(client: Client, sources: Sources, open: Open, rt: Handle) -> Self {
        let abilities = Abilities { encoding: Encoding::Utf16, markdown: false, related: false };
        Session {
            client,
            rt,
            phase: Phase::Starting,
            abilities,
            sources,
            open,
            patience: PATIENCE,
            world: World::TableAlone,
            documents: HashMap::new(),
            waiting: Vec::new(),
        }
    }

    /// How it ended, if the stream is at its end.
    pub(super) fn cut_off(&self) -> Ended {
        if self.phase == Phase::Ending { Ended::Properly } else { Ended::Abruptly }
    }

    /// Reads what was typed, and tells what is found in it. Called when no more is coming: those who
    /// type fast are told of their last letter, not of each.
    pub(super) fn settle(&mut self) {
        let (client, related) = (&self.client, self.abilities.related);
        for document in self.documents.values_mut() {
            // Whoever panics has told so on standard error, and the next text may be right.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                if document.settle() {
                    client.notify::<told::PublishDiagnostics>(&published(document, related));
                }
            }));
        }
    }

    /// Does what a message says.
    pub(super) fn take(&mut self, message: Incoming) -> Next {
        let typed = matches!(&message, Incoming::Message(Message::Notification(told))
            if told.method == told::DidChangeTextDocument::METHOD);
        if !typed {
            self.settle();
        }
        match message {
            Incoming::Malformed { id, code, why } => self.client.refuse(&id, code, &why),
            Incoming::Message(Message::Request(request)) => self.request(request),
            Incoming::Message(Message::Notification(told)) if told.method == told::Exit::METHOD => {
                return Next::End(self.cut_off());
            }
            Incoming::Message(Message::Notification(told)) => {
                if self.phase == Phase::Serving {
                    // As above.
                    let _ = catch_unwind(AssertUnwindSafe(|| self.notification(told)));
                }
            }
            // Nothing is asked of the client.
            Incoming::Message(Message::Response(_)) => {}
        }
        Next::Message
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let reply = catch_unwind(AssertUnwindSafe(|| self.reply(&method, params)));
        match reply {
            Ok(Ok(Reply::Now(value))) => self.client.answer(id, Ok(value)),
            Ok(Ok(Reply::Later(work))) => self.later(id, work),
            Ok(Err(refused)) => self.client.answer(id, Err(refused)),
            Err(_) => self.client.answer(id, Err(panicked())),
        }
    }

    /// Answers when the work is done, given up, or has failed.
    fn later(&mut self, id: RequestId, work: Pin<Box<dyn Future<Output = Answer> + Send>>) {
        self.waiting.retain(|(_, work)| !work.is_finished());
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.remove(0).1.abort();
        }
        let work = self.rt.spawn(work);
        self.waiting.push((id.clone(), work.abort_handle()));
        let client = self.client.clone();
        self.rt.spawn(async move {
            let answer = work.await.unwrap_or_else(|error| {
                let given_up = || refusal(ErrorCode::RequestCanceled, "given up");
                Err(if error.is_cancelled() { given_up() } else { panicked() })
            });
            client.answer(id, answer);
        });
    }

    fn reply(&mut self, method: &str, params: Value) -> Result<Reply, ResponseError> {
        match (self.phase, method) {
            (Phase::Starting, asked::Initialize::METHOD) => {
                return now::<asked::Initialize>(params, |params| Ok(self.initialize(&params)));
            }
            (Phase::Starting, _) => {
                return Err(refusal(ErrorCode::ServerNotInitialized, "the first is `initialize`"));
            }
            (Phase::Ending, _) => {
                return Err(refusal(ErrorCode::InvalidRequest, "there was a `shutdown`"));
            }
            (Phase::Serving, _) => {}
        }
        match method {
            asked::Shutdown::METHOD => {
                self.phase = Phase::Ending;
                Ok(Reply::Now(Value::Null))
            }
            asked::Initialize::METHOD => {
                Err(refusal(ErrorCode::InvalidRequest, "there was an `initialize`"))
            }
            asked::HoverRequest::METHOD => self.hover(params),
            asked::Completion::METHOD => self.completion(params),
            asked::GotoDefinition::METHOD => now::<asked::GotoDefinition>(params, |params| {
                let (document, offset) = self.place(&params.text_document_position_params)?;
                let found = navigate::definition(document, offset);
                Ok(Some(GotoDefinitionResponse::Array(found)))
            }),
            asked::References::METHOD => now::<asked::References>(params, |params| {
                let (document, offset) = self.place(&params.text_document_position)?;
                Ok(Some(navigate::references(document, offset)))
            }),
            asked::PrepareRenameRequest::METHOD => {
                now::<asked::PrepareRenameRequest>(params, |params| {
                    let (document, offset) = self.place(&params)?;
                    rename::prepare(document, offset).map(Some)
                })
            }
            asked::Rename::METHOD => now::<asked::Rename>(params, |params| {
                let (document, offset) = self.place(&params.text_document_position)?;
                rename::rename(document, offset, &params.new_name).map(Some)
            }),
            asked::CodeActionRequest::METHOD => now::<asked::CodeActionRequest>(params, |params| {
                let document = self.document(&params.text_document.uri)?;
                Ok(Some(actions::actions(document, &params, self.abilities.related)))
            }),
            asked::Formatting::METHOD => now::<asked::Formatting>(params, |params| {
                let document = self.document(&params.text_document.uri)?;
                let text = document.text.as_str();
                let formatted = match document.kind {
                    Kind::Dtab => dtab::format(text).ok().filter(|formatted| formatted != text),
                    Kind::Config | Kind::Other => None,
                };
                Ok(formatted.map(|formatted| vec![replacing(&document.text, &formatted)]))
            }),
            asked::DocumentSymbolRequest::METHOD => {
                now::<asked::DocumentSymbolRequest>(params, |params| {
                    let document = self.document(&params.text_document.uri)?;
                    Ok(Some(DocumentSymbolResponse::Nested(navigate::symbols(document))))
                })
            }
            _ => {
                let why = format!("there is no {method:?} here");
                Err(refusal(ErrorCode::MethodNotFound, why))
            }
        }
    }

    fn initialize(&mut self, params: &InitializeParams) -> InitializeResult {
        self.phase = Phase::Serving;
        let general = params.capabilities.general.as_ref();
        let offered = general.and_then(|general| general.position_encodings.as_deref());
        let documents = params.capabilities.text_document.as_ref();
        let hover = documents.and_then(|documents| documents.hover.as_ref());
        let formats = hover.and_then(|hover| hover.content_format.as_deref()).unwrap_or_default();
        let published = documents.and_then(|documents| documents.publish_diagnostics.as_ref());
        self.abilities = Abilities {
            encoding: Encoding::of(offered.unwrap_or_default()),
            markdown: formats.contains(&MarkupKind::Markdown),
            related: published.and_then(|it| it.related_information).unwrap_or_default(),
        };
        let options = params.initialization_options.as_ref();
        match self.sources.clone().or_of(options, folder(params).as_ref()) {
            Ok(sources) => {
                self.sources = sources;
                self.discover();
            }
            Err(why) => self.complain(why),
        }
        InitializeResult {
            capabilities: self.capabilities(),
            server_info: Some(ServerInfo {
                name: "fingerpost".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
        }
    }

    fn capabilities(&self) -> ServerCapabilities {
        let sync = TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..TextDocumentSyncOptions::default()
        };
        ServerCapabilities {
            position_encoding: Some(self.abilities.encoding.kind()),
            text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
            hover_provider: Some(HoverProviderCapability::Simple(true)),
            completion_provider: Some(CompletionOptions {
                trigger_characters: Some(vec!["/".to_owned()]),
                ..CompletionOptions::default()
            }),
            definition_provider: Some(OneOf::Left(true)),
            references_provider: Some(OneOf::Left(true)),
            rename_provider: Some(OneOf::Right(RenameOptions {
                prepare_provider: Some(true),
                work_done_progress_options: Default::default(),
            })),
            code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                code_action_kinds: Some(actions::kinds()),
                ..CodeActionOptions::default()
            })),
            document_formatting_provider: Some(OneOf::Left(true)),
            document_symbol_provider: Some(OneOf::Left(true)),
            ..ServerCapabilities::default()
        }
    }

    /// Opens discovery. What cannot be opened is said, and what there was before stays.
    fn discover(&mut self) {
        if !self.sources.any() {
            return;
        }
        match (self.open)(&self.sources) {
            Ok(interpreter) => self.world = World::Live(interpreter, self.patience),
            Err(why) => self.complain(why),
        }
    }

    fn complain(&self, message: String) {
        let params = ShowMessageParams { typ: MessageType::WARNING, message };
        self.client.notify::<told::ShowMessage>(&params);
    }

    fn document(&self, uri: &Uri) -> Result<&Document, ResponseError> {
        self.documents.get(uri.as_str()).ok_or_else(|| {
            refusal(ErrorCode::InvalidParams, format!("{} is not open", uri.as_str()))
        })
    }

    fn place(&self, at: &TextDocumentPositionParams) -> Result<(&Document, usize), ResponseError> {
        let document = self.document(&at.text_document.uri)?;
        Ok((document, document.text.offset(at.position)))
    }

    fn hover(&self, params: Value) -> Result<Reply, ResponseError> {
        let params = read::<asked::HoverRequest>(params)?;
        let (document, offset) = self.place(&params.text_document_position_params)?;
        let markdown = self.abilities.markdown;
        let Some((span, found)) = hover::at(document, offset) else {
            return Ok(Reply::Now(Value::Null));
        };
        let range = document.text.range(span);
        match found {
            Told::Words(words) => {
                let hover = hover::words(words, range, markdown);
                written::<asked::HoverRequest>(Some(hover)).map(Reply::Now)
            }
            Told::Name { path, table } => {
                let (table, stale) = document.resolvable(table);
                let kind = document.kind;
                let question = Question { kind, table, stale, path, range, markdown };
                let world = self.world.clone();
                Ok(Reply::Later(Box::pin(async move {
                    let hover = hover::resolve(&world, question).await;
                    written::<asked::HoverRequest>(Some(hover))
                })))
            }
        }
    }

    fn completion(&self, params: Value) -> Result<Reply, ResponseError> {
        let params = read::<asked::Completion>(params)?;
        let (document, offset) = self.place(&params.text_document_position)?;
        let Some(typed) = Typed::at(document, offset) else { return Ok(Reply::Now(Value::Null)) };
        let world = self.world.clone();
        // Discovery looks at its disk.
        let work = self.rt.spawn_blocking(move || typed.offers(&world.names()));
        Ok(Reply::Later(Box::pin(async move {
            let list = work.await.map_err(|_| panicked())?;
            written::<asked::Completion>(Some(CompletionResponse::List(list)))
        })))
    }

    fn notification(&mut self, told: Notification) {
        let Notification { method, params } = told;
        match method.as_str() {
            told::DidOpenTextDocument::METHOD => {
                if let Some(params) = heard::<told::DidOpenTextDocument>(params) {
                    let document = Document::new(params.text_document, self.abilities.encoding);
                    let params = published(&document, self.abilities.related);
                    self.client.notify::<told::PublishDiagnostics>(&params);
                    self.documents.insert(document.uri.as_str().to_owned(), document);
                }
            }
            told::DidChangeTextDocument::METHOD => {
                let params = heard::<told::DidChangeTextDocument>(params);
                if let Some(params) = params
                    && let Some(document) =
                        self.documents.get_mut(params.text_document.uri.as_str())
                {
                    document.change(params.text_document.version, params.content_changes);
                }
            }
            told::DidCloseTextDocument::METHOD => {
                if let Some(params) = heard::<told::DidCloseTextDocument>(params) {
                    let uri = params.text_document.uri;
                    self.documents.remove(uri.as_str());
                    let none = PublishDiagnosticsParams::new(uri, Vec::new(), None);
                    self.client.notify::<told::PublishDiagnostics>(&none);
                }
            }
            told::DidSaveTextDocument::METHOD => {
                let params = heard::<told::DidSaveTextDocument>(params);
                let saved = params.and_then(|it| self.documents.get(it.text_document.uri.as_str()));
                // It may be the one that discovery is configured by.
                if self.sources.config.is_some() && saved.is_some_and(|it| it.kind == Kind::Config)
                {
                    self.discover();
                }
            }
            told::Cancel::METHOD => {
                if let Some(CancelParams { id }) = heard::<told::Cancel>(params) {
                    let id = match id {
                        NumberOrString::Number(id) => RequestId::from(id),
                        NumberOrString::String(id) => RequestId::from(id),
                    };
                    let asked = self.waiting.iter().filter(|(waiting, _)| *waiting == id);
                    asked.for_each(|(_, work)| work.abort());
                }
            }
            // Whatever else a client tells is of no use here.
            _ => {}
        }
    }
}

/// Answers a request at once.
fn now<R: asked::Request>(
    params: Value,
    answer: impl FnOnce(R::Params) -> Result<R::Result, ResponseError>,
) -> Result<Reply, ResponseError> {
    written::<R>(answer(read::<R>(params)?)?).map(Reply::Now)
}

fn read<R: asked::Request>(params: Value) -> Result<R::Params, ResponseError> {
    serde_json::from_value(params)
        .map_err(|error| refusal(ErrorCode::InvalidParams, format!("{}: {error}", R::METHOD)))
}

fn written<R: asked::Request>(result: R::Result) -> Answer {
    serde_json::to_value(result)
        .map_err(|error| refusal(ErrorCode::InternalError, error.to_string()))
}

/// What a notification says; nothing if that cannot be understood, for nobody waits for an answer.
fn heard<N: told::Notification>(params: Value) -> Option<N::Params> {
    serde_json::from_value(params).ok()
}

fn panicked() -> ResponseError {
    refusal(ErrorCode::InternalError, "this is a mistake of fingerpost; see its standard error")
}

/// The folder that the client works in, if it is on this machine.
#[allow(deprecated)] // older clients have no other
fn folder(params: &InitializeParams) -> Option<PathBuf> {
    let first = params.workspace_folders.as_ref().and_then(|folders| folders.first());
    let uri = first.map(|folder| &folder.uri).or(params.root_uri.as_ref())?;
    let path = uri.as_str().strip_prefix("file://")?;
    let path = &path[path.find('/')?..];
    Some(PathBuf::from(percent_decode_str(path).decode_utf8().ok()?.into_owned()))
}

#[cfg(test)]
mod tests;
