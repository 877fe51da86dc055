//! What there is.

use schemas::Budget;
use types::{
    BrandId, CampaignId, CampaignStatus, Currency, Earning, EnrollmentId, EnrollmentStatus,
    JoinMode, Micros, PartnerId, PauseReason, Plan, RefusalReason, TermsVersion, WindowDays,
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

/// A brand's campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Which.
    pub id: CampaignId,
    /// Whose.
    pub brand: BrandId,
    /// What people call it.
    pub name: String,
    /// What it is about, as partners read it.
    pub description: Option<String>,
    /// What its plans pay in.
    pub currency: Currency,
    /// Where its links may lead.
    pub allowed_hosts: Vec<String>,
    /// Where visitors of its links go while these lead nowhere else; `None`: the first of its hosts.
    pub fallback_url: Option<String>,
    /// Where partners send visitors where they choose no other page.
    pub landing_url: Option<String>,
    /// From when its links lead to their targets; `None`: at once.
    pub starts_at: Option<Micros>,
    /// When it pauses by itself; `None`: never.
    pub ends_at: Option<Micros>,
    /// What it is meant to cost; `None`: nothing is planned.
    pub budget: Option<Budget>,
    /// How partners come in.
    pub join: JoinMode,
    /// Whether the visitor that a redirect names is believed.
    pub trusts_redirects: bool,
    /// Whether partners may join.
    pub status: CampaignStatus,
    /// Why it is paused, while it is.
    pub pause_reason: Option<PauseReason>,
    /// The versions of its terms, oldest first: that in force, and those that come into force after it.
    pub terms: Vec<Terms>,
    /// Where it was made.
    pub created: Place,
    /// When partners could join.
    pub activated_at: Option<Micros>,
    /// When it ended for good.
    pub closed_at: Option<Micros>,
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
    /// SHA-256 of their text; of what was published before it was recorded none.
    pub text_hash: Option<String>,
    /// Whether who has the version before keeps that; of what was published before it was decided nothing is known.
    pub worsens: Option<bool>,
}

impl Terms {
    /// Whether a partner may be worse off by these than by those before: less, later, for a shorter time, or by other words.
    pub fn worsen(&self, before: &Self) -> bool {
        let (plan, earlier) = (self.plan, before.plan);
        self.window < before.window
            || plan.hold() > earlier.hold()
            || pays_less(plan.sale(), earlier.sale())
            || pays_less(plan.lead(), earlier.lead())
            || self.text_hash.is_none()
            || self.text_hash != before.text_hash
    }

    /// Whether it is, or will be, in force though a newer version is published now that is so from then on.
    fn outlasts(&self, newer: Micros, now: Micros) -> bool {
        self.effective_at < newer || self.effective_at <= now
    }
}

/// Whether it may pay less than before. A rate and a flat amount cannot be compared, so one in place of the other may.
fn pays_less(now: Option<Earning>, before: Option<Earning>) -> bool {
    match (before, now) {
        (None, _) => false,
        (Some(Earning::Rate(before)), Some(Earning::Rate(now))) => now.get() < before.get(),
        (Some(Earning::Flat(before)), Some(Earning::Flat(now))) => now.minor < before.minor,
        (Some(_), _) => true,
    }
}

/// A partner's place in a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrollment {
    /// Which.
    pub id: EnrollmentId,
    /// In which campaign.
    pub campaign: CampaignId,
    /// Who.
    pub partner: PartnerId,
    /// The version of the terms that was accepted last; of who is only invited none.
    pub terms_version: Option<TermsVersion>,
    /// When that was.
    pub accepted_at: Option<Micros>,
    /// Whether the partner is in.
    pub status: EnrollmentStatus,
    /// Why the brand rejected or removed it.
    pub reason: Option<RefusalReason>,
    /// Since when it is what it is: its last event.
    pub since: Option<Micros>,
    /// Where it stands in lists: its first event.
    pub position: i64,
}

impl Campaign {
    /// The version of its terms that was published last.
    pub fn newest_terms(&self) -> Option<&Terms> {
        self.terms.last()
    }

    /// The version of its terms that who joins now accepts.
    pub fn terms_in_force(&self, now: Micros) -> Option<TermsVersion> {
        let mut newest_first = self.terms.iter().rev();
        let terms = newest_first.find(|terms| terms.effective_at <= now);
        terms.map(|terms| terms.version)
    }

    /// Which versions partners may have when a new one comes into force then: the last of an earlier moment, and those of the same
    /// moment that are in force already.
    pub fn terms_before(&self, effective_at: Micros, now: Micros) -> impl Iterator<Item = &Terms> {
        let outlasting = self
            .terms
            .iter()
            .filter(move |it| it.outlasts(effective_at, now));
        let (beside, before): (Vec<_>, Vec<_>) =
            outlasting.partition(|it| it.effective_at == effective_at);
        beside.into_iter().chain(before.last().copied())
    }

