//! The dtab language: paths, delegation tables, and what a name comes to.
//!
//! A *dtab* (delegation table) says how a logical name such as `/svc/web` becomes a concrete one,
//! the addresses of some servers, in as many steps as it takes. Each entry, a *dentry*, rewrites
//! the names that begin with its prefix:
//!
//! ```text
//! /srv => /#/io.l5d.fs ;                    what /srv means: files of a discovery directory
//! /svc => /srv ;                            services are found there under their own names,
//! /svc/web => 9 * /srv/web & /srv/web-v2 ;  but one request for web in ten goes to version 2
//! ```
//!
//! This crate is the language alone: text in, trees and explanations out. It has no I/O, no clock
//! and no unsafe code; where the world is needed (a host's address, a discovery file), it asks
//! [`Namers`] for the present answer, which may be [`Activity::Pending`].
//!
//! ```
//! use dtab::{Activity, Dtab, Explore, NamerTable, Path, Resolver, view};
//!
//! let base = Dtab::parse("/srv => /$/inet/127.1 ; /svc => /srv/9001 ; /svc/web => /srv/9002")?;
//! let local = Dtab::parse("/svc/api => /svc/web")?;
//! let namers = NamerTable::new();
//! let resolver = Resolver { base: &base, local: &local, namers: &namers, transformers: &[] };
//! let name = Path::parse("/svc/api")?;
//! let delegation = resolver.resolve(&name, Explore::All);
//!
//! let Activity::Ok(bound) = delegation.bind() else { panic!("nothing here has to be waited for") };
//! assert_eq!(bound.eval().map(|leaves| leaves[0].id.to_string()).as_deref(), Some("/$/inet/127.1/9002"));
//! assert_eq!(view::explain_short(&delegation, &[]), "bound to /$/inet/127.1/9002, 1 address");
//! # Ok::<(), dtab::SyntaxError>(())
//! ```
//!
//! # Grammar
//!
//! ```text
//! dtab     = [ dentry { ";" dentry } [ ";" ] ]
//! dentry   = prefix "=>" tree
//! prefix   = "/" [ element { "/" element } ]      element = label | "*"
//! tree     = union { "|" union }
//! union    = weighted { "&" weighted }
//! weighted = [ number "*" ] simple
//! simple   = "(" tree ")" | path | "!" | "~" | "$"
//! path     = "/" [ label { "/" label } ]
//! label    = one or more of 0-9 A-Z a-z _ : . # $ % - or \xNN
//! ```
//!
//! White space and comments, from `#` to the end of the line, may stand between tokens. The strict
//! parsers ([`Dtab::parse`] and its like) stop at the first mistake, in Finagle's words; the
//! reading ones ([`check_dtab`], [`check_path`], [`check_tree`]) accept the same texts and report
//! every mistake as a [`Diagnostic`], with its place and often a [`Fix`].
//!
//! # Lookup: one step
//!
//! Every dentry whose prefix begins the name counts. What the name has beyond the prefix, the
//! *residual*, is added to each path of the dentry's tree. `*` in a prefix stands for any one label.
//!
//! - The **last** matching dentry comes first and earlier ones are its fallback; how long a prefix
//!   is plays no part. Several matches are one alt of their trees.
//! - No match is negative: the namers are asked, and after them the built-in names under `/$/`.
//!
//! ```
//! use dtab::{Dtab, Path};
//!
//! let dtab = Dtab::parse("/svc/web => /new ; /svc => /old")?;
//! // The longer prefix does not win. The later entry does.
//! let found = dtab.lookup(&Path::parse("/svc/web/v1")?);
//! assert_eq!(found.to_string(), "/old/web/v1 | /new/v1");
//! # Ok::<(), dtab::SyntaxError>(())
//! ```
//!
//! # Evaluation: which branch
//!
//! | tree | means | comes to |
//! |---|---|---|
//! | `a \| b` | fallback | the first branch that is not negative |
//! | `3 * a & b` | shares | every branch by its weight, but for negative and failing ones |
//! | `~` | negative | not here: the next branch of an alt is tried |
//! | `!` | fail | refused: no later branch of an alt is tried |
//! | `$` | empty | found, with nobody behind it |
//!
//! A union of which no branch is left is negative, even if all its branches failed. Weights that
//! are all zero share evenly.
//!
//! # Binding: step after step
//!
//! [`Resolver::resolve`] looks a name up again and again until each branch is bound, negative or
//! refused. The [`Delegation`] that it gives keeps every step; what the data path routes by
//! ([`Delegation::bind`]) is read off it, so an explanation cannot differ from what happens. Some
//! rules surprise:
//!
//! - Dentries come before namers and built-in names, so that one for `/#` or `/$/inet` catches
//!   those, and `/ => /x` catches everything, its own result too.
//! - A bound name is *found*, whatever its address says: one without any address does not fall
//!   through to the next branch. Only a name that its namer does not have does.
//! - One dentry that matches and says just `~` is as good as none: the namers are asked. Two of
//!   them are not; then the name is negative.
//! - More than [`MAX_DEPTH`] look-ups in a row fail the whole name; a cycle in one branch of an alt
//!   does not fall through. In a union such a branch is left out while another one is known.
//! - An exception in an alt decides, as does a branch that is still pending. In a union both are
//!   left out while another branch is known.
//! - An unknown class, `/$/nope`, is such an exception rather than negative.
//! - A table that is shown and read again may have lost weights: two decimals are shown.
//!
//! The override of one request ([`Resolver::local`]) is a table whose entries all come after those
//! of the base. It is laid over it, not joined to it, and costs what the override costs.
//!
//! # Where this differs from Finagle
//!
//! In limits alone, so that no text and no name can exhaust the stack or run for ever:
//! - parentheses nest at most [`MAX_NESTING`] deep;
//! - one resolution has at most [`MAX_STEPS`] steps, and at most 500 of them inside one another;
//!   Finagle would walk on for as long as memory lasts.
//!
//! # Map
//!
//! | module | has |
//! |---|---|
//! | `path`, `dentry`, `dtab`, `tree` | the values, and how they are shown |
//! | `syntax` | the strict grammar, and `recover`, which reports every mistake |
//! | `tokens` | what stands where in a text, right or wrong |
//! | `diagnostic`, `render`, `span` | findings, how they are drawn, and places |
//! | `format` | a table laid out by rule, comments kept |
//! | `index` | look-up in large tables |
//! | `name`, `namers`, `builtin` | what names are bound to, and who answers behind the tables |
//! | `transform`, `pattern` | transformers of bound names; paths with captures |
//! | `resolve`, `delegation` | the evaluator, and every step of a resolution |
//! | [`view`], [`wire`] | the steps in words, with shares; the same as JSON |
//! | [`analyze`], [`lint`] | where all names go by a table; what in it is hardly meant |
//! | [`case`] | unit tests of tables: what is expected of a name, and what cases reach |
//! | [`mod@why_not`] | why a name does not lead to a destination, and which override would make it |

