//! The mail addresses of a brand or a partner, and how events change them.

use schemas::{About, ContactAddress, ContactChangedV1};
use types::{ContactId, MAX_MAIL_ADDRESSES, MailFailure, MailGroup, MailId, Micros, Uuid, ids};

use super::{Actor, Code, Owner, Place, Rejection};

/// Mails that somebody must get: each owner that has addresses has one for these.
const MUST_ARRIVE: [MailGroup; 2] = [MailGroup::Money, MailGroup::Security];

/// The mail addresses of a brand or a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Of each owner one.
    pub id: ContactId,
    /// Whose.
    pub owner: Owner,
    /// All of them.
    pub addresses: Vec<ContactAddress>,
    /// Since when they are these.
    pub changed_at: Micros,
    /// Where it stands in lists.
    pub position: i64,
}

impl Contact {
    /// What an event makes of what was there before.
    pub fn evolve(
        before: Option<Self>,
        event: &About<ContactChangedV1>,
        place: Place,
    ) -> Option<Self> {
        let owner = Owner::of(event.brand_id.clone(), event.partner_id.clone())?;
        Some(Self {
            id: event.subject.clone(),
            owner,
            addresses: event.addresses.clone(),
            changed_at: place.time,
            position: before.map_or(place.position, |before| before.position),
        })
    }

    /// The addresses that are sent mails of a group.
    pub fn wanting(&self, group: MailGroup) -> impl Iterator<Item = Uuid> {
        let wanting = self.addresses.iter();
        let wanting = wanting.filter(move |it| it.groups.contains(&group));
        wanting.map(|it| self.address_id(it))
    }

    /// The address of that id, while it is one of these.
    pub fn address(&self, id: Uuid) -> Option<&ContactAddress> {
        self.addresses.iter().find(|it| self.address_id(it) == id)
    }

    /// Which address: the same one that the same edge sealed is the same.
    fn address_id(&self, address: &ContactAddress) -> Uuid {
        let sealed = address.sealed_address.as_str();
        ids::derive(&["mail-address", self.id.as_str(), sealed])
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
    if new.addresses.len() > MAX_MAIL_ADDRESSES {
        let detail = format!("an owner has {MAX_MAIL_ADDRESSES} addresses at most");
        return Err(Rejection::of("/addresses", Code::InvalidField, detail));
    }
    for (index, address) in new.addresses.iter().enumerate() {
        let mut before = new.addresses.iter().take(index);
        if before.any(|it| it.sealed_address == address.sealed_address) {
            let pointer = format!("/addresses/{index}/address");
            return Err(Rejection::of(
                pointer,
                Code::InvalidField,
                "stands there twice",
            ));
        }
    }
    let arrives = |group| new.addresses.iter().any(|it| it.groups.contains(&group));
    let missed = MUST_ARRIVE.into_iter().find(|group| !arrives(*group));
    if let Some(missed) = missed.filter(|_| !new.addresses.is_empty()) {
        let detail = format!("one address must be sent mails about {}", missed.name());
        return Err(Rejection::of("/addresses", Code::InvalidField, detail));
    }
    let same = before.map_or(new.addresses.is_empty(), |it| it.addresses == new.addresses);
    if same {
        let detail = "the owner has these addresses already";
        return Err(Rejection::new(Code::ContactUnchanged, detail));
    }
    Ok(new.clone())
}

/// Nothing is sent to who was erased.
pub fn forget_contact(contact: &Contact) -> Option<About<ContactChangedV1>> {
    let none = ContactChangedV1 {
        brand_id: contact.owner.brand().cloned(),
        partner_id: contact.owner.partner().cloned(),
        addresses: Vec::new(),
    };
    let is_some = !contact.addresses.is_empty();
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
