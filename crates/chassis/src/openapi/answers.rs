//! The problems that an operation may answer, by status, with their codes.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use axum::http::StatusCode;
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{
    Components, ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Responses,
};
use utoipa::{IntoResponses, ToSchema};

use super::headers::{self, needs_token, takes};
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::prefer::PREFER;
use crate::problem::code::{self, Code};
use crate::problem::{PROBLEM_JSON, ProblemBody};

/// Longer names of shared answers are cut.
const MAX_NAME_LENGTH: usize = 100;

/// What an operation refuses by itself, beside what is refused before it is asked. See [`crate::refuses`].
pub trait Refuses {
    /// With these codes.
    fn codes() -> Vec<Code>;
}

/// The problems of an operation: `responses((…), Problems<(Forbidden, NotFound)>)`. What surrounds every operation is
/// added when the document is completed.
#[derive(Debug)]
pub struct Problems<T = ()>(PhantomData<T>);

/// Names a set of codes for [`Problems`]: `refuses!(pub(crate) Busy: BUSY, FULL)`.
#[macro_export]
macro_rules! refuses {
    ($(#[$doc:meta])* $visible:vis $name:ident: $($code:expr),+) => {
        $(#[$doc])*
        #[derive(Debug)]
        $visible struct $name;

        impl $crate::openapi::Refuses for $name {
            fn codes() -> Vec<$crate::problem::Code> {
                vec![$($code),+]
            }
        }
    };
}

refuses!(
    /// The caller's role may be the wrong one.
    pub Forbidden: code::FORBIDDEN
);
refuses!(
    /// It may be another's. Said of every operation whose path names a thing anyhow.
    pub NotFound: code::NOT_FOUND
);

refuses!(
    /// One address asks too often: of operations that are open to everybody.
    pub Limited: code::RATE_LIMITED
);

impl Refuses for () {
    fn codes() -> Vec<Code> {
        Vec::new()
    }
}

impl<A: Refuses, B: Refuses> Refuses for (A, B) {
    fn codes() -> Vec<Code> {
        [A::codes(), B::codes()].concat()
    }
}

impl<A: Refuses, B: Refuses, C: Refuses> Refuses for (A, B, C) {
    fn codes() -> Vec<Code> {
        [A::codes(), B::codes(), C::codes()].concat()
    }
}

impl<T: Refuses> IntoResponses for Problems<T> {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut refusals = Refusals::default();
        refusals.add(T::codes());
        let responses = refusals.0.into_iter();
        responses
            .map(|(status, codes)| (status.to_string(), problem(status, &codes).into()))
            .collect()
    }
}

/// Codes with what they mean, by status.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<u16, BTreeMap<String, String>>);

impl Refusals {
    pub(super) fn add(&mut self, codes: impl IntoIterator<Item = Code>) {
        for code in codes {
            let of_status = self.0.entry(code.status).or_default();
            of_status.insert(code.name.to_owned(), code.meaning.to_owned());
        }
    }

    /// Takes the problems out of an operation's answers, be they shared or its own.
    pub(super) fn take(responses: &mut Responses, shared: &Components) -> Self {
        let mut refusals = Self::default();
        responses.responses.retain(|status, response| {
            let response = match response {
                RefOr::T(response) => Some(&*response),
                RefOr::Ref(reference) => of_reference(reference, shared),
            };
            let codes = response.and_then(codes_of);
            let (Some(codes), Ok(status)) = (codes, status.parse()) else {
                return true;
            };
            refusals.0.entry(status).or_default().extend(codes);
            false
        });
        refusals
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.values().flat_map(BTreeMap::keys)
    }

    /// Puts them among an operation's answers, by reference.
    pub(super) fn put(self, responses: &mut Responses, shared: &mut Components) {
        for (status, codes) in self.0 {
            let name = share(status, problem(status, &codes), &codes, shared);
            let reference = RefOr::Ref(Ref::from_response_name(name));
            responses.responses.insert(status.to_string(), reference);
        }
    }
}

/// Adds codes to those that a handler says.
pub(super) fn add(operation: &mut Operation, codes: &[Code], shared: &Components) {
    let mut refusals = Refusals::take(&mut operation.responses, shared);
    refusals.add(codes.iter().copied());
    for (status, codes) in refusals.0 {
        let response = problem(status, &codes).into();
        operation
            .responses
            .responses
            .insert(status.to_string(), response);
    }
}

/// What surrounds the operation and reads its parameters and body may refuse with these.
pub(super) fn before(operation: &Operation) -> Vec<Code> {
    let mut codes = vec![
        code::INVALID_HEADER,
        code::INTERNAL,
        code::OVERLOADED,
        code::DATABASE_UNAVAILABLE,
        code::REQUEST_TIMED_OUT,
    ];
    let mut places = Vec::new();
    for parameter in operation.parameters.iter().flatten() {
        if let RefOr::T(parameter) = parameter {
            places.push(&parameter.parameter_in);
        }
    }
    if takes(operation, IDEMPOTENCY_KEY) {
        codes.extend([code::IDEMPOTENCY_KEY_REUSED, code::QUEUE_FULL]);
        // Who answers before the outcome is there knows that the command is taken.
        if !takes(operation, PREFER) {
            codes.push(code::OUTCOME_UNKNOWN);
        }
    }
    if places.contains(&&ParameterIn::Path) {
        codes.extend([code::INVALID_PARAMETER, code::NOT_FOUND]);
    }
    if places.contains(&&ParameterIn::Query) {
        codes.push(code::INVALID_PARAMETER);
    }
    if operation.request_body.is_some() {
        codes.extend([
            code::MALFORMED_JSON,
            code::UNREADABLE_BODY,
            code::BODY_TOO_SLOW,
            code::BODY_TOO_LARGE,
            code::UNSUPPORTED_MEDIA_TYPE,
            code::INVALID_BODY,
        ]);
    }
    if needs_token(operation) {
        codes.extend([
            code::UNAUTHORIZED,
            // Of a page from elsewhere, where no role is needed either.
            code::FORBIDDEN,
            code::MISDIRECTED_REQUEST,
            code::KEYS_UNAVAILABLE,
            code::RATE_LIMITED,
        ]);
    }
    codes
}

/// What a reference calls its target.
pub(super) fn name_of(reference: &Ref) -> Option<&str> {
    reference.ref_location.rsplit('/').next()
}

fn of_reference<'a>(reference: &Ref, shared: &'a Components) -> Option<&'a Response> {
    match shared.responses.get(name_of(reference)?)? {
        RefOr::T(response) => Some(response),
        RefOr::Ref(_) => None,
    }
}

