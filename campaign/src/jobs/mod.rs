//! What only the leader runs.

mod ends;

pub(crate) use ends::EndCampaigns;
