//! JSON bodies whose errors point at the field.

mod amount;
mod depth;
mod metadata;
mod nul;
mod pointer;
mod text;
mod web_url;

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::{FieldProblem, Fields, Problem, code};

pub use amount::AmountText;
pub(crate) use metadata::unambiguous;
pub use metadata::{Metadata, MetadataError};
pub use text::Text;
pub use web_url::WebUrl;

/// What a body must hold beyond what its types say; may find fault with several fields at once.
pub trait Check {
    /// Notes what is wrong. The types alone suffice for many bodies: then nothing is overridden.
    fn check(&self, fields: &mut Fields) {
        let _ = fields;
    }
}

/// A JSON body: as an argument parsed and checked, as an answer written.
///
/// Answers 415, 413, 400 for malformed JSON, and 422 that points at the field. Put
/// `#[serde(deny_unknown_fields)]` on the type; never `flatten` or `untagged`, which lose the
/// text of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Check, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = body_bytes(request).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// The body's bytes, once its content type and length are right.
pub(crate) async fn body_bytes(request: Request) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        let problem = Problem::of(code::UNSUPPORTED_MEDIA_TYPE);
        return Err(problem.with_detail("the body must be application/json"));
    }
    // A coding that is passed over would be read as something else than was meant; one that is undone could grow.
    let coding = request.headers().get(CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let problem = Problem::of(code::UNSUPPORTED_MEDIA_TYPE);
        return Err(problem.with_detail("the body must come as it is, without a content coding"));
    }
    Bytes::from_request(request, &())
        .await
        .map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
                too_large()
            }
            _ => unreadable(),
        })
}

/// 413.
pub(crate) fn too_large() -> Problem {
    Problem::of(code::BODY_TOO_LARGE).with_detail("the body is longer than this path takes")
}

/// 400: it was cut off.
pub(crate) fn unreadable() -> Problem {
    Problem::of(code::UNREADABLE_BODY).with_detail("the body ended before it was complete")
}

/// A checked value from a body's bytes.
pub fn parse<T: DeserializeOwned + Check>(bytes: &[u8]) -> Result<T, Problem> {
    refuse_unseen(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| refusal(&error))?;
    json.end().map_err(|error| no_json(&error))?;
    let mut fields = Fields::new();
    value.check(&mut fields);
    fields.finish()?;
    Ok(value)
}

/// What is refused whatever a body is to say.
fn refuse_unseen(bytes: &[u8]) -> Result<(), Problem> {
    if depth::exceeds(bytes, depth::DEEPEST) {
        return Err(malformed("the body is nested too deeply"));
    }
    nul::refuse(bytes)?;
    // serde would take an array as a struct, field by field.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let error = FieldProblem::at("", "must be an object with named fields");
        return Err(Problem::invalid(vec![error]));
    }
    Ok(())
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if !error.inner().is_data() {
        return no_json(error.inner());
    }
    let (pointer, detail) = pointer::locate(error);
    Problem::invalid(vec![FieldProblem::at(pointer, detail)])
}

fn no_json(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    malformed(format!(
        "the body is not JSON: see line {line}, column {column}"
    ))
}

fn malformed(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::of(code::MALFORMED_JSON).with_detail(detail)
}

/// `application/json`, or a type that says it is built on it.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
