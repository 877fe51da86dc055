//! A mail as it goes to a server.

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use types::MailAddress;

use super::Rendered;

/// What is sent where to.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    /// The mail's id: its `Message-ID` is made of it, the same each time that it is sent.
    pub(crate) id: &'a str,
    pub(crate) from: &'a Mailbox,
    pub(crate) to: &'a MailAddress,
    pub(crate) rendered: &'a Rendered,
}

/// A message of both forms. The error says nothing of its address.
pub(crate) fn message(outgoing: &Outgoing) -> Result<Message, &'static str> {
    let to = outgoing.to.as_str().parse();
    let to = Mailbox::new(None, to.map_err(|_| "its address cannot be written")?);
    let domain = outgoing.from.email.domain();
    let Rendered {
        subject,
        text,
        html,
        unsubscribe,
    } = outgoing.rendered;
    let mut builder = Message::builder();
    if let Some(url) = unsubscribe {
        // RFC 2369, and RFC 8058: a mailbox provider may do it with one click.
        for (name, value) in [
            ("List-Unsubscribe", format!("<{url}>")),
            (
                "List-Unsubscribe-Post",
                "List-Unsubscribe=One-Click".to_owned(),
            ),
        ] {
            builder = builder.raw_header(header(name, value));
        }
    }
    builder
        .from(outgoing.from.clone())
        .to(to)
        .subject(subject.as_str())
        .message_id(Some(format!("<{}@{domain}>", outgoing.id)))
        // No answers of machines, such as that somebody is away (RFC 3834).
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
        .multipart(MultiPart::alternative_plain_html(
            text.clone(),
            html.clone(),
        ))
        .map_err(|_| "it cannot be written")
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}
