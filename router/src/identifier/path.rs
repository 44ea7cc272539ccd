//! `io.l5d.path`: the first segments of the request's path.

use dtab::Path;

use super::{Identification, Identifier, IdentifyError, RequestHead, Unidentified};

/// `dstPrefix` and the first segments of the target's path, which may be cut off for the next hop.
///
/// The path is split at its slashes; what stands before the first one does not count, and neither do
/// empty segments at the end. An empty segment among those taken is an error. Segments are taken as
/// they are, escaped or not.
#[derive(Clone, Debug)]
pub struct PathIdentifier {
    prefix: Path,
    segments: usize,
    consume: bool,
}

impl PathIdentifier {
    /// Takes this many segments and leaves the target alone.
    pub fn new(prefix: Path, segments: usize) -> Self {
        PathIdentifier { prefix, segments, consume: false }
    }

    /// Whether the segments taken are cut from the target: `/a/b/c/?q` becomes `/c/?q` for two.
    pub fn consume(mut self, yes: bool) -> Self {
        self.consume = yes;
        self
    }
}

impl Identifier for PathIdentifier {
    fn kind(&self) -> &'static str {
        "io.l5d.path"
    }

    fn identify(&self, request: &RequestHead<'_>) -> Result<Identification, IdentifyError> {
        let path = request.path();
        // Everything behind the first slash; `None` when there is not one segment.
        let mut rest = path.trim_end_matches('/').split_once('/').map(|(_, rest)| rest);
        let mut name = self.prefix.clone();
        let mut empty = false;
        for _ in 0..self.segments {
            let text = rest.ok_or(Unidentified::NotEnoughSegments)?;
            let (segment, after) = match text.split_once('/') {
                Some((segment, after)) => (segment, Some(after)),
                None => (text, None),
            };
            empty |= segment.is_empty();
            name.push(segment.as_bytes());
            rest = after;
        }
        if empty {
            return Err(IdentifyError::EmptySegment);
        }
        let target = if self.consume { remainder(request, path, rest) } else { None };
        Ok(Identification { name, target })
    }
}

/// The target without the segments taken, if that makes it another.
fn remainder(request: &RequestHead<'_>, path: &str, rest: Option<&str>) -> Option<String> {
    let mut target = String::with_capacity(request.target.len() + 1);
    target.push('/');
    if let Some(rest) = rest {
        target.push_str(rest);
        if path.ends_with('/') {
            target.push('/');
        }
    }
    target.push_str(request.query());
    (target != request.target).then_some(target)
}
