//! What only the leader runs.

mod closing;
mod crm;
mod keeping;
mod mails;
mod schedule;
mod sender;

pub(crate) use closing::EndClosed;
pub(crate) use crm::CrmCalls;
pub(crate) use keeping::{ForgetRemoved, KeepBounds};
pub(crate) use mails::{Mails, Post};
pub(crate) use sender::Sender;
