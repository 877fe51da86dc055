//! What of a body nobody reads is still taken off the wire: a server that answers and closes on unread bytes resets the
//! connection, and its client sees a broken pipe where the answer was (RFC 9112, 9.6).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

/// Of one body at most.
const MAX_BYTES: usize = 1 << 20;
/// And no longer than this.
const MAX_DURATION: Duration = Duration::from_secs(2);

/// A request's body. Dropped before its end, what still comes is read and thrown away, within bounds; then the connection
/// closes.
#[derive(Debug)]
pub(super) struct Lingering {
    body: Option<Incoming>,
    /// Whoever asks first whether it may send the body gets the answer instead of it.
    asks_first: bool,
}

/// Whether a request's body may be longer than what is taken off the wire when nobody reads it: then its connection ends with an answer that
/// did not wait for it, and that answer has to say so, lest the client send its next request there.
pub(super) fn may_be_left(headers: &HeaderMap) -> bool {
    let announced = headers.get(CONTENT_LENGTH);
    match announced.map(|length| length.to_str().ok().and_then(|text| text.parse().ok())) {
        Some(length) => length.is_none_or(|length: usize| length > MAX_BYTES),
        None => headers.contains_key(TRANSFER_ENCODING),
    }
}

impl Lingering {
    /// The same request.
    pub(super) fn of(request: Request<Incoming>) -> Request<Self> {
        let asks_first = request.headers().contains_key(EXPECT);
        request.map(|body| Self {
            body: Some(body),
            asks_first,
        })
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        // Past its end, and after an error, there is nothing to wait for.
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let none = || SizeHint::with_exact(0);
        self.body.as_ref().map_or_else(none, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && !self.asks_first
            && !body.is_end_stream()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async { tokio::time::timeout(MAX_DURATION, discard(body)).await });
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut left = MAX_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
