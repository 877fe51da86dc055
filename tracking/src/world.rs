//! The states that one batch touches, and how they are loaded and saved.

mod load;
mod save;

use std::collections::{HashMap, HashSet};

use money::{CampaignId, ConversionId, EnrollmentId, LinkCode, Uuid};
use pipeline::Recorded;
use schemas::{Body, Message};

use crate::domain::{Campaign, Candidate, Event, Orders, Terms};
use crate::store::campaigns::EnrollmentRow;
use crate::store::links::NewLink;
use crate::store::notes::Note;
use crate::store::tracking_events::NewEvent;

/// What the messages of a batch are decided by, and what changed.
#[derive(Debug, Default)]
pub struct World {
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
    terms: HashMap<(CampaignId, i32), (Terms, i64)>,
    enrollments: HashMap<EnrollmentId, EnrollmentRow>,
    links: Vec<NewLink>,
    conversions: HashSet<ConversionId>,
    aliases: HashSet<ConversionId>,
    events: Vec<NewEvent>,
    notes: Vec<Note>,
}

impl World {
    /// Applies an event.
    pub fn evolve(&mut self, recorded: &Recorded<'_, Event>) {
        let (position, time) = (recorded.position, recorded.time);
        match recorded.event {
            Event::TermsAdopted { campaign, terms } => {
                let key = (campaign.clone(), terms.version);
                self.changed.terms.insert(key, (terms.clone(), position));
            }
            Event::CampaignAdopted {
                campaign,
                brand,
                allowed_hosts,
            } => {
                let adopted = Campaign {
                    brand: brand.clone(),
                    allowed_hosts: allowed_hosts.clone(),
                };
                self.campaigns.insert(campaign.clone(), adopted);
                self.changed.campaigns.insert(campaign.clone(), position);
            }
            Event::EnrollmentAdopted {
                enrollment,
                campaign,
                partner,
                terms_version,
            } => {
                self.enrollments.insert(enrollment.clone());
                let row = EnrollmentRow {
                    id: enrollment.clone(),
                    campaign: campaign.clone(),
                    partner: partner.clone(),
                    terms_version: *terms_version,
                    position,
                };
                self.changed.enrollments.insert(enrollment.clone(), row);
            }
            Event::LinkCreated {
                code,
                campaign,
                partner,
                target_url,
            } => {
                self.links.insert(code.clone());
                self.changed.links.push(NewLink {
                    code: code.clone(),
                    campaign: campaign.clone(),
                    partner: partner.clone(),
                    target_url: target_url.clone(),
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
            event => self.evolve_orders(event, recorded),
        }
    }

    fn evolve_orders(&mut self, event: &Event, recorded: &Recorded<'_, Event>) {
        let alias = match event {
            Event::Attributed(event) => event.alias.as_ref(),
            Event::DuplicateIgnored(event) => {
                event.first_conversion.as_ref().map(|_| &event.conversion)
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
