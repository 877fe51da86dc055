//! What the derives leave out and every document needs, said once.

use std::collections::BTreeSet;

use serde_json::Value;
use types::ApiKeyScope;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Content, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Server,
};

use super::answers::{self, Refusals, name_of};
use super::headers::{self, takes};
use super::{API_KEY, bodies, lists_as_csv, operations_mut, parameters, schemas, tags};
use crate::idempotency::IDEMPOTENCY_KEY;
use crate::prefer::PREFER;
use crate::problem::{ProblemBody, code};

/// The name of the shared answer that no handler gives.
const HEAD_TOO_LARGE: &str = "431.head_too_large";

/// What a service refuses a command with, by status.
const REFUSED: [&str; 5] = ["400", "403", "404", "409", "422"];

/// Completes a document, made of whatever parts; one that is complete stays as it is.
pub(super) fn complete(document: &mut OpenApi) {
    document.servers.get_or_insert_with(|| {
        let mut server = Server::new("/");
        server.description = Some("Where this document is served".to_owned());
        vec![server]
    });
    bodies::collect(document);
    let mut components = document.components.take().unwrap_or_default();
    if operations_mut(document).any(|operation| states(operation, API_KEY)) {
        components.add_security_scheme(API_KEY, api_key());
    }
    let before = components.clone();
    components.responses.clear();
    schemas::complete_named(&mut components.schemas, &before.schemas);
    let (mut codes, mut used_tags) = (BTreeSet::new(), BTreeSet::new());
    let (mut used_headers, mut waited_for) = (BTreeSet::new(), BTreeSet::new());
    codes.insert(code::METHOD_NOT_ALLOWED.name.to_owned());
    for operation in operations_mut(document) {
        // None at all is said by an empty list.
        operation.security.get_or_insert_default();
        used_tags.extend(operation.tags.iter().flatten().cloned());
        let mut refusals = Refusals::take(&mut operation.responses, &before);
        refusals.add(answers::before(operation));
        lists_as_csv::offer(operation, &before.schemas);
        headers::of_operation(operation, &before.schemas);
        parameters::complete(operation);
        schemas::complete(operation, &before.schemas);
        for (status, response) in &mut operation.responses.responses {
            used_headers.extend(header_names(response));
            if let RefOr::T(response) = response {
                describe(status, response, &before);
            }
        }
        let takes_no_body = takes(operation, IDEMPOTENCY_KEY);
        if let Some(RefOr::T(body)) = &mut operation.request_body
            && takes_no_body
            && body.content.values().any(|it| says_nothing(it, &before))
        {
            body.required = Some(Required::False);
        }
        codes.extend(refusals.names().cloned());
        refusals.put(&mut operation.responses, &mut components);
        if takes(operation, PREFER) {
            waited_for.extend(refused_outcomes(operation));
        }
        let reference = RefOr::Ref(Ref::from_response_name(HEAD_TOO_LARGE));
        let responses = &mut operation.responses.responses;
        responses.insert("431".to_owned(), reference);
    }
    let head =
        "The request's line and headers are too long, or there are too many. Without a body.";
    let head = ResponseBuilder::new().description(head).build();
    components
        .responses
        .insert(HEAD_TOO_LARGE.to_owned(), head.into());
    for name in waited_for {
        if let Some(RefOr::T(response)) = components.responses.get_mut(&name) {
            headers::of_outcome(response);
        }
    }
    for response in components.responses.values() {
        used_headers.extend(header_names(response));
    }
    headers::share(&used_headers, &mut components);
    close_codes(&mut components, codes);
    document.components = Some(components);
    tags::describe(document, &used_tags);
}

/// Whether the operation can be asked by the security scheme of this name.
fn states(operation: &Operation, scheme: &str) -> bool {
    let security = serde_json::to_value(&operation.security).unwrap_or_default();
    let mut ways = security.as_array().into_iter().flatten();
    ways.any(|way| way.get(scheme).is_some())
}

/// How an API key is shown, and what its scopes are.
fn api_key() -> SecurityScheme {
    let scopes: Vec<_> = ApiKeyScope::ALL.map(ApiKeyScope::name).into();
    let about = format!(
        "An API key of a brand, as a bearer token: `trib_…`. What it needs for an operation is a scope of: {}. An operation that names \
         none takes every key; one without this scheme takes no key.",
        scopes.join(", ")
    );
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    SecurityScheme::Http(scheme.description(Some(about)).build())
}

/// The shared answers by which an operation that waits may report that its command was refused.
fn refused_outcomes(operation: &Operation) -> impl Iterator<Item = String> {
    let responses = operation.responses.responses.iter();
    let refused = responses.filter(|(status, _)| REFUSED.contains(&status.as_str()));
    refused.filter_map(|(_, response)| match response {
        RefOr::Ref(reference) => name_of(reference).map(str::to_owned),
        RefOr::T(_) => None,
    })
}

/// The shared headers that an answer refers to.
fn header_names(response: &RefOr<Response>) -> impl Iterator<Item = String> {
    let headers = match response {
        RefOr::T(response) => Some(&response.headers),
        RefOr::Ref(_) => None,
    };
    let headers = headers.into_iter().flatten();
    let shared = headers.filter(|(_, header)| matches!(header, RefOr::Ref(_)));
    shared.map(|(name, _)| name.clone())
}

/// Whether `{}` is a body of this form: a write takes none at all for that.
fn says_nothing(content: &RefOr<Content>, known: &Components) -> bool {
    let RefOr::T(content) = content else {
        return false;
    };
    let named = schema_name(content).and_then(|name| known.schemas.get(name));
    matches!(named, Some(RefOr::T(Schema::Object(object)))
        if object.required.is_empty() && object.min_properties.is_none())
}

/// The name of the schema that a content refers to.
pub(super) fn schema_name(content: &Content) -> Option<&str> {
    match &content.schema {
        Some(RefOr::Ref(reference)) => name_of(reference),
        _ => None,
    }
}

/// Says what an answer is, where its handler does not: what its schema says of itself.
fn describe(status: &str, response: &mut Response, components: &Components) {
    if !response.description.is_empty() {
        return;
    }
    let content = response.content.values().next();
    let name = match content {
        Some(RefOr::T(content)) => schema_name(content),
        _ => None,
    };
    let about = name.and_then(|name| match components.schemas.get(name) {
        Some(RefOr::T(schema)) => about(schema),
        _ => None,
    });
    let about = about.unwrap_or(match status {
        "202" => "Taken, and not done yet",
        "204" => "Done; there is nothing to return",
        _ => "Done",
    });
    response.description = about.lines().next().unwrap_or(about).to_owned();
}

fn about(schema: &Schema) -> Option<&str> {
    let about = match schema {
        Schema::Object(object) => object.description.as_deref(),
        Schema::Array(array) => array.description.as_deref(),
        Schema::OneOf(one_of) => one_of.description.as_deref(),
        Schema::AllOf(all_of) => all_of.description.as_deref(),
        _ => None,
    };
    about.filter(|about| !about.is_empty())
}

/// The list of a problem's codes is closed: those of the document's operations, and of what is asked of no operation.
fn close_codes(components: &mut Components, codes: BTreeSet<String>) {
    let problem = components.schemas.get_mut(ProblemBody::name().as_ref());
    if let Some(RefOr::T(Schema::Object(problem))) = problem
        && let Some(RefOr::T(Schema::Object(code))) = problem.properties.get_mut("code")
    {
        code.enum_values = Some(codes.into_iter().map(Value::from).collect());
    }
}
