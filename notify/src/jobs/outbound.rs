//! The ways of sending.

use std::time::Duration;

use lettre::message::Mailbox;
use sealing::texts;
use types::{Channel, ContactId, MailAddress, PhoneNumber};

use super::dispatcher::Outbound;
use crate::mail::{self, Answer, Outgoing, Rendered, Server};
use crate::text::Twilio;

/// Mails by a server, from this sender.
pub(crate) struct Mails {
    pub(crate) server: Server,
    pub(crate) from: Mailbox,
}

impl Outbound for Mails {
    const CHANNEL: Channel = Channel::Mail;
    const JOB: &'static str = "mails";
    type To = MailAddress;

    fn belongs_to(contact: &ContactId) -> String {
        texts::of_mail_addresses(contact)
    }

    fn read(opened: &str) -> Option<MailAddress> {
        MailAddress::parse(opened).ok()
    }

    fn masked(to: &MailAddress) -> String {
        to.masked()
    }

    fn timeout(&self) -> Duration {
        self.server.timeout()
    }

    /// Its `Message-ID` is made of its id.
    async fn send(&self, id: &str, to: &MailAddress, rendered: &Rendered) -> Answer {
        let outgoing = Outgoing {
            id,
            from: &self.from,
            to,
            rendered,
        };
        match mail::message(&outgoing) {
            Ok(message) => self.server.send(&message).await,
            Err(error) => {
                tracing::error!(mail = id, error, "a mail cannot be written");
                Answer::Later {
                    why: "it cannot be written",
                    code: None,
                }
            }
        }
    }
}

impl Outbound for Twilio {
    const CHANNEL: Channel = Channel::Text;
    const JOB: &'static str = "texts";
    type To = PhoneNumber;

    fn belongs_to(contact: &ContactId) -> String {
        texts::of_phone_numbers(contact)
    }

    fn read(opened: &str) -> Option<PhoneNumber> {
        PhoneNumber::parse(opened).ok()
    }

    fn masked(to: &PhoneNumber) -> String {
        to.masked()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The provider takes no id of ours: what it took and did not say so is sent again.
    async fn send(&self, _id: &str, to: &PhoneNumber, rendered: &Rendered) -> Answer {
        self.send(to, &rendered.text).await
    }
}
