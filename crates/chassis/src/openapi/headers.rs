//! The headers of requests and answers.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::HeaderName;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Schema, Type};
use utoipa::openapi::{Components, Header, ObjectBuilder, Ref, RefOr, Response};

use super::complete::schema_name;
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::prefer::PREFER;

/// A write that [`crate::write::Write`] takes: `params(…, Repeatable)`.
#[derive(Debug)]
pub struct Repeatable;

described_once!(Repeatable, Key);

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "what it documents is read by `Write`")]
struct Key {
    /// Makes the request repeatable: the same key with the same request is the same command. 1 to 128 visible ASCII
    /// characters, chosen by the client, best a UUID for each thing that is to happen.
    #[param(
        rename = "Idempotency-Key", value_type = Option<String>, min_length = 1, max_length = 128, pattern = "^[!-~]+$",
        example = "5f0c8e6b-1d4a-4b7c-9e2f-3a4b5c6d7e8f"
    )]
    idempotency_key: Option<String>,
}

/// A write that is answered with its outcome if the client prefers to wait: `params(…, Repeatable, Waits)`.
#[derive(Debug)]
pub struct Waits;

described_once!(Waits, Preference);

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "what it documents is read by `prefer::wait`")]
struct Preference {
    /// `wait=n` waits up to n seconds, 30 at most, for the outcome (RFC 7240): it comes as 200, or as the problem of the
    /// service that refused. Without it, and when the time is up, the answer is 202.
    #[param(rename = "Prefer", value_type = Option<String>, example = "wait=10")]
    prefer: Option<String>,
}

/// A header of answers.
struct Known {
    name: &'static str,
    about: &'static str,
    kind: Type,
    example: &'static str,
}

macro_rules! headers {
    ($($header:ident = $name:literal, $kind:ident, $example:literal, $about:literal;)+) => {
        $(const $header: Known = Known {
            name: $name,
            about: $about,
            kind: Type::$kind,
            example: $example,
        };)+

        /// All of them, for [`Components`].
        const ALL: [Known; [$($name),+].len()] = [$($header),+];
    };
}

headers! {
    CORRELATION = "X-Correlation-Id", String, "0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
        "Finds the request and everything that it caused: the request's own `X-Correlation-Id`, a UUID, or a new one.";
    TRACE = "Traceparent", String, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "The place of the answer in the request's trace (W3C Trace Context).";
    LIMIT = "RateLimit", String, "\"subject\";r=1999;t=1",
        "What is left to the token's subject (`r` requests) and in how many seconds all of it is back (`t`). Operators are not \
            counted.";
    POLICY = "RateLimit-Policy", String, "\"subject\";q=2000;w=10",
        "What is allowed to a token's subject: `q` requests in `w` seconds.";
    RETRY = "Retry-After", Integer, "1",
        "After so many seconds it is worth another try.";
    CHALLENGE = "WWW-Authenticate", String, "Bearer realm=\"tributary\"",
        "The challenge of RFC 6750.";
    STATUS_AT = "Location", String, "/api/v1/commands/0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
        "Where the command's status is.";
    APPLIED = "Preference-Applied", String, "wait=10",
        "How long was waited at most, where `Prefer: wait` was honoured.";
    COMMAND = "X-Command-Id", String, "0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
        "The command's id.";
    NEXT = "Next-Cursor", String, "AQAAAAAAADA5",
        "Of a list as CSV: where the next page starts, for `cursor`. Absent on the last, and of a list as JSON, which has `next_cursor`.";
}

/// What answers have beside their bodies, for whoever lets pages read it.
pub(crate) fn headers_of_answers() -> impl Iterator<Item = HeaderName> {
    ALL.into_iter()
        .filter_map(|known| known.name.parse::<HeaderName>().ok())
}

/// Whether it is asked with a token.
pub(super) fn needs_token(operation: &Operation) -> bool {
    let security = operation.security.as_ref();
    security.is_some_and(|any| !any.is_empty())
}

/// Those of every problem with this status.
pub(super) fn of_problem(status: u16, problem: &mut Response) {
    put(problem, &[CORRELATION, TRACE]);
    match status {
        401 => put(problem, &[CHALLENGE]),
        429 => put(problem, &[RETRY, LIMIT, POLICY]),
        503 => put(problem, &[RETRY]),
        _ => {}
    }
}

/// Those of an outcome that was waited for.
pub(super) fn of_outcome(response: &mut Response) {
    put(response, &[STATUS_AT, APPLIED]);
}

/// That of a list that can be had as CSV.
pub(super) fn of_list(response: &mut Response) {
    put(response, &[NEXT]);
}

/// Those of an operation's other answers. One to several commands has none of one: its items say each one's.
pub(super) fn of_operation(operation: &mut Operation, named: &BTreeMap<String, RefOr<Schema>>) {
    let repeatable = takes(operation, IDEMPOTENCY_KEY);
    let waits = takes(operation, PREFER);
    let counted = needs_token(operation);
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        put(response, &[CORRELATION, TRACE]);
        if counted {
            put(response, &[LIMIT, POLICY]);
        }
        let of_one = repeatable && !has_items(response, named);
        match (of_one, waits) {
            (true, true) => of_outcome(response),
            (true, false) => put(response, &[COMMAND]),
            (false, _) => {}
        }
        if of_one && status == "202" {
            put(response, &[STATUS_AT]);
        }
    }
}

/// Whether it answers several things.
fn has_items(response: &Response, named: &BTreeMap<String, RefOr<Schema>>) -> bool {
    response.content.values().any(|content| {
        let RefOr::T(content) = content else {
            return false;
        };
        let schema = schema_name(content).and_then(|name| named.get(name));
        matches!(schema, Some(RefOr::T(Schema::Object(object))) if object.properties.contains_key("items"))
    })
}

/// Whether the operation has a parameter of this name.
pub(super) fn takes(operation: &Operation, name: &str) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|it| matches!(it, RefOr::T(it) if it.name.eq_ignore_ascii_case(name)))
}

/// Puts those that are referred to into the components.
pub(super) fn share(used: &BTreeSet<String>, shared: &mut Components) {
    for known in ALL.into_iter().filter(|known| used.contains(known.name)) {
        let example = match known.kind {
            Type::Integer => known
                .example
                .parse::<u32>()
                .map_or(Value::Null, Value::from),
            _ => Value::from(known.example),
        };
        let mut header = Header::new(ObjectBuilder::new().schema_type(known.kind));
        header.description = Some(known.about.to_owned());
        header.example = Some(example);
        shared.headers.insert(known.name.to_owned(), header.into());
    }
}

fn put(response: &mut Response, headers: &[Known]) {
    for Known { name, .. } in headers {
        let reference = Ref::new(format!("#/components/headers/{name}"));
        let reference = RefOr::Ref(reference);
        response
            .headers
            .entry((*name).to_owned())
            .or_insert(reference);
    }
}