    /// Whether its end has come.
    pub fn has_ended(&self, now: Micros) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// The campaign that an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        match event {
            Event::CampaignCreated(created) => Some(Self {
                id: created.subject.clone(),
                brand: created.brand_id.clone(),
                name: created.name.clone(),
                description: created.description.clone(),
                currency: created.currency,
                allowed_hosts: created.allowed_hosts.clone(),
                fallback_url: created.fallback_url.clone(),
                landing_url: created.landing_url.clone(),
                starts_at: created.starts_at,
                ends_at: created.ends_at,
                budget: created.budget,
                join: created.join.unwrap_or(JoinMode::Open),
                trusts_redirects: created.trusts_redirects == Some(true),
                status: CampaignStatus::Draft,
                pause_reason: None,
                terms: Vec::new(),
                created: place,
                activated_at: None,
                closed_at: None,
            }),
            Event::CampaignChanged(changed) => before.map(|campaign| Self {
                name: changed.name.clone(),
                description: changed.description.clone(),
                allowed_hosts: changed.allowed_hosts.clone(),
                fallback_url: changed.fallback_url.clone(),
                landing_url: changed.landing_url.clone(),
                starts_at: changed.starts_at,
                ends_at: changed.ends_at,
                budget: changed.budget,
                join: changed.join,
                trusts_redirects: changed.trusts_redirects == Some(true),
                ..campaign
            }),
            Event::TermsPublished(published) => before.map(|mut campaign| {
                let from = published.terms.effective_at;
                campaign.terms.retain(|it| it.outlasts(from, place.time));
                campaign.terms.push(published.terms.clone());
                campaign
            }),
            Event::CampaignPaused(paused) => before.map(|campaign| Self {
                status: CampaignStatus::Paused,
                pause_reason: Some(paused.reason),
                ..campaign
            }),
            Event::CampaignActivated(_) => before.map(|campaign| Self {
                status: CampaignStatus::Active,
                activated_at: Some(place.time),
                ..campaign
            }),
            Event::CampaignResumed(_) => before.map(|campaign| Self {
                status: CampaignStatus::Active,
                pause_reason: None,
                ..campaign
            }),
            Event::CampaignClosed(_) => before.map(|campaign| Self {
                status: CampaignStatus::Closed,
                pause_reason: None,
                closed_at: Some(place.time),
                ..campaign
            }),
            Event::EnrollmentAccepted(_)
            | Event::EnrollmentEnded(_)
            | Event::EnrollmentInvited(_)
            | Event::EnrollmentApplied(_)
            | Event::EnrollmentApproved(_)
            | Event::EnrollmentRejected(_)
            | Event::BrandFundsAdopted(_)
            | Event::PartnerBanned(_)
            | Event::PartnerUnbanned(_)
            | Event::ApiKeyCreated(_)
            | Event::ApiKeyRotated(_)
            | Event::ApiKeyRevoked(_)
            | Event::EvidenceSubmitted(_)
            | Event::EvidenceApproved(_)
            | Event::EvidenceRejected(_)
            | Event::EvidenceReturned(_)
            | Event::PartnerChanged(_)
            | Event::PartnerErased(_)
            | Event::BrandChanged(_)
            | Event::GroupCreated(_)
            | Event::GroupChanged(_)
            | Event::PartnerMoved(_)
            | Event::StepAnswered(_) => before,
        }
    }
}

impl Enrollment {
    /// The enrollment that an event makes of what was there before: a partner is invited or applies, comes in, may accept newer
    /// terms later, goes, and may come again.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        let new = |about: (&CampaignId, &EnrollmentId), partner: &PartnerId| {
            before.clone().unwrap_or_else(|| Self {
                id: about.1.clone(),
                campaign: about.0.clone(),
                partner: partner.clone(),
                terms_version: None,
                accepted_at: None,
                status: EnrollmentStatus::Invited,
                reason: None,
                since: None,
                position: place.position,
            })
        };
        let since = Some(place.time);
        Some(match event {
            Event::EnrollmentAccepted(accepted) => Self {
                terms_version: Some(accepted.terms_version),
                accepted_at: since,
                status: EnrollmentStatus::Enrolled,
                reason: None,
                since,
                ..new((&accepted.key, &accepted.subject), &accepted.partner_id)
            },
            Event::EnrollmentApplied(applied) => Self {
                terms_version: Some(applied.terms_version),
                accepted_at: since,
                status: EnrollmentStatus::Applied,
                reason: None,
                since,
                ..new((&applied.key, &applied.subject), &applied.partner_id)
            },
            Event::EnrollmentInvited(invited) => Self {
                status: EnrollmentStatus::Invited,
                reason: None,
                since,
                ..new((&invited.key, &invited.subject), &invited.partner_id)
            },
            Event::EnrollmentApproved(_) => Self {
                status: EnrollmentStatus::Enrolled,
                since,
                ..before?
            },
            Event::EnrollmentRejected(rejected) => Self {
                status: EnrollmentStatus::Rejected,
                reason: Some(rejected.reason),
                since,
                ..before?
            },
            Event::EnrollmentEnded(ended) => Self {
                status: ended.status,
                reason: ended.reason,
                since,
                ..before?
            },
            _ => return before,
        })
    }
}
