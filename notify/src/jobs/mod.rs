//! What only the leader runs.

mod closing;
mod crm;
mod dispatcher;
mod erasing;
mod keeping;
mod outbound;
mod resends;
mod schedule;
mod sender;
mod terms;
mod under_way;

use std::time::Duration;

pub(crate) use closing::EndClosed;
pub(crate) use crm::CrmCalls;
pub(crate) use dispatcher::{Dispatcher, OWN_TEXTS_FAILED, Way};
pub(crate) use erasing::EraseRest;
pub(crate) use keeping::{ForgetRemoved, KeepBounds};
pub(crate) use outbound::Mails;
pub(crate) use resends::Resends;
pub(crate) use sender::Sender;
pub(crate) use terms::MailTerms;

/// So long a job goes on with its steps before it looks about.
const STEP: Duration = Duration::from_secs(1);
/// So long, in microseconds, until keys are asked for again that could not be had.
const KEYS_AGAIN: i64 = 5 * 1_000_000;
