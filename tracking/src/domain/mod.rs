//! Deciders and values: pure. What a link may be, whose a conversion is, and what a refund takes back.

mod access;
mod adopt;
mod attribution;
mod claim;
mod click;
mod command;
mod erasure;
mod event;
mod link;
mod onboarding;
mod order;
mod refund;
mod report;
#[cfg(test)]
mod tests;

pub use access::Access;
pub use adopt::adopt;
pub use attribution::{Candidate, is_inside};
pub use claim::{Claim, ClaimDecision, Claims, DecideClaim, decide_claim};
pub use click::{BindClick, Click, bind_click};
pub use command::{ChangeLink, CreateLink, EventType, Report, TargetUrl, UserHash, Visitor};
pub use erasure::{EraseVisitor, erase_visitor};
pub use event::{Attributed, Event, EventRecorded, Fact, RefundNoted, Unattributed};
pub use link::{Bans, Campaign, Groups, Link, LinkDecision, change_link, create_link};
pub use onboarding::{LinkAnswer, Requested, answer, code_of};
pub use order::{Conversion, NotedRefund, Order, Orders, Status, other_ids};
pub(crate) use report::amount_refused;
pub use report::{Known, record};
pub use schemas::{Rejection, TrackingCode as Code};
pub use types::{ConversionStatus, UnattributedReason, VerifiedBy};
