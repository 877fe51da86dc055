//! The states that one batch touches, and how they are loaded and saved.

mod load;
mod save;

use std::collections::{HashMap, HashSet};

use messaging::Recorded;
use schemas::{About, Body, EnrollmentAdoptedV1, Message, TermsAdoptedV1};
use types::{CampaignId, ConversionId, EnrollmentId, LinkCode, TermsVersion, Uuid};

use crate::domain::{Campaign, Candidate, Event, Orders};
use crate::store::links::NewLink;
use crate::store::notes::Note;
use crate::store::tracking_events::NewEvent;

/// What the messages of a batch are decided by, and what changed.
#[derive(Debug, Default)]
pub struct BatchState {
    /// Campaigns that commands name.
    pub campaigns: HashMap<CampaignId, Campaign>,
    /// Enrollments that commands need.
    pub enrollments: HashSet<EnrollmentId>,
    /// Link codes that are taken.
    pub links: HashSet<LinkCode>,
    /// The click that may have led to each report, by its message.
    pub candidates: HashMap<Uuid, Candidate>,
    /// Conversions that reports could be about.
    pub orders: Orders,
    changed: Changed,
}

#[derive(Debug, Default)]
struct Changed {
    campaigns: HashMap<CampaignId, i64>,
    terms: HashMap<(CampaignId, TermsVersion), (About<TermsAdoptedV1>, i64)>,
    enrollments: HashMap<EnrollmentId, (About<EnrollmentAdoptedV1>, i64)>,
    links: Vec<NewLink>,
    conversions: HashSet<ConversionId>,
    aliases: HashSet<ConversionId>,
    events: Vec<NewEvent>,
    notes: Vec<Note>,
}

impl BatchState {
    /// Applies an event.
    pub fn evolve(&mut self, recorded: &Recorded<'_, Event>) {
        let (position, time) = (recorded.position, recorded.time);
        match recorded.event {
            Event::TermsAdopted(terms) => {
                let key = (terms.subject.clone(), terms.version);
                self.changed.terms.insert(key, (terms.clone(), position));
            }
            Event::CampaignAdopted(campaign) => {
                let adopted = Campaign {
                    brand: campaign.brand_id.clone(),
                    allowed_hosts: campaign.allowed_hosts.clone(),
                };
                let id = &campaign.subject;
                self.campaigns.insert(id.clone(), adopted);
                self.changed.campaigns.insert(id.clone(), position);
            }
            Event::EnrollmentAdopted(enrollment) => {
                let id = &enrollment.subject;
                self.enrollments.insert(id.clone());
                let row = (enrollment.clone(), position);
                self.changed.enrollments.insert(id.clone(), row);
            }
            Event::LinkCreated(link) => {
                self.links.insert(link.subject.clone());
                self.changed.links.push(NewLink {
                    link: link.clone(),
                    created_at: time,
                    position,
                });
            }
            Event::Recorded(event) => self.changed.events.push(NewEvent {
                id: recorded.id,
                event: event.clone(),
                recorded_at: time,
                position,
            }),
            Event::Attributed(_)
            | Event::Unattributed(_)
            | Event::Refunded(_)
            | Event::RefundNoted(_)
            | Event::DuplicateIgnored(_) => self.evolve_orders(recorded.event, recorded),
        }
    }

    fn evolve_orders(&mut self, event: &Event, recorded: &Recorded<'_, Event>) {
        let alias = match event {
            Event::Attributed(event) => event.alias_id.as_ref(),
            Event::DuplicateIgnored(event) => {
                event.first_conversion_id.as_ref().map(|_| &event.subject)
            }
            _ => None,
        };
        self.changed.aliases.extend(alias.cloned());
        let changed = self
            .orders
            .evolve(event, recorded.id, recorded.time, recorded.position);
        self.changed.conversions.extend(changed);
    }

    /// Keeps what a client noted beside a report that was handled.
    pub fn note(&mut self, message: &Message) {
        let Body::RecordEventV1(body) = &message.body else {
            return;
        };
        let Ok(conversion) = Uuid::parse_str(&message.header.subject) else {
            return;
        };
        if body.metadata.is_some() || body.product_id.is_some() {
            self.changed.notes.push(Note {
                command: message.header.id,
                conversion,
                product_id: body.product_id.clone(),
                metadata: body.metadata.clone(),
            });
        }
    }
}
