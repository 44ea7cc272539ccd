//! Keys of connections that speak HTTP/2, alike for servers and clients.

use super::keys::{Absent::*, Key, Type, key};
use super::reader::Object;
use super::value;

/// What is said in `SETTINGS` (RFC 9113, 6.5.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Http2Config {
    /// `headerTableBytes`: the table by which heads of the peer are compressed; 4096 unless given.
    pub header_table_bytes: Option<u32>,
    /// `initialStreamWindowBytes`: bytes of a body that the peer may send before any is taken; 65,535
    /// unless given.
    pub initial_stream_window_bytes: Option<u32>,
    /// `maxFrameBytes`: the longest frame that the peer may send; 16,384 unless given.
    pub max_frame_bytes: Option<u32>,
    /// `maxHeaderListBytes`: the longest head, uncompressed, that the peer may send; 16 KiB unless
    /// given.
    pub max_header_list_bytes: Option<u32>,
}

/// The keys, in the object of the server or client itself.
pub(super) static KEYS: &[Key] = &[
    key(
        "windowUpdateRatio",
        Type::Number(0.0, 1.0),
        Means("half"),
        "Without effect: the peer is told that it may send on when half of a window has been taken.",
    ),
    key(
        "headerTableBytes",
        Type::Integer(0, 1 << 24),
        Means("4096"),
        "Bytes of the table by which the peer may compress heads (HPACK).",
    ),
    key(
        "initialStreamWindowBytes",
        Type::Integer(1, value::MAX),
        Means("65535"),
        "Bytes of a body that the peer may send before any of it has been taken.",
    ),
    key(
        "maxFrameBytes",
        Type::Integer(16_384, (1 << 24) - 1),
        Means("16384"),
        "Bytes of the longest frame that the peer may send.",
    ),
    key(
        "maxHeaderListBytes",
        Type::Integer(1, value::MAX),
        Means("16384"),
        "Bytes of the longest head that the peer may send, counted before it is compressed.",
    ),
];

pub(super) fn read(object: &mut Object<'_>) -> Http2Config {
    object.optional("windowUpdateRatio", value::number(0.0..=1.0));
    Http2Config {
        header_table_bytes: object.optional("headerTableBytes", value::integer(0..=1 << 24)),
        initial_stream_window_bytes: object.optional("initialStreamWindowBytes", value::count),
        max_frame_bytes: object.optional("maxFrameBytes", value::integer(16_384..=(1 << 24) - 1)),
        max_header_list_bytes: object.optional("maxHeaderListBytes", value::count),
    }
}

/// The same; nothing if none of the keys is given.
pub(super) fn read_given(object: &mut Object<'_>) -> Option<Http2Config> {
    let given = read(object);
    (given != Http2Config::default()).then_some(given)
}
