//! Wire records to domain values and back.

mod events;
mod facts;

pub(crate) use events::{emit, own_event, rate_bps};
pub(crate) use facts::{Unreadable, attribution, plan, refund};
