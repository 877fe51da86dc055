//! Parameters that may be left out.

use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{OneOf, SchemaType};
use utoipa::openapi::{RefOr, Schema, Type};

/// A parameter that is there is never null, whatever the type says that reads it.
pub(super) fn complete(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(Parameter {
            schema: Some(schema),
            ..
        }) = parameter
        {
            without_null(schema);
        }
    }
}

fn without_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|it| *it != Type::Null);
                if let [only] = &types[..] {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
        }
        RefOr::T(Schema::OneOf(OneOf { items, .. })) => {
            items.retain(|item| !is_null(item));
            if items.len() == 1
                && let Some(only) = items.pop()
            {
                *schema = only;
            }
        }
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
