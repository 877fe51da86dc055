//! What there is.

use money::{BrandId, CampaignId, Currency, EnrollmentId, Micros, PartnerId};

use super::{CampaignName, Event, Hosts, NewEvidence, Plan, TermsVersion, WindowDays};

/// When an event happened and where it stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In our time.
    pub time: Micros,
    /// In this database's log.
    pub position: i64,
}

/// Whether partners may join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not yet.
    Draft,
    /// From now on.
    Active,
}

impl Status {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Draft, Self::Active];

    /// The name in tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
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
    pub name: CampaignName,
    /// What its plans pay in.
    pub currency: Currency,
    /// Where its links may lead.
    pub allowed_hosts: Hosts,
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
    pub shown: NewEvidence,
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
                id: created.campaign.clone(),
                brand: created.brand.clone(),
                name: created.name.clone(),
                currency: created.currency,
                allowed_hosts: created.allowed_hosts.clone(),
                status: Status::Draft,
                terms_version: None,
                created: place,
                activated_at: None,
            }),
            Event::TermsPublished { terms, .. } => before.map(|campaign| Self {
                terms_version: Some(terms.version),
                ..campaign
            }),
            Event::CampaignActivated { .. } => before.map(|campaign| Self {
                status: Status::Active,
                activated_at: Some(place.time),
                ..campaign
            }),
            Event::EnrollmentAccepted { .. } | Event::EvidenceSubmitted(_) => before,
        }
    }
}

impl Enrollment {
    /// The enrollment that an acceptance makes of what was there before: a partner comes in once, and may accept newer
    /// terms later.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        let Event::EnrollmentAccepted {
            campaign,
            enrollment,
            partner,
            terms_version,
        } = event
        else {
            return before;
        };
        Some(Self {
            id: enrollment.clone(),
            campaign: campaign.clone(),
            partner: partner.clone(),
            terms_version: *terms_version,
            accepted_at: place.time,
            position: before.map_or(place.position, |before| before.position),
        })
    }
}
