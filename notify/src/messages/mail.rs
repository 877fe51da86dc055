//! What is asked of mail addresses, and what the sender found of mails.

use schemas::{About, ChangeContactV1, ConcludeMailV1, ContactAddress, ContactChangedV1, Header};
use types::{MailFailure, MailGroup, MailLanguage};

use super::{about, at, from_people, owner};
use crate::domain::{Code, Command, Concluded, Rejection};

/// The longest sealed address, in base64.
const MAX_SEALED_LENGTH: usize = 512;

pub(super) fn change_contact(
    header: &Header,
    wire: &ChangeContactV1,
) -> Result<Command, Rejection> {
    from_people(header)?;
    let owner = owner(wire.brand_id.as_deref(), wire.partner_id.as_deref())?;
    let contact = owner.contact();
    about(header, contact.as_str())?;
    about(header, &header.key)?;
    let mut addresses = Vec::new();
    for (index, address) in wire.addresses.iter().enumerate() {
        let at = |field: &str| {
            let pointer = format!("/addresses/{index}/{field}");
            let detail = "the command cannot be read: it is none that is known";
            Rejection::of(pointer, Code::Unreadable, detail)
        };
        let is_sealed = (1..=MAX_SEALED_LENGTH).contains(&address.sealed_address.len());
        let groups = address.groups.iter().map(|name| MailGroup::parse(name));
        addresses.push(ContactAddress {
            sealed_address: address.sealed_address.clone(),
            language: MailLanguage::parse(&address.language).ok_or_else(|| at("language"))?,
            groups: groups.collect::<Option<_>>().ok_or_else(|| at("groups"))?,
        });
        if !is_sealed {
            return Err(at("address"));
        }
    }
    let new = ContactChangedV1 {
        brand_id: owner.brand().cloned(),
        partner_id: owner.partner().cloned(),
        addresses,
    };
    let new = Box::new(About::of(contact, new));
    Ok(Command::ChangeContact { new, owner })
}

pub(super) fn conclude(header: &Header, wire: &ConcludeMailV1) -> Result<Command, Rejection> {
    about(header, &header.key)?;
    let failure = wire.failure.as_deref();
    let failure = failure.map(|name| MailFailure::parse(name).ok_or("is none that is known"));
    Ok(Command::Conclude(Box::new(Concluded {
        mail: header.key.parse().map_err(at(""))?,
        owner: owner(wire.brand_id.as_deref(), wire.partner_id.as_deref())?,
        kind: wire.kind.clone(),
        event_id: wire.event_id.parse().map_err(at("/event_id"))?,
        failure: failure.transpose().map_err(at("/failure"))?,
        smtp_status: wire.smtp_status,
    })))
}
