//! What campaign decides: who owns a campaign, which terms are in force, who is in. Pure: values in, events out.
//!
//! Every decision comes to exactly one event, so [`decide`] returns one, and none can be empty.

mod campaign;
mod command;
mod decide;
mod event;
mod plan;
mod rejection;
mod values;

#[cfg(test)]
mod tests;

pub use campaign::{Campaign, Enrollment, Evidence, Place, Status, Terms};
pub use command::{Actor, Command, Context, View};
pub use decide::decide;
pub use event::{Event, NewCampaign, NewEvidence};
pub use plan::{Earning, HoldDays, Plan, WindowDays};
pub use rejection::Rejection;
pub use values::{
    CampaignName, EvidenceType, HostName, Hosts, Invalid, TermsText, TermsVersion, UrlHash,
};
