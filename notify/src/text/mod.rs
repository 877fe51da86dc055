//! Texts: how they are sent. What they say stands beside mails.

mod settings;
mod twilio;

pub(crate) use settings::read_texts;
pub(crate) use twilio::Twilio;
