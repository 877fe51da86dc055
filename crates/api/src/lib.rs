//! The bodies of public requests: each read once, into what its command carries, at whichever edge it comes in.
//!
//! The bff and the services share them, and so do the documents and the tests of untrusted input: the same bytes are taken
//! and refused everywhere, with the same words.

mod campaign;
mod either_place;
mod payment;
mod plan;
mod tracking;

use chassis::json::{Check, parse};
use chassis::problem::Problem;
use chassis::write::NoBody;

pub use campaign::{AcceptCampaign, CreateCampaign, PublishTerms, SubmitEvidence, activate};
pub use payment::{AccountDetails, PaymentMethod, RequestPayout};
pub use plan::PlanBody;
pub use tracking::{CreateLink, RecordEvent};

/// A body that becomes a command of one kind.
pub trait Request: Check {
    /// The command's `type`.
    const KIND: &'static str;
}

macro_rules! requests {
    ($($body:ident = $kind:literal, $operation:literal;)+) => {
        $(impl Request for $body {
            const KIND: &'static str = $kind;
        })+

        /// The operations that take a body.
        pub const OPERATIONS: &[&str] = &[$($operation),+];

        /// Reads a body as the operation of that name does, up to where a command is made of it; `None` for an operation
        /// without a body. For tests of untrusted input.
        #[doc(hidden)]
        pub fn read_body(operation: &str, json: &[u8]) -> Option<Result<(), Problem>> {
            Some(match operation {
                $($operation => parse::<$body>(json).map(drop),)+
                _ => return None,
            })
        }
    };
}

requests! {
    CreateCampaign = "campaign.create.command.v1", "create_campaign";
    NoBody = "campaign.activate.command.v1", "activate_campaign";
    PublishTerms = "campaign.publish_terms.command.v1", "publish_terms";
    AcceptCampaign = "campaign.accept.command.v1", "accept_campaign";
    SubmitEvidence = "campaign.submit_evidence.command.v1", "submit_evidence";
    CreateLink = "tracking.create_link.command.v1", "create_link";
    RecordEvent = "tracking.record_event.command.v1", "record_event";
    RequestPayout = "payment.request_payout.command.v1", "request_payout";
}
