//! Closed lists of names.

use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// A text that is one of these. See [`crate::closed_lists`].
pub fn one_of(names: impl IntoIterator<Item = &'static str>, about: &str) -> RefOr<Schema> {
    let names = names.into_iter().map(Value::from);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(about.trim()))
        .enum_values(Some(names))
        .into()
}

/// Names the schemas of texts that are of closed lists, each from what knows the list: `/** Where it stands. */ PayoutStatus of Status;`
/// of one that [`types::names!`] made, or `RejectionName: rejection_names();`. Then `#[schema(value_type = PayoutStatus)]` on the field.
#[macro_export]
macro_rules! closed_lists {
    ($($(#[doc = $about:literal])+ $visible:vis $name:ident $(of $list:ty)? $(: $names:expr)?;)+) => {$(
        $(#[doc = $about])+
        $visible enum $name {}

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $crate::openapi::one_of($(<$list>::ALL.map(<$list>::name))? $($names)?, concat!($($about),+))
            }
        }

        impl ::utoipa::ToSchema for $name {}
    )+};
}