/// The codes of a problem as [`problem`] writes it; `None` for another answer.
fn codes_of(response: &Response) -> Option<BTreeMap<String, String>> {
    let RefOr::T(content) = response.content.get(PROBLEM_JSON)? else {
        return None;
    };
    let codes = content.examples.iter().map(|(name, example)| {
        let meaning = match example {
            RefOr::T(example) => example.summary.clone(),
            RefOr::Ref(_) => String::new(),
        };
        (name.clone(), meaning)
    });
    Some(codes.collect())
}

/// A problem with an example for each of its codes.
fn problem(status: u16, codes: &BTreeMap<String, String>) -> Response {
    let title = StatusCode::from_u16(status).ok();
    let title = title.and_then(|status| status.canonical_reason());
    let title = title.unwrap_or("Error");
    let schema = RefOr::Ref(Ref::from_schema_name(ProblemBody::name()));
    let mut content = ContentBuilder::new().schema(Some(schema)).build();
    for (code, meaning) in codes {
        let value = json!({
            "type": format!("urn:tributary:problem:{code}"),
            "title": title,
            "status": status,
            "detail": meaning,
            "code": code,
        });
        let example = ExampleBuilder::new().summary(meaning).value(Some(value));
        content
            .examples
            .insert(code.clone(), example.build().into());
    }
    let lines = codes
        .iter()
        .map(|(code, meaning)| format!("- `{code}`: {meaning}"));
    let lines: Vec<_> = lines.collect();
    let mut response = ResponseBuilder::new()
        .description(format!("{title}\n\n{}", lines.join("\n")))
        .content(PROBLEM_JSON, content)
        .build();
    headers::of_problem(status, &mut response);
    response
}

/// The name under which the answer is shared: of its codes, cut where they are many.
fn share(
    status: u16,
    response: Response,
    codes: &BTreeMap<String, String>,
    shared: &mut Components,
) -> String {
    let names: Vec<&str> = codes.keys().map(String::as_str).collect();
    let mut name = format!("{status}.{}", names.join("."));
    if let [first, .., last] = names[..]
        && name.len() > MAX_NAME_LENGTH
    {
        name = format!("{status}.{first}.to.{last}.{}", names.len());
    }
    let response = RefOr::T(response);
    while shared
        .responses
        .get(&name)
        .is_some_and(|other| *other != response)
    {
        name.push_str(".other");
    }
    shared.responses.insert(name.clone(), response);
    name
}
