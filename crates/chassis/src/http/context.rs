//! Who a request belongs to: its correlation id and its place in a trace.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

use crate::problem::{FieldProblem, Problem, code};
use crate::telemetry::{TRACEPARENT, TraceContext};

use super::traced::{Traced, shown_path};

/// The header that carries the correlation id.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

tokio::task_local! {
    static CURRENT: (RequestContext, Uri);
}

/// Taken from the request's headers or made; returned with the answer. An extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestContext {
    /// Kept by everything this request causes.
    pub correlation_id: Uuid,
    /// This service's span in the request's trace.
    pub trace: TraceContext,
}

impl RequestContext {
    /// A context of its own, for what no request asked for.
    pub fn new_root() -> Self {
        Self {
            correlation_id: Uuid::now_v7(),
            trace: TraceContext::new_root(),
        }
    }

    /// The context of the request that the current task answers.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|(context, _)| *context).ok()
    }

    /// The path that the current task's request asked for.
    pub(crate) fn current_path() -> Option<String> {
        CURRENT.try_with(|(_, uri)| uri.path().to_owned()).ok()
    }

    fn from_headers(headers: &HeaderMap, trace: TraceContext) -> Result<Self, Problem> {
        let mut values = headers.get_all(CORRELATION_ID).iter();
        let correlation_id = match (values.next(), values.next()) {
            (None, _) => Uuid::now_v7(),
            (Some(value), None) => uuid(value).ok_or_else(malformed)?,
            (Some(_), Some(_)) => return Err(malformed()),
        };
        Ok(Self {
            correlation_id,
            trace,
        })
    }

    /// That of a request with these extensions: as it was given, else of the task that asks.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let given = extensions.get().copied();
        given.or_else(Self::current).unwrap_or_else(Self::new_root)
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// Gives every request its context, and every answer the two headers.
pub(super) async fn layer(mut request: Request, next: Next) -> Response {
    let caller = TraceContext::of_caller(request.headers());
    let trace = TraceContext::for_caller(caller);
    let (context, refusal) = match RequestContext::from_headers(request.headers(), trace) {
        Ok(context) => (context, None),
        Err(problem) => (
            RequestContext {
                correlation_id: Uuid::now_v7(),
                trace,
            },
            Some(problem),
        ),
    };
    let traced = Traced::begin(&request, caller, context);
    request.extensions_mut().insert(context);
    let span = tracing::info_span!(
        "request",
        correlation_id = %context.correlation_id,
        trace_id = context.trace.trace_id(),
        method = %request.method(),
        path = shown_path(&request),
    );
    let scope = (context, request.uri().clone());
    let answer = async move {
        match refusal {
            None => next.run(request).await,
            Some(problem) => problem.into_response(),
        }
    };
    let mut response = CURRENT.scope(scope, answer.instrument(span)).await;
    mark(response.headers_mut(), context);
    if let Some(traced) = traced {
        traced.end(response.status());
    }
    response
}

/// For routes whose answers keep the database busy: an answer is made to its end though its client has gone. The database would go on with what it
/// was asked anyway, and whoever bounds how many are made at once would not count it.
pub async fn to_its_end(request: Request, next: Next) -> Response {
    let answer = next.run(request).in_current_span();
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with its statements, each of which has its time"
    )]
    let answered = match CURRENT.try_with(Clone::clone) {
        Ok(scope) => tokio::spawn(CURRENT.scope(scope, answer)),
        Err(_) => tokio::spawn(answer),
    };
    let answered = answered.await;
    answered.unwrap_or_else(|error| Problem::internal(&error).into_response())
}

fn mark(headers: &mut HeaderMap, context: RequestContext) {
    let id = HeaderValue::try_from(context.correlation_id.to_string());
    let trace = HeaderValue::try_from(context.trace.to_header());
    if let (Ok(id), Ok(trace)) = (id, trace) {
        headers.insert(CORRELATION_ID, id);
        headers.insert(TRACEPARENT, trace);
    }
}

/// The hyphenated form only: other spellings of one id would not be found in logs.
fn uuid(value: &HeaderValue) -> Option<Uuid> {
    let text = value.to_str().ok().filter(|text| text.len() == 36)?;
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

fn malformed() -> Problem {
    let detail = "the X-Correlation-Id header must be one UUID, such as 0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e";
    Problem::of(code::INVALID_HEADER)
        .with_detail(detail)
        .with_error(FieldProblem::parameter(
            "X-Correlation-Id",
            "must be one UUID",
        ))
}
