//! Path and query parameters whose errors name the parameter.

use std::borrow::Cow;

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::problem::{FieldProblem, Problem, code};

/// Parameters of the path, such as `Path<CampaignId>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// Parameters of the query. Put `#[serde(deny_unknown_fields)]` on the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        refuse_controls(parts).await?;
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(path_problem(error.into_kind(), only_name(parts).await))
            }
            Err(error) => Err(Problem::internal(&error)),
        }
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = pairs(parts.uri.query().unwrap_or_default())?;
        from_pairs(&pairs).map(Self)
    }
}

/// Parameters that count among others, which mail programs and networks add and which are passed over.
pub trait Named {
    /// Their names.
    const NAMES: &[&str];
    /// Those that are refused in a bad form. Others are passed over then, and of one that is repeated the first good value counts.
    const STRICT: &[&str] = Self::NAMES;

    /// Whether this value of another name counts.
    fn is_good(_name: &str, _value: &str) -> bool {
        true
    }
}

/// Such parameters of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Among<T>(pub T);

impl<T: DeserializeOwned + Named, S: Sync> FromRequestParts<S> for Among<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in parts.uri.query().unwrap_or_default().split('&') {
            let name = pair.split('=').next().and_then(decoded);
            let Some(name) = name.filter(|name| T::NAMES.contains(&name.as_str())) else {
                continue;
            };
            let is_strict = T::STRICT.contains(&name.as_str());
            match read_pair(pair) {
                Err(problem) if is_strict => return Err(problem),
                Ok(pair) if is_strict => pairs.push(pair),
                Ok(pair)
                    if T::is_good(&name, &pair.1)
                        && pairs.iter().all(|(known, _)| *known != name) =>
                {
                    pairs.push(pair);
                }
                _ => {}
            }
        }
        from_pairs(&pairs).map(Self)
    }
}

async fn refuse_controls(parts: &mut Parts) -> Result<(), Problem> {
    if let Ok(params) = RawPathParams::from_request_parts(parts, &()).await {
        for (name, value) in &params {
            refuse_control(name, value)?;
        }
    }
    Ok(())
}

/// The decoded names and values of a query.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(read_pair).collect()
}

/// No text here has a use for control characters, and a NUL no database of ours can compare with.
fn read_pair(pair: &str) -> Result<(String, String), Problem> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let name = decoded(name).filter(|name| !name.contains(char::is_control));
    let malformed = || {
        let detail = "the query is not name=value pairs in UTF-8";
        Problem::of(code::INVALID_PARAMETER).with_detail(detail)
    };
    let name = name.ok_or_else(malformed)?;
    let Some(value) = decoded(value) else {
        return Err(parameter(name, "is not UTF-8".to_owned()));
    };
    refuse_control(&name, &value)?;
    Ok((name, value))
}

/// `application/x-www-form-urlencoded`, and UTF-8 in earnest: the URL standard's decoder would put U+FFFD for what is none.
fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

fn refuse_control(name: &str, value: &str) -> Result<(), Problem> {
    if value.contains(char::is_control) {
        let detail = "must not hold control characters".to_owned();
        return Err(parameter(name.to_owned(), detail));
    }
    Ok(())
}

/// A value of named pairs; the error names the first pair that is wrong.
pub(crate) fn from_pairs<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Problem> {
    let query = serde_urlencoded::to_string(pairs).map_err(|error| Problem::internal(&error))?;
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let deserializer = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(deserializer).map_err(refusal)
}

fn refusal(error: serde_path_to_error::Error<serde::de::value::Error>) -> Problem {
    let name = error.path().to_string();
    let detail = error.into_inner().to_string();
    match detail.split_once('`') {
        Some((kind, rest)) if name == "." || kind.ends_with("field ") => {
            let field = rest.split('`').next().unwrap_or_default();
            parameter(
                field.to_owned(),
                format!("{}parameter", kind.replace("field ", "")),
            )
        }
        _ => parameter(name, detail),
    }
}

/// The name of the path's parameter, when there is one only: errors of a single value do not tell.
async fn only_name(parts: &mut Parts) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let mut names = params.iter().map(|(name, _)| name.to_owned());
    names.next().filter(|_| names.next().is_none())
}

fn path_problem(kind: ErrorKind, only_name: Option<String>) -> Problem {
    let name = only_name.unwrap_or_else(|| "path".to_owned());
    match kind {
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => parameter(key, format!("expected {expected_type}")),
        ErrorKind::DeserializeError { key, message, .. } => parameter(key, message),
        ErrorKind::InvalidUtf8InPathParam { key } => parameter(key, "is not UTF-8".to_owned()),
        ErrorKind::Message(message) => parameter(name, message),
        other => parameter(name, other.to_string()),
    }
}

/// 400 that names one parameter.
pub fn parameter(
    name: impl Into<Cow<'static, str>>,
    detail: impl Into<Cow<'static, str>>,
) -> Problem {
    Problem::of(code::INVALID_PARAMETER)
        .with_detail("a parameter is not acceptable; see errors")
        .with_error(FieldProblem::parameter(name, detail))
}
