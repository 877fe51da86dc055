//! RFC 9457 problem details: the one shape of every error answer.

pub mod code;
mod fields;

use std::borrow::Cow;
use std::fmt;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::RequestContext;

pub use code::Code;
pub use fields::{FieldProblem, Fields};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error answer. Its `instance` and `correlation_id` are filled in from the request it answers.
/// Boxed inside, so that a `Result` that may hold one stays small.
#[derive(Debug, Clone)]
pub struct Problem(Box<Details>);

#[derive(Debug, Clone)]
struct Details {
    status: StatusCode,
    code: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldProblem>,
    command_id: Option<Uuid>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What a problem looks like on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// `urn:tributary:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:tributary:problem:not_found")]
    pub kind: String,
    /// The same for every problem of this type.
    pub title: &'a str,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What went wrong this time, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// For programs: one of the service's closed list.
    #[schema(example = "not_found")]
    pub code: &'a str,
    /// Finds this request in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<Uuid>,
    /// The command that was refused or whose outcome is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_id: Option<Uuid>,
    /// Each invalid field of the request.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [FieldProblem],
}

impl Problem {
    /// A problem with this code.
    pub fn of(code: Code) -> Self {
        Self::new(code.status(), code.name)
    }

    /// A problem of this status and code, for codes that come from elsewhere; [`Problem::of`] is for our own. The title is
    /// the status's own phrase.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Details {
            status,
            code: code.into(),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Error")),
            detail: None,
            errors: Vec::new(),
            command_id: None,
            headers: Vec::new(),
        }))
    }

    /// 401 with the challenge that RFC 6750 asks for.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        let challenge =
            HeaderValue::from_static(r#"Bearer realm="tributary", error="invalid_token""#);
        Self::of(code::UNAUTHORIZED)
            .with_detail(detail)
            .with_header(WWW_AUTHENTICATE, challenge)
    }

    /// 403: known, but not in the role that this needs.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(code::FORBIDDEN).with_detail(detail)
    }

    /// 404: not there, or not yours; the two are indistinguishable.
    pub fn not_found() -> Self {
        Self::of(code::NOT_FOUND).with_detail("there is nothing here for you")
    }

    /// 422 that points at each invalid field.
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let mut problem =
            Self::of(code::INVALID_BODY).with_detail("a field is not acceptable; see errors");
        problem.0.errors = errors;
        problem
    }

    /// A problem with this code, of status 503, with `Retry-After`.
    pub fn unavailable(code: Code, detail: impl Into<Cow<'static, str>>, retry_secs: u32) -> Self {
        Self::of(code)
            .with_detail(detail)
            .with_header(RETRY_AFTER, HeaderValue::from(retry_secs))
    }

    /// 500. The reason goes to the log, never to the client.
    pub fn internal(reason: &dyn fmt::Display) -> Self {
        tracing::error!(%reason, "a request failed for a reason of our own");
        Self::of(code::INTERNAL)
            .with_detail("something failed here; the correlation id finds it in the logs")
    }

    /// Says what went wrong this time.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Replaces the title, which must be the same for every problem of this code.
    #[must_use]
    pub fn with_title(mut self, title: &'static str) -> Self {
        self.0.title = Cow::Borrowed(title);
        self
    }

    /// Points at one more field.
    #[must_use]
    pub fn with_error(mut self, error: FieldProblem) -> Self {
        self.0.errors.push(error);
        self
    }

    /// The same of a part of the body that stands at this pointer.
    #[must_use]
    pub fn below(mut self, pointer: &str) -> Self {
        let errors = std::mem::take(&mut self.0.errors).into_iter();
        self.0.errors = errors.map(|error| error.below(pointer)).collect();
        self
    }

    /// Names the command that was refused or whose outcome is unknown.
    #[must_use]
    pub fn with_command_id(mut self, command_id: Uuid) -> Self {
        self.0.command_id = Some(command_id);
        self
    }

    /// Sends a header along.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code for programs.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// The command that was refused or whose outcome is unknown.
    pub fn command_id(&self) -> Option<Uuid> {
        self.0.command_id
    }

    /// The fields it points at.
    pub fn errors(&self) -> &[FieldProblem] {
        &self.0.errors
    }

    fn body(&self, context: Option<RequestContext>) -> ProblemBody<'_> {
        ProblemBody {
            kind: format!("urn:tributary:problem:{}", self.0.code),
            title: &self.0.title,
            status: self.0.status.as_u16(),
            detail: self.0.detail.as_deref(),
            instance: RequestContext::current_path(),
            code: &self.0.code,
            correlation_id: context.map(|context| context.correlation_id),
            command_id: self.0.command_id,
            errors: &self.0.errors,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let detail = self.0.detail.as_deref().unwrap_or(&self.0.title);
        write!(f, "{} {}: {detail}", self.0.status.as_u16(), self.0.code)
    }
}

impl std::error::Error for Problem {}

/// As a part of another answer: its body.
impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body(RequestContext::current()).serialize(serializer)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.extend(self.0.headers);
        response
    }
}
