//! The mail addresses and numbers of a brand or a partner, and how events change them.

use schemas::{About, ContactAddress, ContactChangedV1, ContactUnsubscribedV1};
use types::{
    Channel, ContactId, MAX_MAIL_ADDRESSES, MAX_PHONE_NUMBERS, MailFailure, MailGroup, MailId,
    Micros, Uuid, ids,
};

use super::{Actor, Code, Event, Owner, Place, Rejection};

/// The mail addresses and numbers of a brand or a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Of each owner one.
    pub id: ContactId,
    /// Whose.
    pub owner: Owner,
    /// All of them.
    pub addresses: Vec<ContactAddress>,
    /// All that texts are sent to.
    pub numbers: Vec<ContactAddress>,
    /// When their owner gave them, and so they were sealed.
    pub changed_at: Micros,
    /// Where it stands in lists.
    pub position: i64,
}

impl Contact {
    /// What an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        match event {
            Event::ContactChanged(it) => Some(Self {
                id: it.subject.clone(),
                owner: Owner::of(it.brand_id.clone(), it.partner_id.clone())?,
                addresses: it.addresses.clone(),
                numbers: it.numbers.clone().unwrap_or_default(),
                changed_at: place.time,
                position: before.map_or(place.position, |before| before.position),
            }),
            Event::Unsubscribed(it) => Some(before?.without(&it.record)),
            _ => before,
        }
    }

    /// What is left when an address is not sent mails of a group any more. One that is sent nothing is none of them. All are sealed as they were.
    fn without(mut self, ended: &ContactUnsubscribedV1) -> Self {
        let mut addresses = std::mem::take(&mut self.addresses);
        for it in &mut addresses {
            if self.address_id(Channel::Mail, &it.sealed_address) == ended.address_id {
                it.groups.retain(|wanted| *wanted != ended.group);
            }
        }
        addresses.retain(|it| !it.groups.is_empty());
        Self { addresses, ..self }
    }

    /// The addresses and numbers, of these channels, that are sent what is of a group.
    pub fn wanting<'a>(
        &'a self,
        channels: &'a [Channel],
        group: MailGroup,
    ) -> impl Iterator<Item = (Channel, Uuid)> + 'a {
        channels.iter().flat_map(move |&channel| {
            let wanting = self.of(channel).iter();
            let wanting = wanting.filter(move |it| it.groups.contains(&group));
            wanting.map(move |it| (channel, self.address_id(channel, &it.sealed_address)))
        })
    }

    /// The address or number of that id, while it is one of these.
    pub fn address(&self, channel: Channel, id: Uuid) -> Option<&ContactAddress> {
        let mut all = self.of(channel).iter();
        all.find(|it| self.address_id(channel, &it.sealed_address) == id)
    }

    /// All that are sent something by this channel.
    pub fn of(&self, channel: Channel) -> &[ContactAddress] {
        match channel {
            Channel::Mail => &self.addresses,
            Channel::Text => &self.numbers,
        }
    }

    /// Which one is sealed so: the same one that the same edge sealed under the same key is the same.
    pub fn address_id(&self, channel: Channel, sealed: &str) -> Uuid {
        let namespace = match channel {
            Channel::Mail => "mail-address",
            Channel::Text => "phone-number",
        };
        ids::derive(&[namespace, self.id.as_str(), sealed])
    }
}

