//! What payment decides: who owns which money, and what becomes of a payout. Pure: values in, events out.
//!
//! Every decision comes to exactly one event, so [`decide`] and [`react`] return one, and none can be empty.

mod account;
mod books;
mod command;
mod decide;
mod event;
mod evolve;
mod payout;
mod react;
mod rejection;

#[cfg(test)]
mod tests;

pub use account::{Account, Balance, Pot};
pub use books::{BALANCE_LIMIT, Books, PostError};
pub use command::{Actor, Answer, Command, Context, Fact, PayoutAt, PayoutRequest, Standing};
pub use decide::decide;
pub use event::{Cause, Event, Note, Posting, Transfer};
pub use evolve::{Stamp, evolve};
pub use payout::{KEY_LIFETIME_SECONDS, Method, Payout, Status};
pub use react::react;
pub use rejection::Rejection;