pub mod analyze;
mod builtin;
pub mod case;
mod delegation;
mod dentry;
mod diagnostic;
#[allow(clippy::module_inception)]
mod dtab;
mod format;
mod index;
pub mod lint;
mod name;
mod namers;
mod path;
mod pattern;
#[cfg(feature = "render")]
mod render;
mod resolve;
mod span;
mod syntax;
mod tokens;
mod transform;
mod tree;
pub mod view;
pub mod why_not;
#[cfg(feature = "serde")]
pub mod wire;

pub use crate::builtin::{CLASSES as BUILT_IN, literal};
pub use crate::delegation::{Delegation, Layer, Outcome, Step, Via};
pub use crate::dentry::{Dentry, Element, Prefix};
pub use crate::diagnostic::{Code, Diagnostic, Fix, Label, Severity};
#[cfg(feature = "serde")]
pub use crate::diagnostic::{sarif, to_json};
pub use crate::dtab::Dtab;
pub use crate::format::format;
pub use crate::name::{
    Activity, Addr, AddrSet, Address, Bound, ENDPOINT_WEIGHT, Failure, FailureKind, MetaValue,
    Metadata, Name,
};
pub use crate::namers::{Namer, NamerTable, Namers, first_not_neg};
pub use crate::path::{Path, Segments};
pub use crate::pattern::{Captures, PathPattern, substitute};
#[cfg(feature = "render")]
pub use crate::render::render;
pub use crate::resolve::{Explore, MAX_DEPTH, MAX_OVERRIDDEN_STEPS, MAX_STEPS, Resolver, STACK};
pub use crate::span::{Place, Position, Source, Span};
pub use crate::syntax::{
    Expected, MAX_NESTING, SyntaxError, check_dtab, check_path, check_tree, parse_tree,
};
pub use crate::tokens::{Token, TokenKind, tokens};
pub use crate::transform::{Rule, Transformer};
pub use crate::tree::{DEFAULT_WEIGHT, NameTree, Weighted};
