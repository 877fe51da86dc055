//! The SQL of tracking, one file per table: set-based, the states under the writer lock, the clicks beside it.

pub mod api_keys;
pub mod bans;
pub mod campaigns;
pub mod candidates;
pub mod claims;
pub mod click_counts;
pub(crate) mod click_sums;
pub mod clicks;
mod conversion_row;
pub mod conversions;
pub mod erasures;
pub mod groups;
pub mod links;
pub mod notes;
pub mod single_clicks;
pub mod tracking_events;

use types::{ConversionId, Uuid};

/// Conversion ids are UUIDs: stored as such.
pub(crate) fn uuid(id: &ConversionId) -> Result<Uuid, sqlx::Error> {
    Uuid::parse_str(id.as_str()).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// A stored text that is no longer what it was checked to be.
pub(crate) fn unreadable(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("a stored {what} cannot be read").into())
}
