//! Schemas, wherever they stand in a document.

use std::collections::BTreeMap;

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, SchemaType};
use utoipa::openapi::{Content, Ref, RefOr, Schema, Type};

/// Schemas by name.
type Named = BTreeMap<String, RefOr<Schema>>;

/// Completes the named schemas; `before` is what they were.
pub(super) fn complete_named(schemas: &mut Named, before: &Named) {
    for schema in schemas.values_mut() {
        parts(schema, before);
    }
}

/// Completes those of an operation's bodies.
pub(super) fn complete(operation: &mut Operation, before: &Named) {
    let mut contents: Vec<&mut RefOr<Content>> = Vec::new();
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        contents.extend(body.content.values_mut());
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            contents.extend(response.content.values_mut());
        }
    }
    for content in contents {
        if let RefOr::T(content) = content
            && let Some(schema) = &mut content.schema
        {
            whole(schema, before);
        }
    }
}

/// What is written out and has a name is referred to: a generic type writes out what it is of.
fn whole(schema: &mut RefOr<Schema>, named: &Named) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
        && let Some((name, _)) = named.iter().find(|(_, other)| *other == schema)
    {
        *schema = RefOr::Ref(Ref::from_schema_name(name));
        return;
    }
    parts(schema, named);
}

fn parts(schema: &mut RefOr<Schema>, named: &Named) {
    let RefOr::T(schema) = schema else {
        return;
    };
    match schema {
        Schema::Object(object) => {
            for property in object.properties.values_mut() {
                whole(property, named);
            }
            match object.additional_properties.as_deref_mut() {
                Some(AdditionalProperties::RefOr(of)) => whole(of, named),
                // An object of which nothing is said may hold anything: some generators take it for an empty one.
                None if may_be_object(&object.schema_type) && object.properties.is_empty() => {
                    let anything = AdditionalProperties::FreeForm(true);
                    object.additional_properties = Some(Box::new(anything));
                }
                Some(AdditionalProperties::FreeForm(_)) | None => {}
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                whole(items, named);
            }
        }
        Schema::OneOf(one_of) => one_of.items.iter_mut().for_each(|it| whole(it, named)),
        Schema::AllOf(all_of) => all_of.items.iter_mut().for_each(|it| whole(it, named)),
        Schema::AnyOf(any_of) => any_of.items.iter_mut().for_each(|it| whole(it, named)),
        _ => {}
    }
}

fn may_be_object(kind: &SchemaType) -> bool {
    match kind {
        SchemaType::Type(kind) => *kind == Type::Object,
        SchemaType::Array(kinds) => kinds.contains(&Type::Object),
        SchemaType::AnyValue => false,
    }
}
