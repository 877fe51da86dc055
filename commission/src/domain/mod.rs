//! What commission decides: what a conversion earns, when it is earned for good, and what a refund takes back. Pure:
//! values in, events out.
//!
//! Every decision comes to exactly one event, so none can be empty.

mod commission;
mod decide;
mod event;
mod plan;

#[cfg(test)]
mod tests;

pub use commission::{Commission, Status};
pub use decide::{Fact, PLAN_WAIT_SECONDS, Reaction, Release, calculate, release_hold, reverse};
pub use event::{Basis, Calculated, CalculatedStatus, Event, Parties, PlanAdopted, Suspense};
pub use plan::{Plan, PlanKey};
pub use schemas::{CommissionCode as Code, Rejection};
