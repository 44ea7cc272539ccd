//! `addForwardedHeader` of a server: what the `Forwarded` header (RFC 7239) says of both ends of a
//! connection.

use super::LABELERS;
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

pub(crate) fn read(field: &Field<'_>) -> Option<ForwardedConfig> {
    let mut object = field.object("`addForwardedHeader`")?;
    let by = object.optional("by", |by| LABELERS.read(by)).unwrap_or(Labeler::RequestRandom);
    let for_ = object.optional("for", |for_| LABELERS.read(for_)).unwrap_or(Labeler::RequestRandom);
    object.finish();
    Some(ForwardedConfig { by, for_ })
}

pub(super) fn read_plain(_: &mut Object<'_>, labeler: Labeler) -> Option<Labeler> {
    Some(labeler)
}

pub(super) fn read_static(object: &mut Object<'_>) -> Option<Labeler> {
    Some(Labeler::Static { label: object.required("label", value::text)? })
}
