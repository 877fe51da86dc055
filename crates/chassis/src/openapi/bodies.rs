//! Answers of types that say themselves what they answer: `utoipa` collects only the schemas that a handler names beside a status.

use utoipa::ToSchema;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response, ResponseBuilder, Schema};

use super::operations_mut;

/// How the media type begins under which an answer carries a schema.
const CARRIED: &str = "schemas/";

/// An answer in JSON. It carries its schema and those that this refers to, until the document is completed.
pub fn answer_of<T: ToSchema>() -> Response {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    carrying(&T::name(), schemas)
}

fn carrying(name: &str, schemas: Vec<(String, RefOr<Schema>)>) -> Response {
    let body = Content::new(Some(Ref::from_schema_name(name)));
    let answer = ResponseBuilder::new().content("application/json", body);
    let carried = schemas.into_iter();
    let answer = carried.fold(answer, |answer, (name, schema)| {
        answer.content(format!("{CARRIED}{name}"), Content::new(Some(schema)))
    });
    answer.build()
}

/// Puts what answers carry among the document's schemas.
pub(super) fn collect(document: &mut OpenApi) {
    let mut schemas = Vec::new();
    for operation in operations_mut(document) {
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                take(response, &mut schemas);
            }
        }
    }
    let components = document.components.get_or_insert_default();
    components.schemas.extend(schemas);
}

fn take(response: &mut Response, schemas: &mut Vec<(String, RefOr<Schema>)>) {
    response.content.retain(|media_type, content| {
        let Some(name) = media_type.strip_prefix(CARRIED) else {
            return true;
        };
        if let RefOr::T(content) = content
            && let Some(schema) = content.schema.take()
        {
            schemas.push((name.to_owned(), schema));
        }
        false
    });
}
