//! What is asked of mail addresses and numbers, and what the senders found of mails and texts.

use schemas::{
    About, ChangeContactV1, ChangeMailTemplateV1, ConcludeMailV1, ContactAddress, ContactChangedV1,
    Header, MailTemplateChangedV1, UnsubscribeV1, WireContactAddress,
};
use types::{BrandId, Channel, MailFailure, MailGroup, MailLanguage, MailTemplateId};

use super::{about, at, from_people, owner};
use crate::domain::{Code, Command, Concluded, Rejection};
use crate::mail::{self, Draft};

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
    let numbers = wire.numbers.as_deref().unwrap_or_default();
    let numbers = read(numbers, ("numbers", "number"))?;
    let new = ContactChangedV1 {
        brand_id: owner.brand().cloned(),
        partner_id: owner.partner().cloned(),
        addresses: read(&wire.addresses, ("addresses", "address"))?,
        numbers: Some(numbers).filter(|numbers| !numbers.is_empty()),
    };
    let new = Box::new(About::of(contact, new));
    Ok(Command::ChangeContact { new, owner })
}

/// Who may do it has shown the link to the bff: no producer has one.
pub(super) fn unsubscribe(header: &Header, wire: &UnsubscribeV1) -> Result<Command, Rejection> {
    from_people(header)?;
    about(header, &header.key)?;
    let group = MailGroup::parse(&wire.group).ok_or("is none that is known");
    Ok(Command::Unsubscribe {
        contact: header.key.parse().map_err(at(""))?,
        address: wire.address_id.parse().map_err(at("/address_id"))?,
        group: group.map_err(at("/group"))?,
    })
}

/// A brand's own text, or ours again. One of which no mail can be made is refused, so that none is found so when a mail is made.
pub(super) fn change_template(
    header: &Header,
    wire: &ChangeMailTemplateV1,
) -> Result<Command, Rejection> {
    from_people(header)?;
    let brand: BrandId = wire.brand_id.parse().map_err(at("/brand_id"))?;
    let language = MailLanguage::parse(&wire.language).ok_or("is none that is known");
    let language = language.map_err(at("/language"))?;
    let template = MailTemplateId::of(&brand, &wire.kind, language);
    about(header, template.as_str())?;
    about(header, &header.key)?;
    let kind = mail::kind_of(&wire.kind).filter(|it| it.variables().is_some());
    let kind = kind.ok_or("is none of which brands write their own text");
    let kind = kind.map_err(at("/kind"))?;
    let sealed = (wire.sealed_subject.as_deref(), wire.sealed_text.as_deref());
    if sealed != (None, None) {
        let draft = Draft::open_parts(&template, sealed).ok_or("cannot be opened");
        let sample = kind.sample().unwrap_or_default();
        let draft = draft.map_err(at("/text"))?;
        let previewed = draft.preview(kind, language, &brand, &sample);
        previewed.map_err(|it| Rejection::of(it.pointer, Code::MailTemplateInvalid, it.detail))?;
    }
    let new = MailTemplateChangedV1 {
        brand_id: brand,
        kind: wire.kind.clone(),
        language,
        sealed_subject: wire.sealed_subject.clone(),
        sealed_text: wire.sealed_text.clone(),
    };
    let new = Box::new(About::of(template, new));
    Ok(Command::ChangeMailTemplate(new))
}

/// Addresses or numbers, of a list of this name whose items have what is sealed in a field of that name.
fn read(
    wire: &[WireContactAddress],
    (list, sealed): (&str, &str),
) -> Result<Vec<ContactAddress>, Rejection> {
    let read = wire.iter().enumerate().map(|(index, address)| {
        let at = |field: &str| {
            let pointer = format!("/{list}/{index}/{field}");
            let detail = "the command cannot be read: it is none that is known";
            Rejection::of(pointer, Code::Unreadable, detail)
        };
        if !(1..=MAX_SEALED_LENGTH).contains(&address.sealed_address.len()) {
            return Err(at(sealed));
        }
        let groups = address.groups.iter().map(|name| MailGroup::parse(name));
        Ok(ContactAddress {
            sealed_address: address.sealed_address.clone(),
            language: MailLanguage::parse(&address.language).ok_or_else(|| at("language"))?,
            groups: groups.collect::<Option<_>>().ok_or_else(|| at("groups"))?,
        })
    });
    read.collect()
}

pub(super) fn conclude(header: &Header, wire: &ConcludeMailV1) -> Result<Command, Rejection> {
    about(header, &header.key)?;
    let failure = wire.failure.as_deref();
    let failure = failure.map(|name| MailFailure::parse(name).ok_or("is none that is known"));
    let channel = wire.channel.as_deref();
    let channel = channel.map(|name| Channel::parse(name).ok_or("is none that is known"));
    Ok(Command::Conclude(Box::new(Concluded {
        mail: header.key.parse().map_err(at(""))?,
        owner: owner(wire.brand_id.as_deref(), wire.partner_id.as_deref())?,
        kind: wire.kind.clone(),
        event_id: wire.event_id.parse().map_err(at("/event_id"))?,
        failure: failure.transpose().map_err(at("/failure"))?,
        smtp_status: wire.smtp_status,
        channel: channel
            .transpose()
            .map_err(at("/channel"))?
            .unwrap_or(Channel::Mail),
    })))
}
