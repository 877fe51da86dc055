//! When a request is taken on: once its caller is known and its body has come. Until then it holds no slot, so that who
//! sends slowly, or not at all, keeps nobody out.

use std::error::Error;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::bodies::{Bodies, longest};
use super::sending::sending;
use super::shares::{Holder, Shares};
use crate::auth::{Shown, Verifier};
use crate::json::{too_large, unreadable};
use crate::problem::{Problem, code};

/// Who is at the other end of a connection; `None` for a proxy that many come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer(pub(super) Option<Holder>);

/// Ends a request's connection.
#[derive(Debug, Clone)]
pub(super) struct Cut(pub(super) CancellationToken);

/// Verifies the request's token, once for all that ask.
pub(super) async fn identify(
    State(verifier): State<Arc<Verifier>>,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = Shown(verifier.caller_by_fresh_keys(request.headers()).await);
    request.extensions_mut().insert(shown);
    next.run(request).await
}

/// What of bodies is waited for.
#[derive(Debug)]
pub(super) struct Arriving {
    limits: Limits,
    coming: Arc<Bodies>,
}

impl Arriving {
    pub(super) fn new(limits: Limits, coming: Arc<Bodies>) -> Arc<Self> {
        Arc::new(Self { limits, coming })
    }

    /// The request with its whole body. A stranger's is not looked at: the route refuses it for want of a token.
    async fn whole(&self, mut request: Request) -> Result<Request, Problem> {
        let caller = request.extensions().get::<Shown>().map(|shown| &shown.0);
        let most = match caller {
            Some(Err(_)) => {
                *request.body_mut() = Body::empty();
                return Ok(request);
            }
            Some(Ok(caller)) if caller.is_operator() => self.limits.operator_body_bytes(),
            _ => self.limits.body_bytes,
        };
        let announced = request.body().size_hint().exact();
        let bytes = announced.map_or(Ok(most), usize::try_from);
        let bytes = bytes.ok().filter(|bytes| *bytes <= most);
        let bytes = bytes.ok_or_else(too_large)?;
        let displaced = CancellationToken::new();
        let holders = holders(&request);
        let _on_its_way = self.coming.begin(holders, bytes, displaced.clone());
        let (parts, body) = request.into_parts();
        let within = longest(bytes).min(self.limits.request_timeout);
        tokio::select! {
            read = axum::body::to_bytes(body, most) => match read {
                Ok(bytes) => Ok(Request::from_parts(parts, Body::from(bytes))),
                Err(error) if is_too_long(&error) => Err(too_large()),
                Err(_) => Err(unreadable()),
            },
            () = displaced.cancelled() => Err(overloaded("the body was too slow in coming while others had to wait")),
            () = tokio::time::sleep(within) => Err(too_slow()),
        }
    }
}

/// Lets the request's body come before anything else is done for it.
pub(super) async fn arrive(
    State(arriving): State<Arc<Arriving>>,
    mut request: Request,
    next: Next,
) -> Response {
    if !request.body().is_end_stream() {
        request = match arriving.whole(request).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        };
    }
    next.run(request).await
}

/// Places for requests that are being answered, and what of their answers is on its way.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    pub(super) places: Arc<Shares>,
    pub(super) going: Arc<Bodies>,
}

/// Answers in a slot, or refuses rather than letting everyone wait. Once it is there, an answer holds no slot: who reads slowly keeps nobody out.
pub(super) async fn in_slot(State(slots): State<Slots>, request: Request, next: Next) -> Response {
    let holders = holders(&request);
    let Some(_slot) = slots.places.take(holders.clone()) else {
        return overloaded("too many requests at once; try again").into_response();
    };
    // A stranger gets what is in memory for everybody anyway, and has no share to keep to behind a proxy.
    let is_known = request
        .extensions()
        .get::<Shown>()
        .is_some_and(|shown| shown.0.is_ok());
    // Of the answer to HEAD nothing is sent but its head.
    let is_sent = request.method() != Method::HEAD;
    let cut = request
        .extensions()
        .get::<Cut>()
        .filter(|_| is_known && is_sent)
        .cloned();
    let answer = next.run(request).await;
    match cut {
        Some(Cut(cut)) => answer.map(|body| sending(body, &slots.going, holders, cut)),
        None => answer,
    }
}

fn holders(request: &Request) -> Vec<Holder> {
    let shown = request.extensions().get::<Shown>();
    let caller = shown.and_then(|shown| shown.0.as_ref().ok());
    let peer = request.extensions().get::<Peer>();
    let of = caller.map(Holder::of).unwrap_or_default();
    let address = peer.and_then(|peer| peer.0);
    of.into_iter().chain(address).collect()
}

fn is_too_long(error: &axum::Error) -> bool {
    let source = error.source();
    source.is_some_and(<dyn Error>::is::<http_body_util::LengthLimitError>)
}

fn overloaded(detail: &'static str) -> Problem {
    Problem::unavailable(code::OVERLOADED, detail, 1)
}

/// RFC 9110, 15.5.9: the connection is of no more use.
fn too_slow() -> Problem {
    metrics::counter!("http_bodies_ended_total", "reason" => "slow").increment(1);
    Problem::of(code::BODY_TOO_SLOW)
        .with_detail("the body did not come in time")
        .with_header(CONNECTION, HeaderValue::from_static("close"))
}
