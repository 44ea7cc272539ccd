//! What stands between tokens: white space and comments.

use super::Input;

/// The input behind any white space and comments at its front.
#[inline]
pub(crate) fn skip(mut input: Input<'_>) -> Input<'_> {
    loop {
        match input {
            [b'\t'..=b'\r' | 0x1c..=0x1f | b' ', rest @ ..] => input = rest,
            [b'#', comment @ ..] => input = &comment[comment_length(comment)..],
            [0x80..=0xff, ..] => match wide_space(input) {
                Some(length) => input = &input[length..],
                None => return input,
            },
            _ => return input,
        }
    }
}

/// Up to the end of the line. U+FFFF ends a comment, too: the reference takes it for the end of
/// the input, and then complains of it.
pub(crate) fn comment_length(comment: &[u8]) -> usize {
    let line = memchr::memchr(b'\n', comment).unwrap_or(comment.len());
    memchr::memmem::find(&comment[..line], "\u{ffff}".as_bytes()).unwrap_or(line)
}

/// The length of a white-space character beyond ASCII, by Java's `Character.isWhitespace`: the
/// space, line and paragraph separators, but not the no-break spaces.
fn wide_space(input: &[u8]) -> Option<usize> {
    match input {
        [0xe1, 0x9a, 0x80, ..] => Some(3), // U+1680
        // U+2000..=U+200A without U+2007, U+2028, U+2029
        [0xe2, 0x80, 0x80..=0x86 | 0x88..=0x8a | 0xa8 | 0xa9, ..] => Some(3),
        [0xe2, 0x81, 0x9f, ..] | [0xe3, 0x80, 0x80, ..] => Some(3), // U+205F, U+3000
        _ => None,
    }
}
