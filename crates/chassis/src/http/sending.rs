//! The body of an answer while its client reads it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use hyper::body::{Bytes, Frame, SizeHint};
use tokio_util::sync::CancellationToken;

use super::bodies::{Bodies, OnItsWay};
use super::shares::Holder;

/// So much is given to the connection at once: what it has not written yet is no more than a few of these. A body that is no
/// longer is not counted.
const PIECE_BYTES: usize = 16 * 1024;

/// The same body, counted among those that are on their way until it was given to its connection. When it has to go, its connection is cut.
pub(super) fn sending(
    body: Body,
    going: &Arc<Bodies>,
    holders: Vec<Holder>,
    cut: CancellationToken,
) -> Body {
    // One without a length is made while it is sent.
    let length = body.size_hint().exact();
    let bytes = length.and_then(|length| usize::try_from(length).ok());
    let Some(bytes) = bytes.filter(|bytes| *bytes > PIECE_BYTES) else {
        return body;
    };
    Body::new(Sending {
        body,
        rest: Bytes::new(),
        _on_its_way: going.begin(holders, bytes, cut),
    })
}

#[derive(Debug)]
struct Sending {
    body: Body,
    /// Of a frame that was longer than a piece.
    rest: Bytes,
    _on_its_way: OnItsWay,
}

impl Sending {
    /// The next piece of the rest: copied, or else it would keep the whole in memory until it was written.
    fn piece(&mut self) -> Bytes {
        let length = self.rest.len().min(PIECE_BYTES);
        Bytes::copy_from_slice(&self.rest.split_to(length))
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame.into_data(),
                ended => return Poll::Ready(ended),
            };
            match frame {
                Ok(data) => self.rest = data,
                Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let left = self.body.size_hint().exact();
        left.map_or_else(SizeHint::default, |left| {
            SizeHint::with_exact(left.saturating_add(rest))
        })
    }
}
