//! The frames of HTTP/2 in a stream of bytes (RFC 9113, 4.1), however it is cut. What is in them is the
//! codec's affair: this is for those who only watch.

/// Bytes of the head of a frame.
const HEAD: usize = 9;

/// Kinds of frames (RFC 9113, 6).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Of DATA and HEADERS: nothing follows on this stream.
pub(crate) const END_STREAM: u8 = 1;
/// Of SETTINGS: they only confirm those of the peer.
pub(crate) const ACK: u8 = 1;

/// Finds the frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// The head that is being read.
    head: [u8; HEAD],
    have: usize,
    /// Bytes left of the payload.
    left: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'b> {
    /// A frame begins, with a payload of so many bytes.
    Head { kind: u8, flags: u8, length: usize },
    /// Some of its payload, and how much is still to come.
    Payload { bytes: &'b [u8], left: usize },
}

impl Frames {
    /// Takes the next piece from the front of `bytes`; nothing if there is no whole one.
    pub(crate) fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<Piece<'b>> {
        if bytes.is_empty() {
            return None;
        }
        if self.left > 0 {
            let (payload, rest) = bytes.split_at(bytes.len().min(self.left));
            *bytes = rest;
            self.left -= payload.len();
            return Some(Piece::Payload { bytes: payload, left: self.left });
        }
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.have));
        *bytes = rest;
        self.head[self.have..self.have + head.len()].copy_from_slice(head);
        self.have += head.len();
        if self.have < HEAD {
            return None;
        }
        self.have = 0;
        let [a, b, c, kind, flags, ..] = self.head;
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        Some(Piece::Head { kind, flags, length: self.left })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A frame of stream 1.
    pub(crate) fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
        [&[a, b, c, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let all = [frame(4, 1, &[]), frame(0, 1, b"hello"), frame(8, 0, &[0; 4])].concat();
        for size in 1..all.len() {
            let (mut frames, mut heads, mut payload) = (Frames::default(), Vec::new(), Vec::new());
            for mut part in all.chunks(size) {
                while let Some(piece) = frames.next(&mut part) {
                    match piece {
                        Piece::Head { kind, flags, length } => heads.push((kind, flags, length)),
                        Piece::Payload { bytes, .. } => payload.extend_from_slice(bytes),
                    }
                }
            }
            assert_eq!(heads, [(4, 1, 0), (0, 1, 5), (8, 0, 4)], "cut into {size}");
            assert_eq!(payload, b"hello\0\0\0\0", "cut into {size}");
        }
    }
}
