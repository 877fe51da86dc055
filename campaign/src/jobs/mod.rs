//! What only the leader runs.

mod ends;
mod funds;

pub(crate) use ends::EndCampaigns;
pub(crate) use funds::FollowFunds;
