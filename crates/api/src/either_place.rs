//! Fields that may stand beside `metadata` or inside it.

use std::fmt::Display;

use chassis::json::MetadataError;
use chassis::problem::Fields;

/// A field as it stands beside metadata, inside it, or in both places.
pub(crate) struct EitherPlace<'a, T> {
    /// Beside and inside, as JSON pointers.
    pub(crate) places: [&'static str; 2],
    pub(crate) beside: Option<&'a T>,
    pub(crate) inside: Result<Option<T>, MetadataError>,
}

impl<T> EitherPlace<'_, T> {
    /// The one value that it says, noting what is wrong where it stands.
    pub(crate) fn one<V: PartialEq, E: Display>(
        self,
        fields: &mut Fields,
        parse: impl Fn(&T) -> Result<V, E>,
    ) -> Option<V> {
        let [beside, inside] = self.places;
        let held = fields.take(inside, self.inside).flatten();
        let held = held.and_then(|held| fields.take(inside, parse(&held)));
        let own = self.beside.and_then(|own| fields.take(beside, parse(own)));
        if let (Some(own), Some(held)) = (&own, &held)
            && own != held
        {
            fields.refuse(
                inside,
                "differs from the field of this name beside metadata",
            );
        }
        own.or(held)
    }
}
