//! What a batch needs, gathered from its messages and loaded at once.

use std::collections::{HashMap, HashSet};

use messaging::WriteTx;
use schemas::{Body, Header, Message};
use types::{BrandId, CampaignId, EnrollmentId, Micros, Uuid};

use super::BatchState;
use crate::domain::{Access, Event, EventType, Order, Report};
use crate::messages::{self, Read};
use crate::store::candidates::{self, Lookup};
use crate::store::{campaigns, conversions, links};

/// What is to be looked up for a batch.
#[derive(Default)]
struct Wanted {
    campaigns: HashSet<String>,
    enrollments: HashSet<String>,
    links: HashSet<String>,
    conversions: HashSet<Uuid>,
    lookups: Vec<Lookup>,
    reports: Vec<(Uuid, Report, Access)>,
    /// Campaigns that become known in this batch.
    adopted: HashMap<CampaignId, BrandId>,
}

impl BatchState {
    /// Loads what these messages need: for a batch of reports that is two or three round trips, however many.
    pub async fn load(tx: &mut WriteTx, messages: &[&Message]) -> Result<Self, sqlx::Error> {
        let now = tx.now();
        let mut wanted = Wanted::default();
        for message in messages {
            wanted.add(message, now);
        }
        let connection = tx.connection();
        let mut state = Self::default();
        if !wanted.campaigns.is_empty() {
            state.campaigns = campaigns::load(connection, &strs(&wanted.campaigns)).await?;
        }
        if !wanted.enrollments.is_empty() {
            let ids = strs(&wanted.enrollments);
            state.enrollments = campaigns::enrolled(connection, &ids).await?;
        }
        if !wanted.links.is_empty() {
            state.links = links::taken(connection, &strs(&wanted.links)).await?;
        }
        state.candidates = candidates::load(connection, &wanted.lookups).await?;
        for (id, report, access) in &wanted.reports {
            let campaign = report.campaign.as_ref().and_then(|id| {
                let known = state.campaigns.get(id).map(|campaign| &campaign.brand);
                known.or(wanted.adopted.get(id))
            });
            let order = Order::of(report, access, campaign, state.candidates.get(id));
            wanted
                .conversions
                .extend(order.ids().flat_map(crate::store::uuid));
        }
        if !wanted.conversions.is_empty() {
            let ids: Vec<Uuid> = wanted.conversions.into_iter().collect();
            state.orders = conversions::load(connection, &ids).await?;
        }
        Ok(state)
    }
}

impl Wanted {
    fn add(&mut self, message: &Message, now: Micros) {
        match &message.body {
            Body::CreateLinkV1(_) | Body::RecordEventV1(_) => match messages::read(message, now) {
                Ok(Read::Link(link)) => {
                    let enrollment = EnrollmentId::of(&link.campaign, &link.partner);
                    self.campaigns.insert(link.campaign.into_string());
                    self.enrollments.insert(enrollment.into_string());
                    self.links.insert(link.code.into_string());
                }
                Ok(Read::Report(report)) => self.add_report(&message.header, report, now),
                Ok(Read::Fact(_)) | Err(_) => {}
            },
            Body::CampaignActivatedV1(_) => {
                if let Ok(Read::Fact(Event::CampaignAdopted(campaign))) =
                    messages::read(message, now)
                {
                    let brand = campaign.record.brand_id;
                    self.adopted.insert(campaign.subject, brand);
                }
            }
            // Own events, on replay, and facts: what they change.
            _ => {
                self.conversions
                    .extend(Uuid::parse_str(&message.header.subject));
            }
        }
    }

    fn add_report(&mut self, header: &Header, report: Report, now: Micros) {
        let access = messages::access(header.actor.as_ref());
        self.campaigns
            .extend(report.campaign.as_ref().map(ToString::to_string));
        let decides = !matches!(report.event_type, EventType::Other(_));
        let refund_of_a_campaign =
            report.event_type == EventType::Refund && report.campaign.is_some();
        if (decides && !refund_of_a_campaign) || report.click.is_some() {
            self.lookups.push(Lookup {
                report: header.id,
                user: report.user,
                campaign: report.campaign.clone(),
                brand: access.shop().cloned(),
                click: report.click.clone(),
                at: report.occurred_at.min(now),
            });
        }
        if decides {
            self.reports.push((header.id, report, access));
        }
    }
}

fn strs(texts: &HashSet<String>) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
