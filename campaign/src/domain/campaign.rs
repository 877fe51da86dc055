//! What there is.

use schemas::{About, EvidenceSubmittedV1};
use types::{
    BrandId, CampaignId, Currency, EnrollmentId, Micros, PartnerId, Plan, TermsVersion, WindowDays,
};

use super::Event;

/// When an event happened and where it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In our time.
    pub time: Micros,
    /// In this database's log.
    pub position: i64,
}

types::names! {
    /// Whether partners may join.
    pub enum Status {
        /// Not yet.
        Draft = "draft",
        /// From now on.
        Active = "active",
    }
}

/// A brand's campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Which.
    pub id: CampaignId,
    /// Whose.
    pub brand: BrandId,
    /// What people call it.
    pub name: String,
    /// What its plans pay in.
    pub currency: Currency,
    /// Where its links may lead.
    pub allowed_hosts: Vec<String>,
    /// Whether partners may join.
    pub status: Status,
    /// The terms in force; none before the first are published.
    pub terms_version: Option<TermsVersion>,
    /// Where it was made.
    pub created: Place,
    /// When partners could join.
    pub activated_at: Option<Micros>,
}

/// A version of a campaign's terms, without their text: that stays out of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which.
    pub version: TermsVersion,
    /// For how long a click counts.
    pub window: WindowDays,
    /// What conversions earn.
    pub plan: Plan,
    /// From when they are in force.
    pub effective_at: Micros,
}

/// A partner in a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrollment {
    /// Which.
    pub id: EnrollmentId,
    /// In which campaign.
    pub campaign: CampaignId,
    /// Who.
    pub partner: PartnerId,
    /// The version of the terms that was accepted last.
    pub terms_version: TermsVersion,
    /// When that was.
    pub accepted_at: Micros,
    /// Where the partner came in.
    pub position: i64,
}

/// What a partner has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What.
    pub shown: About<EvidenceSubmittedV1>,
    /// Whose campaign it is for.
    pub brand: BrandId,
    /// Where it was shown.
    pub submitted: Place,
}

impl Campaign {
    /// The campaign that an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        match event {
            Event::CampaignCreated(created) => Some(Self {
                id: created.subject.clone(),
                brand: created.brand_id.clone(),
                name: created.name.clone(),
                currency: created.currency,
                allowed_hosts: created.allowed_hosts.clone(),
                status: Status::Draft,
                terms_version: None,
                created: place,
                activated_at: None,
            }),
            Event::TermsPublished(published) => before.map(|campaign| Self {
                terms_version: Some(published.terms.version),
                ..campaign
            }),
            Event::CampaignActivated(_) => before.map(|campaign| Self {
                status: Status::Active,
                activated_at: Some(place.time),
                ..campaign
            }),
            Event::EnrollmentAccepted(_) | Event::EvidenceSubmitted(_) => before,
        }
    }
}

impl Enrollment {
    /// The enrollment that an acceptance makes of what was there before: a partner comes in once, and may accept newer
    /// terms later.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        let Event::EnrollmentAccepted(accepted) = event else {
            return before;
        };
        Some(Self {
            id: accepted.subject.clone(),
            campaign: accepted.key.clone(),
            partner: accepted.partner_id.clone(),
            terms_version: accepted.terms_version,
            accepted_at: place.time,
            position: before.map_or(place.position, |before| before.position),
        })
    }
}
