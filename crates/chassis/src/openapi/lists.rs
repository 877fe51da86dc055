//! Closed lists of names.

use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// A text that is one of these. See [`crate::closed_list`].
pub fn one_of(names: impl IntoIterator<Item = &'static str>, about: &str) -> RefOr<Schema> {
    let names = names.into_iter().map(Value::from);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about.trim()))
        .enum_values(Some(names))
        .into()
}

/// Names the schema of a text that is one of a closed list, from what knows the list:
/// `closed_list!(/** Where it stands. */ PayoutStatus: Status::ALL.map(Status::name))`, then
/// `#[schema(value_type = PayoutStatus)]` on the field.
#[macro_export]
macro_rules! closed_list {
    ($(#[doc = $about:literal])+ $visible:vis $name:ident: $names:expr) => {
        $(#[doc = $about])+
        $visible enum $name {}

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $crate::openapi::one_of($names, concat!($($about),+))
            }
        }

        impl ::utoipa::ToSchema for $name {}
    };
}
