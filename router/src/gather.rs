//! Short writes as one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

/// Up to so many bytes are copied into one buffer: that costs less than the system's way of writing
/// several (`writev` against `send`, about half a microsecond).
const SHORT: usize = 2048;

/// Writes `bufs` to a socket, by one plain write if they are short.
pub(crate) fn poll_write_gathered<S: AsyncWrite + Unpin>(
    socket: &mut S,
    cx: &mut Context<'_>,
    bufs: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let socket = Pin::new(socket);
    if let [only] = bufs {
        return socket.poll_write(cx, only);
    }
    if bufs.iter().map(|buf| buf.len()).sum::<usize>() > SHORT {
        return socket.poll_write_vectored(cx, bufs);
    }
    let (mut joined, mut length) = ([0; SHORT], 0);
    for buf in bufs {
        joined[length..length + buf.len()].copy_from_slice(buf);
        length += buf.len();
    }
    socket.poll_write(cx, &joined[..length])
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// What arrives of `parts`, written as often as it takes.
    async fn written(parts: &[&[u8]]) -> Vec<u8> {
        let (mut near, mut far) = tokio::io::duplex(1 << 20);
        let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let count = poll_fn(|cx| poll_write_gathered(&mut near, cx, &slices)).await.unwrap();
        drop(near);
        let mut arrived = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut far, &mut arrived).await.unwrap();
        assert_eq!(arrived.len(), count);
        arrived
    }

    #[tokio::test]
    async fn what_arrives_is_what_was_given() {
        assert_eq!(written(&[b"head"]).await, b"head");
        assert_eq!(written(&[b"head", b"", b"body"]).await, b"headbody");
        let full = [7; SHORT - 4];
        assert_eq!(written(&[b"head", &full]).await.len(), SHORT);
        let long = [7; SHORT];
        assert!(written(&[b"head", &long]).await.starts_with(b"head"), "as the socket has it");
    }
}
