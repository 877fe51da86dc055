//! What campaign decides: who owns a campaign, which terms are in force, who is in. Pure: values in, events out.
//!
//! Every decision comes to exactly one event, so [`decide`] returns one, and none can be empty.

mod api_key;
mod ban;
mod campaign;
mod change;
mod command;
mod decide;
mod enrollment;
mod event;
mod evidence;
mod funds;
mod group;
mod onboarding;
mod react;
mod records;
mod terms;

#[cfg(test)]
mod tests;

pub use api_key::{ApiKey, Rotation};
pub use ban::Ban;
pub use campaign::{Campaign, Enrollment, Place, Terms};
pub use command::{
    Actor, CampaignChange, Change, Command, Context, Edit, Fact, Review, Step, View,
};
pub use decide::decide;
pub use event::{Event, Rows, TermsPublished};
pub use evidence::{Evidence, FileHash};
pub use group::{Group, GroupChange, MAX_GROUPS, Membership};
pub use onboarding::{answer, command_of};
pub use react::react;
pub use records::{Brand, BrandChange, Partner, PartnerChange};
pub use schemas::{CampaignCode as Code, Rejection};
