//! The states that one batch touches, and how they are loaded and saved.

use std::collections::{HashMap, HashSet};

use money::{CampaignId, ConversionId, EnrollmentId, LinkCode, Micros, Uuid};
use pipeline::{Recorded, WriteTx};
use schemas::{Body, Message};

use crate::domain::{Campaign, Candidate, Event, EventType, Orders, Terms};
use crate::messages::{self, Asked};
use crate::store::campaigns::{self, EnrollmentRow};
use crate::store::clicks::{self, Lookup};
use crate::store::conversions::{self, ConversionRow};
use crate::store::links::{self, NewLink};
use crate::store::notes::{self, Note};
use crate::store::tracking_events::{self, NewEvent};

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

/// What is to be looked up for a batch.
#[derive(Default)]
struct Wanted {
    campaigns: HashSet<String>,
    enrollments: HashSet<String>,
    links: HashSet<String>,
    conversions: HashSet<Uuid>,
    lookups: Vec<Lookup>,
    orders: HashMap<Uuid, money::OrderId>,
}

impl World {
    /// Loads what these messages need: for a batch of reports that is two or three round trips, however many.
    pub async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let now = tx.now();
        let mut wanted = Wanted::default();
        for message in messages {
            wanted.add(message, now);
        }
        let connection = tx.connection();
        let mut world = Self::default();
        if !wanted.campaigns.is_empty() {
            world.campaigns = campaigns::load(connection, &strs(&wanted.campaigns)).await?;
        }
        if !wanted.enrollments.is_empty() {
            let ids = strs(&wanted.enrollments);
            world.enrollments = campaigns::enrolled(connection, &ids).await?;
        }
        if !wanted.links.is_empty() {
            world.links = links::taken(connection, &strs(&wanted.links)).await?;
        }
        world.candidates = clicks::candidates(connection, &wanted.lookups).await?;
        // An order that came without its campaign may be known under that of its click.
        for (report, order) in &wanted.orders {
            if let Some(candidate) = world.candidates.get(report) {
                let id = ConversionId::of_order(Some(&candidate.campaign), order);
                wanted.conversions.extend(crate::store::uuid(&id));
            }
        }
        if !wanted.conversions.is_empty() {
            let ids: Vec<Uuid> = wanted.conversions.into_iter().collect();
            world.orders = conversions::load(connection, &ids).await?;
        }
        Ok(world)
    }

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

    /// Saves what changed.
    pub async fn save(self, tx: &mut WriteTx) -> Result<(), sqlx::Error> {
        let connection = tx.connection();
        let Self {
            campaigns: known,
            orders,
            changed,
            ..
        } = self;
        if !changed.campaigns.is_empty() {
            let rows: Vec<_> = changed
                .campaigns
                .into_iter()
                .filter_map(|(id, position)| {
                    let campaign = known.get(&id)?.clone();
                    Some((id, campaign, position))
                })
                .collect();
            campaigns::save(connection, &rows).await?;
        }
        if !changed.terms.is_empty() {
            let rows: Vec<_> = changed
                .terms
                .into_iter()
                .map(|((id, _), (terms, position))| (id, terms, position))
                .collect();
            campaigns::save_terms(connection, &rows).await?;
        }
        if !changed.enrollments.is_empty() {
            let rows: Vec<_> = changed.enrollments.into_values().collect();
            campaigns::save_enrollments(connection, &rows).await?;
        }
        if !changed.links.is_empty() {
            links::save(connection, &changed.links).await?;
        }
        if !changed.conversions.is_empty() {
            let rows: Result<Vec<_>, _> = changed
                .conversions
                .iter()
                .filter_map(|id| Some((id, orders.conversions.get(id)?)))
                .map(|(id, conversion)| ConversionRow::of(id, conversion))
                .collect();
            conversions::save(connection, &rows?).await?;
        }
        if !changed.aliases.is_empty() {
            let mut rows = Vec::with_capacity(changed.aliases.len());
            for alias in &changed.aliases {
                if let Some(conversion) = orders.aliases.get(alias) {
                    rows.push((crate::store::uuid(alias)?, crate::store::uuid(conversion)?));
                }
            }
            conversions::save_aliases(connection, &rows).await?;
        }
        if !changed.events.is_empty() {
            tracking_events::save(connection, &changed.events).await?;
        }
        if !changed.notes.is_empty() {
            notes::save(connection, &changed.notes).await?;
        }
        Ok(())
    }
}

impl Wanted {
    fn add(&mut self, message: &Message, now: Micros) {
        match &message.body {
            Body::CreateLinkV1(_) | Body::RecordEventV1(_) => match messages::read(message, now) {
                Ok(Asked::Link(link)) => {
                    let enrollment = EnrollmentId::of(&link.campaign, &link.partner);
                    self.campaigns.insert(link.campaign.into_string());
                    self.enrollments.insert(enrollment.into_string());
                    self.links.insert(link.code.into_string());
                }
                Ok(Asked::Report(report)) => self.add_report(message.header.id, report, now),
                Ok(Asked::Fact(_)) | Err(_) => {}
            },
            // Own events, on replay: what they change.
            _ => {
                self.conversions
                    .extend(Uuid::parse_str(&message.header.subject));
            }
        }
    }

    fn add_report(&mut self, id: Uuid, report: crate::domain::Report, now: Micros) {
        let decides = !matches!(report.event_type, EventType::Other(_));
        if decides {
            self.conversions
                .extend(crate::store::uuid(&report.conversion));
        }
        if let Some(order) = report.order.filter(|_| decides) {
            if report.campaign.is_some() {
                let bare = ConversionId::of_order(None, &order);
                self.conversions.extend(crate::store::uuid(&bare));
            } else {
                self.orders.insert(id, order);
            }
        }
        self.campaigns
            .extend(report.campaign.as_ref().map(ToString::to_string));
        let refund_of_a_campaign =
            report.event_type == EventType::Refund && report.campaign.is_some();
        if (decides && !refund_of_a_campaign) || report.click.is_some() {
            self.lookups.push(Lookup {
                report: id,
                user: report.user,
                campaign: report.campaign,
                click: report.click,
                at: report.occurred_at.min(now),
            });
        }
    }
}

fn strs(texts: &HashSet<String>) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