impl Owner {
    /// Its mail addresses.
    pub fn contact(&self) -> ContactId {
        match self {
            Self::Brand(brand) => ContactId::of_brand(brand),
            Self::Partner(partner) => ContactId::of_partner(partner),
        }
    }
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concluded {
    /// Which.
    pub mail: MailId,
    /// To whom.
    pub owner: Owner,
    /// What it is about, as the type of its event.
    pub kind: String,
    /// Its event.
    pub event_id: Uuid,
    /// Why it was not sent; absent: it was.
    pub failure: Option<MailFailure>,
    /// The reply code of the server that refused it.
    pub smtp_status: Option<i32>,
    /// By which way it went.
    pub channel: Channel,
}

/// An owner's addresses are these.
pub(super) fn change(
    before: Option<&Contact>,
    new: &About<ContactChangedV1>,
    owner: &Owner,
    actor: &Actor,
) -> Result<About<ContactChangedV1>, Rejection> {
    if !actor.is(owner) {
        return Err(unknown(owner));
    }
    check_each(&new.addresses, ("addresses", "address"), MAX_MAIL_ADDRESSES)?;
    let numbers = new.numbers.as_deref().unwrap_or_default();
    check_each(numbers, ("numbers", "number"), MAX_PHONE_NUMBERS)?;
    let is_texted =
        |it: &ContactAddress| !it.groups.is_empty() && it.groups.iter().all(|it| it.is_texted());
    if let Some(index) = numbers.iter().position(|it| !is_texted(it)) {
        let pointer = format!("/numbers/{index}/groups");
        let detail = "texts are about money and security alone";
        return Err(Rejection::of(pointer, Code::InvalidField, detail));
    }
    let arrives = |group| new.addresses.iter().any(|it| it.groups.contains(&group));
    let mut obligatory = MailGroup::ALL.into_iter().filter(|it| it.is_obligatory());
    let missed = obligatory.find(|group| !arrives(*group));
    if let Some(missed) = missed.filter(|_| !new.addresses.is_empty()) {
        let detail = format!("one address must be sent mails about {}", missed.name());
        return Err(Rejection::of("/addresses", Code::InvalidField, detail));
    }
    let none = new.addresses.is_empty() && numbers.is_empty();
    let same = before.map_or(none, |it| {
        it.addresses == new.addresses && it.numbers == numbers
    });
    if same {
        let detail = "the owner has these addresses already";
        return Err(Rejection::new(Code::ContactUnchanged, detail));
    }
    Ok(new.clone())
}

/// An address is not to be sent mails of a group any more.
pub(super) fn unsubscribe(
    contact: Option<&Contact>,
    address: Uuid,
    group: MailGroup,
) -> Result<About<ContactUnsubscribedV1>, Rejection> {
    if group.is_obligatory() {
        let detail = format!("mails about {} cannot be ended by a link", group.name());
        return Err(Rejection::of("/group", Code::InvalidField, detail));
    }
    let sent = |it: &&Contact| {
        let sent = it.address(Channel::Mail, address);
        sent.is_some_and(|it| it.groups.contains(&group))
    };
    let contact = contact.filter(sent).ok_or_else(|| {
        let detail = "the address is sent no such mails";
        Rejection::new(Code::ContactUnchanged, detail)
    })?;
    let ended = ContactUnsubscribedV1 {
        brand_id: contact.owner.brand().cloned(),
        partner_id: contact.owner.partner().cloned(),
        address_id: address,
        group,
    };
    Ok(About::of(contact.id.clone(), ended))
}

/// So many at most, and none that stood before it too.
fn check_each(
    all: &[ContactAddress],
    (list, item): (&str, &str),
    most: usize,
) -> Result<(), Rejection> {
    if all.len() > most {
        let detail = format!("an owner has {most} {list} at most");
        return Err(Rejection::of(
            format!("/{list}"),
            Code::InvalidField,
            detail,
        ));
    }
    let is_repeated = |(index, one): (usize, &ContactAddress)| {
        let mut before = all.iter().take(index);
        before.any(|it| it.sealed_address == one.sealed_address)
    };
    if let Some(index) = all.iter().enumerate().position(is_repeated) {
        let pointer = format!("/{list}/{index}/{item}");
        let detail = "stands there twice";
        return Err(Rejection::of(pointer, Code::InvalidField, detail));
    }
    Ok(())
}

/// Nothing is sent to who was erased.
pub fn forget_contact(contact: &Contact) -> Option<About<ContactChangedV1>> {
    let none = ContactChangedV1 {
        brand_id: contact.owner.brand().cloned(),
        partner_id: contact.owner.partner().cloned(),
        addresses: Vec::new(),
        numbers: None,
    };
    let is_some = !contact.addresses.is_empty() || !contact.numbers.is_empty();
    is_some.then(|| About::of(contact.id.clone(), none))
}

pub(super) fn unknown(owner: &Owner) -> Rejection {
    match owner {
        Owner::Brand(_) => Rejection::of("/brand_id", Code::BrandUnknown, "there is no such brand"),
        Owner::Partner(_) => Rejection::of(
            "/partner_id",
            Code::PartnerUnknown,
            "there is no such partner",
        ),
    }
}
