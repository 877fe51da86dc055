//! What payment decides: who owns which money, and what becomes of a payout. Pure: values in, events out.
//!
//! Every decision comes to exactly one event, so [`decide`] and [`react`] return one, and none can be empty. What follows from
//! it by itself is a second one: [`consequence`].

mod account;
mod command;
mod decide;
mod event;
mod funds;
mod ledger;
mod payout;
mod react;
mod statement;

#[cfg(test)]
mod tests;

pub use account::{Account, AccountType, Balance};
pub use command::{Actor, Answer, Command, Context, Fact, PayoutAt, PayoutRequest, status_of};
pub use decide::decide;
pub(crate) use decide::{partner_unknown, payout_unknown};
pub use event::{Cause, Event, Funding, Note, Posting, Transfer};
pub use funds::{
    BankTransfer, FUNDED_AT_ONCE, FundsCommand, Owed, Progress, Terms, Waiting, Way, consequences,
};
pub(crate) use funds::{brand_unknown, owed_by, unknown, waits_at};
pub use ledger::{ANNOUNCED_LIMIT, BALANCE_LIMIT, Ledger, PostError, Stamp, evolve};
pub use payout::{
    Begins, KEY_LIFETIME_SECONDS, MAX_STEP_SECONDS, Method, Next, Payout, Status, Transitions,
};
pub use react::react;
pub use schemas::{PaymentCode as Code, Rejection, StatementLine};
pub use statement::{Counted, Stated};
