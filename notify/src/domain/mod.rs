//! What notify decides: which webhook endpoints and mail addresses there are, what is done with applications, and what is asked of all that. Pure: values in, events out.

mod command;
mod contact;
mod decide;
mod endpoint;
mod event;
mod mail_template;
mod workflow;

#[cfg(test)]
mod tests;

pub use command::{Actor, Change, Command, Context, Resend, View};
pub use contact::{Concluded, Contact, forget_contact};
pub use decide::{decide, decide_all, forget};
pub use endpoint::{Endpoint, Owner, Place, SENDER, give_up_id};
pub use event::Event;
pub use mail_template::MailTemplate;
pub use schemas::{NotifyCode as Code, Rejection};
pub use workflow::*;
