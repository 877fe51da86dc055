//! What a batch mails, and to whom.

use schemas::visible::{self, Viewer};
use schemas::{Body, Message};
use types::{Channel, PartnerId, WebhookEndpointId};

use super::BatchState;
use crate::domain::{Command, Owner};
use crate::mail;
use crate::store::contacts;
use crate::store::mails::{Cause, NewMail};

/// In microseconds.
pub(super) const DAY: i64 = 24 * 3_600 * 1_000_000;
/// Of so many of its endpoints an owner is mailed within a day that they are given up: each mail may be a text too, and to have an endpoint
/// given up is in its owner's power.
const MAX_DISABLED: usize = 3;
/// So many texts a contact is sent within a day of what happened elsewhere. Each costs money, a number may be anybody's, and a payout of any amount has
/// one. Those about endpoints are counted apart: nobody is to keep one of them away by payouts.
const MAX_TEXTS: i64 = 20;

impl BatchState {
    /// A link names an address as it was sealed when its mail was made. Where its owner has given the same one again since the lasting secret
    /// changed, it is sealed otherwise by now, and is what the link ends all the same.
    pub(crate) fn recognise(&self, command: &mut Command) {
        let Command::Unsubscribe {
            contact, address, ..
        } = command
        else {
            return;
        };
        let contact = self.contacts.get(contact);
        if let Some(now) = contact.and_then(|it| contacts::sealed_anew(it, Channel::Mail, *address))
        {
            *address = now;
        }
    }

    /// The campaign that a mail about this fact names.
    pub(super) fn campaign<'a>(&'a self, fact: &'a Message) -> Option<&'a str> {
        let header = &fact.header;
        mail::kind_for(fact)?;
        let payload = self.payloads.get(&header.id)?;
        mail::campaign_of(&header.kind, &header.key, payload)
    }

    /// Has mailed what happened elsewhere to whom it concerns.
    pub(super) fn follow_with_mail(&mut self, message: &Message) {
        let Some(kind) = mail::kind_for(message) else {
            return;
        };
        if self.workflows.lets_in(message) {
            return;
        }
        let Some(seen) = self.seen(message) else {
            return;
        };
        let mut mails = Vec::new();
        let audience = seen.audience(&self.owners);
        let programme = audience
            .iter()
            .find_map(|viewer| owner(viewer)?.brand().cloned());
        for viewer in audience {
            let owner = owner(&viewer).filter(|owner| kind.to.is(owner));
            let contact = owner.and_then(|owner| self.contacts.get(&owner.contact()));
            let shown = || visible::shown(&seen, &viewer, &self.owners);
            if let Some((contact, shown)) = contact.and_then(|it| Some((it, shown()?))) {
                let campaign = self.campaign(message);
                let campaign = campaign.map(|id| self.names.get(id).map_or(id, String::as_str));
                let data = mail::data(shown, &message.header.subject, campaign);
                let id = message.header.id;
                let cause = Cause {
                    programme: programme.as_ref(),
                    ..Cause::of(message, id)
                };
                mails.extend(NewMail::to_each(kind, contact, cause, &data.to_string()));
            }
        }
        mails.retain(|mail| self.has_room_for(mail));
        self.new_mails.extend(mails);
    }

    /// Whether it is sent: mails are all, and texts few.
    fn has_room_for(&mut self, mail: &NewMail) -> bool {
        if mail.channel != Channel::Text {
            return true;
        }
        let texted = self.texted.entry(mail.contact.to_string()).or_default();
        *texted += 1;
        *texted <= MAX_TEXTS
    }

    /// Has the owner of an endpoint mailed that it was disabled, and not by its owner. Where no operator did it, of
    /// each endpoint once within a day, and of few of them.
    pub(super) fn mail_disabled(
        &mut self,
        command: &Message,
        endpoint: &WebhookEndpointId,
        body: &Body,
        by_operator: bool,
    ) {
        let Some(kind) = mail::kind_of("webhook_endpoint.disabled.v1") else {
            return;
        };
        let owner = self.endpoints.get(endpoint).map(|it| it.owner.contact());
        if let Some(contact) = owner.and_then(|id| self.contacts.get(&id)) {
            let mailed = self.mailed_disabled.entry(contact.id.to_string());
            let mailed = mailed.or_default();
            let is_known = mailed.iter().any(|it| it == endpoint.as_str());
            if !by_operator && (is_known || mailed.len() >= MAX_DISABLED) {
                return;
            }
            let data = mail::data(schemas::show_payload(body), endpoint.as_str(), None);
            let id = command.header.id;
            let event_id = self.disabling.get(&id).copied().unwrap_or(id);
            let cause = Cause::of(command, event_id);
            let mails = NewMail::to_each(kind, contact, cause, &data.to_string());
            if !by_operator && !mails.is_empty() {
                mailed.push(endpoint.to_string());
            }
            self.new_mails.extend(mails);
        }
    }

    /// A partner was erased: so are its keys here, and what was mailed to it.
    pub(crate) fn erase(&mut self, partner: PartnerId) {
        self.erased.push(partner);
    }
}

/// Whose viewer it is: of what one sees as a partner or as a brand.
pub(super) fn owner(viewer: &Viewer) -> Option<Owner> {
    match viewer {
        Viewer::Owner { partner, brand } => Owner::of(brand.clone(), partner.clone()),
        Viewer::Operator => None,
    }
}

/// What a campaign is called from now on.
pub(super) fn called(message: &Message) -> Option<&str> {
    match &message.body {
        Body::CampaignCreatedV1(it) => Some(&it.name),
        Body::CampaignChangedV1(it) => Some(&it.name),
        _ => None,
    }
}
