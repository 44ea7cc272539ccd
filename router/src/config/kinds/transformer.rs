//! Transformers of namers and interpreters: what is done to the addresses of a bound tree.

use std::net::IpAddr;

use dtab::Path;

use super::TRANSFORMERS;
use crate::config::keys::{Absent::*, Key, Type, key};
use crate::config::reader::Object;
use crate::config::value;

/// A transformer. Bound ids get `/%` and its prefix in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformerConfig {
    /// The kind and its own keys.
    pub kind: TransformerKind,
    /// The path after `/%`, where the file gives one in place of the kind's own.
    pub prefix: Option<Path>,
}

/// The kinds of transformers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransformerKind {
    /// `io.l5d.const`: always the binding of a fixed path.
    Const(ConstTransformerConfig),
    /// `io.l5d.localhost`: keep the addresses of this machine.
    Localhost,
    /// `io.l5d.port`: replace the port.
    Port(PortTransformerConfig),
    /// `io.l5d.replace`: each bound leaf becomes the binding of a fixed path.
    Replace(ReplaceTransformerConfig),
    /// `io.l5d.specificHost`: keep one address.
    SpecificHost(SpecificHostTransformerConfig),
}

/// `io.l5d.const`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstTransformerConfig {
    /// The path that is bound.
    pub path: Path,
}

/// `io.l5d.port`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortTransformerConfig {
    /// The port that every address gets.
    pub port: u16,
}

/// `io.l5d.replace`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceTransformerConfig {
    /// The path that is bound.
    pub path: Path,
}

/// `io.l5d.specificHost`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecificHostTransformerConfig {
    /// The address that is kept.
    pub host: IpAddr,
}

/// The key of namers and interpreters.
pub(super) static TRANSFORMERS_KEY: &[Key] = &[key(
    "transformers",
    Type::List(&Type::Kind(&TRANSFORMERS)),
    Is("[]"),
    "What is done to every tree of bound names that comes out, in this order.",
)];

/// The key that all transformers have.
pub(super) static PREFIX_KEY: &[Key] = &[key(
    "prefix",
    Type::Path,
    Means("the kind and its keys"),
    "Bound names get `/%` and this in front, so that the transformer is seen in them.",
)];

/// The keys of `io.l5d.const` and `io.l5d.replace`.
pub(super) static PATH_KEY: &[Key] =
    &[key("path", Type::Path, Required, "The name whose binding is taken instead.")];

/// The keys of `io.l5d.port`.
pub(super) static PORT_KEY: &[Key] =
    &[key("port", Type::Port, Required, "The port that every address gets.")];

/// The keys of `io.l5d.specificHost`.
pub(super) static HOST_KEY: &[Key] =
    &[key("host", Type::Ip, Required, "The address that is kept.")];

/// The key `transformers`.
pub(super) fn read_all(object: &mut Object<'_>) -> Vec<TransformerConfig> {
    object
        .optional("transformers", |field| {
            field.list("transformers", |item| TRANSFORMERS.read(item))
        })
        .unwrap_or_default()
}

fn with_prefix(
    object: &mut Object<'_>,
    kind: Option<TransformerKind>,
) -> Option<TransformerConfig> {
    let prefix = object.optional("prefix", value::prefix);
    Some(TransformerConfig { kind: kind?, prefix })
}

pub(super) fn read_const(object: &mut Object<'_>) -> Option<TransformerConfig> {
    let path = object.required("path", value::path);
    with_prefix(object, path.map(|path| TransformerKind::Const(ConstTransformerConfig { path })))
}

pub(super) fn read_localhost(object: &mut Object<'_>) -> Option<TransformerConfig> {
    with_prefix(object, Some(TransformerKind::Localhost))
}

pub(super) fn read_port(object: &mut Object<'_>) -> Option<TransformerConfig> {
    let port = object.required("port", value::port);
    with_prefix(object, port.map(|port| TransformerKind::Port(PortTransformerConfig { port })))
}

pub(super) fn read_replace(object: &mut Object<'_>) -> Option<TransformerConfig> {
    let path = object.required("path", value::path);
    with_prefix(
        object,
        path.map(|path| TransformerKind::Replace(ReplaceTransformerConfig { path })),
    )
}

pub(super) fn read_specific_host(object: &mut Object<'_>) -> Option<TransformerConfig> {
    let host = object.required("host", value::ip);
    with_prefix(
        object,
        host.map(|host| TransformerKind::SpecificHost(SpecificHostTransformerConfig { host })),
    )
}
