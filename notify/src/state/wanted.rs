//! What a batch needs to know before it begins.

use schemas::visible::Viewer;
use schemas::{Event as _, Message};
use types::{ContactId, Uuid};

use crate::domain::Event;
use crate::messages;

use super::workflows::WantedWorkflows;

/// What a batch needs to know.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) endpoints: Vec<String>,
    pub(super) brands: Vec<String>,
    pub(super) partners: Vec<String>,
    pub(super) deliveries: Vec<Uuid>,
    pub(super) contacts: Vec<String>,
    pub(super) mails: Vec<String>,
    pub(super) mail_templates: Vec<String>,
    pub(super) facts: Vec<&'a Message>,
    pub(super) workflows: WantedWorkflows,
}

impl<'a> Wanted<'a> {
    pub(super) fn add(&mut self, message: &'a Message) {
        if let Some(command) = messages::command(message) {
            // One that cannot be read touches nothing.
            let Ok(command) = command else { return };
            self.endpoints
                .extend(command.endpoint().map(ToString::to_string));
            self.contacts
                .extend(command.contact().map(ToString::to_string));
            self.mails.extend(command.mail().map(ToString::to_string));
            self.mail_templates
                .extend(command.mail_template().map(ToString::to_string));
            self.deliveries.extend(command.delivery());
            let (workflow, brand) = (command.workflow(), command.onboarding());
            self.workflows.named(workflow, brand);
            if let Some(owner) = command.counted() {
                self.owner(&owner.viewer());
            }
            return;
        }
        if let Ok(Some(event)) = Event::read(message) {
            self.endpoints
                .extend(event.endpoint().map(ToString::to_string));
            self.contacts
                .extend(event.contact().map(ToString::to_string));
            self.mail_templates
                .extend(event.mail_template().map(ToString::to_string));
            self.workflows.named(event.workflow(), event.onboarding());
            return;
        }
        // It is shown to nobody.
        if let Some(partner) = messages::erased(message) {
            let contact = ContactId::of_partner(&partner).into_string();
            self.contacts.push(contact);
            self.workflows.everywhere(&partner);
            self.partners.push(partner.into_string());
            return;
        }
        self.workflows.fact(message);
        self.facts.push(message);
    }

    pub(super) fn owner(&mut self, viewer: &Viewer) {
        if let Viewer::Owner { partner, brand } = viewer {
            self.partners
                .extend(partner.as_ref().map(ToString::to_string));
            self.brands.extend(brand.as_ref().map(ToString::to_string));
        }
    }
}
