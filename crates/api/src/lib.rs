//! The bodies of public requests: each read once, into what its command carries, at whichever edge it comes in.
//!
//! The bff and the services share them, and so do the documents and the tests of untrusted input: the same bytes are taken
//! and refused everywhere, with the same words.

use std::sync::LazyLock;

use chassis::problem::Problem;

/// Which bodies there are, in the module that has them: of what kind a command each becomes, and which operation takes it, or which two. An
/// operation without a body in documents is not named.
macro_rules! requests {
    ($($body:ident = $kind:literal $(, $operation:literal $(| $more:literal)?)?;)+) => {
        $(impl crate::Request for $body {
            const KIND: &'static str = $kind;
        })+

        pub(crate) const OPERATIONS: &[&str] = &[$($($operation, $($more,)?)?)+];

        pub(crate) fn read_body(operation: &str, json: &[u8]) -> Option<crate::Read> {
            Some(match operation {
                $($($operation $(| $more)? => chassis::json::parse::<$body>(json).map(drop),)?)+
                _ => return None,
            })
        }
    };
}

/// Bodies that say everything by their path, which names what the command is about. In documents each is
/// [`chassis::write::NoBody`].
macro_rules! bodiless {
    ($($(#[$doc:meta])* $body:ident of $id:ident: $record:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields, expecting = "struct NoBody")]
        pub struct $body {}

        impl Check for $body {}

        impl $body {
            /// As a command, of what the path names.
            pub fn command(self, id: $id) -> Written {
                About::of(id, $record {}).write()
            }
        }
    )+};
}

/// Bodies that may name whom they are about.
macro_rules! named {
    ($($field:ident: $id:ident of $($body:ident)+;)+) => {$($(
        impl $body {
            /// Who is named; else it is the caller's own.
            pub fn $field(&self) -> Option<&$id> {
                self.$field.as_ref()
            }
        }
    )+)+};
}

mod base_url;
mod budget;
mod campaign;
mod clicks;
mod either_place;
mod filters;
mod funds;
mod funds_view;
mod groups;
pub mod link_url;
pub mod lists;
mod mail;
mod onboarding;
mod owner;
mod payment;
mod plan;
mod plan_view;
mod process_keys;
mod records;
pub mod redirects;
mod tracking;
pub mod unsubscribe;
pub mod visitor;
mod webhooks;

pub use budget::{BudgetBody, BudgetView};
pub use campaign::*;
pub use clicks::{
    COUNTED_CLICKS, ClicksFilter, ClicksOfDay, ClicksQuestion, CountedClicks, SingleClick,
    SingleClicksFilter,
};
pub use filters::*;
pub use funds::*;
pub use funds_view::*;
pub use groups::*;
pub use mail::*;
pub use onboarding::*;
pub use owner::Owner;
pub use payment::*;
pub use plan::PlanBody;
pub use plan_view::{EarningColumns, PlanView};
pub use records::*;
pub use tracking::*;
pub use webhooks::*;

pub use chassis::write::Request;

/// Whether a body is taken.
type Read = Result<(), Problem>;

/// The operations that take a body.
pub static OPERATIONS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    [
        campaign::OPERATIONS,
        tracking::OPERATIONS,
        payment::OPERATIONS,
        funds::OPERATIONS,
        records::OPERATIONS,
        groups::OPERATIONS,
        webhooks::OPERATIONS,
        mail::OPERATIONS,
        onboarding::OPERATIONS,
    ]
    .concat()
});

/// Reads a body as the operation of that name does, up to where a command is made of it; `None` for an operation without a
/// body. For tests of untrusted input.
#[doc(hidden)]
pub fn read_body(operation: &str, json: &[u8]) -> Option<Read> {
    campaign::read_body(operation, json)
        .or_else(|| tracking::read_body(operation, json))
        .or_else(|| payment::read_body(operation, json))
        .or_else(|| funds::read_body(operation, json))
        .or_else(|| records::read_body(operation, json))
        .or_else(|| groups::read_body(operation, json))
        .or_else(|| webhooks::read_body(operation, json))
        .or_else(|| mail::read_body(operation, json))
        .or_else(|| onboarding::read_body(operation, json))
}
