//! `addForwardedHeader` of a server: what the `Forwarded` header (RFC 7239) says of both ends of a
//! connection.

use super::LABELERS;
use crate::config::keys::{Absent::*, Key, Section, Type, key};
use crate::config::reader::{Field, Object};
use crate::config::value;

/// `addForwardedHeader`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardedConfig {
    /// How our end is named.
    pub by: Labeler,
    /// How the client is named.
    pub for_: Labeler,
}

/// How an end of a connection is named in a `Forwarded` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Labeler {
    /// `ip`: its address.
    Ip,
    /// `ip:port`: its address and port.
    IpPort,
    /// `connectionRandom`: a random name for each connection.
    ConnectionRandom,
    /// `requestRandom`: a random name for each request. The default.
    RequestRandom,
    /// `router`: the label of the router.
    Router,
    /// `static`: a fixed name.
    Static {
        /// The name.
        label: String,
    },
}

/// `addForwardedHeader`
pub(crate) static FORWARDED: Section = Section {
    noun: "`addForwardedHeader`",
    keys: &[&[
        key(
            "by",
            Type::Kind(&LABELERS),
            Is("{kind: requestRandom}"),
            "How our end of the connection is named.",
        ),
        key(
            "for",
            Type::Kind(&LABELERS),
            Is("{kind: requestRandom}"),
            "How the caller's end is named.",
        ),
    ]],
};

/// The keys of the labeler `static`.
pub(super) static STATIC_KEYS: &[Key] =
    &[key("label", Type::Text, Required, "The name, such as `_edge`.")];

pub(crate) fn read(field: &Field<'_>) -> Option<ForwardedConfig> {
    let mut object = field.object(&FORWARDED)?;
    let by = object.optional("by", |by| LABELERS.read(by)).unwrap_or(Labeler::RequestRandom);
    let for_ = object.optional("for", |for_| LABELERS.read(for_)).unwrap_or(Labeler::RequestRandom);
    object.finish();
    Some(ForwardedConfig { by, for_ })
}

pub(super) fn read_static(object: &mut Object<'_>) -> Option<Labeler> {
    Some(Labeler::Static { label: object.required("label", value::text)? })
}
