//! Campaigns, from `campaign-events`.

use schemas::{Body, Budget, CampaignCreatedV1, Header, Message};
use sqlx::types::Json;
use types::{CampaignStatus, JoinMode, Micros};

use super::rows::{ReadModel, Says};
use crate::store::campaigns::CampaignRow;

impl ReadModel for CampaignRow {
    fn says(message: &Message) -> Says {
        match message.body {
            Body::CampaignCreatedV1(_) => Says::All,
            Body::TermsPublishedV1(_)
            | Body::CampaignActivatedV1(_)
            | Body::CampaignPausedV1(_)
            | Body::CampaignResumedV1(_)
            | Body::CampaignClosedV1(_)
            | Body::CampaignChangedV1(_) => Says::Change,
            _ => Says::Nothing,
        }
    }

    /// A campaign whose beginning is a dead letter stays unknown.
    fn evolve(before: Option<Self>, message: &Message, place: i64) -> Option<Self> {
        let (header, now) = (&message.header, message.header.time.get());
        let becomes = |status: CampaignStatus, row: Self| Self {
            status: status.name().to_owned(),
            pause_reason: None,
            ..row
        };
        Some(match &message.body {
            Body::CampaignCreatedV1(new) => created(header, new, place),
            Body::CampaignChangedV1(changed) => Self {
                name: changed.name.clone(),
                description: changed.description.clone(),
                allowed_hosts: Json(changed.allowed_hosts.clone()),
                fallback_url: changed.fallback_url.clone(),
                landing_url: changed.landing_url.clone(),
                starts_at: changed.starts_at.map(Micros::get),
                ends_at: changed.ends_at.map(Micros::get),
                budget_minor: changed.budget.map(|budget| budget.minor),
                budget_interval: interval(changed.budget),
                join_mode: changed.join.name().to_owned(),
                trusts_redirects: changed.trusts_redirects == Some(true),
                ..before?
            },
            Body::TermsPublishedV1(terms) => Self {
                terms_version: Some(terms.version.get()),
                ..before?
            },
            Body::CampaignActivatedV1(_) => Self {
                activated_at: Some(now),
                ..becomes(CampaignStatus::Active, before?)
            },
            Body::CampaignPausedV1(paused) => Self {
                pause_reason: Some(paused.reason.name().to_owned()),
                ..becomes(CampaignStatus::Paused, before?)
            },
            Body::CampaignResumedV1(_) => becomes(CampaignStatus::Active, before?),
            Body::CampaignClosedV1(_) => Self {
                closed_at: Some(now),
                ..becomes(CampaignStatus::Closed, before?)
            },
            _ => return before,
        })
    }
}

fn interval(budget: Option<Budget>) -> Option<String> {
    budget.map(|budget| budget.interval.name().to_owned())
}

fn created(header: &Header, new: &CampaignCreatedV1, place: i64) -> CampaignRow {
    CampaignRow {
        id: header.subject.clone(),
        position: place,
        brand_id: new.brand_id.to_string(),
        name: new.name.clone(),
        description: new.description.clone(),
        currency: new.currency.code().to_owned(),
        allowed_hosts: Json(new.allowed_hosts.clone()),
        fallback_url: new.fallback_url.clone(),
        landing_url: new.landing_url.clone(),
        starts_at: new.starts_at.map(Micros::get),
        ends_at: new.ends_at.map(Micros::get),
        budget_minor: new.budget.map(|budget| budget.minor),
        budget_interval: interval(new.budget),
        join_mode: new.join.unwrap_or(JoinMode::Open).name().to_owned(),
        trusts_redirects: new.trusts_redirects == Some(true),
        status: CampaignStatus::Draft.name().to_owned(),
        pause_reason: None,
        terms_version: None,
        terms_in_force: None,
        created_at: header.time.get(),
        activated_at: None,
        closed_at: None,
    }
}
