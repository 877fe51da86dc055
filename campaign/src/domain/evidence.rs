//! What partners show of their work, and what the brand says of it.

use schemas::{
    About, EvidenceApprovedV1, EvidenceRejectedV1, EvidenceReturnedV1, EvidenceSubmittedV1,
};
use types::{BrandId, CampaignId, EvidenceId, EvidenceReason, EvidenceStatus, Micros};

use super::ban::not_banned;
use super::decide::{own, partner_unknown, visible};
use super::enrollment::enrolled;
use super::{Code, Context, Event, Place, Rejection, Review, View};

/// What a partner has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What, as it was shown last.
    pub shown: About<EvidenceSubmittedV1>,
    /// Whose campaign it is for.
    pub brand: BrandId,
    /// What the brand says of it.
    pub status: EvidenceStatus,
    /// Why the brand rejected or returned it.
    pub reason: Option<EvidenceReason>,
    /// When it was shown last.
    pub submitted_at: Micros,
    /// When the brand said so.
    pub decided_at: Option<Micros>,
    /// Where it stands in lists: its first event.
    pub position: i64,
}

/// What a file is known again by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileHash {
    /// SHA-256 of where it lies.
    Url(String),
    /// SHA-256 of what it is.
    Content(String),
}

impl FileHash {
    /// All that this file is known again by.
    pub fn of(shown: &EvidenceSubmittedV1) -> impl Iterator<Item = Self> {
        let content = shown.content_hash.clone().map(Self::Content);
        std::iter::once(Self::Url(shown.url_hash.clone())).chain(content)
    }
}

impl Evidence {
    /// The evidence that an event makes of what was there before, for a campaign of this brand.
    pub fn evolve(
        before: Option<Self>,
        brand: &BrandId,
        event: &Event,
        place: Place,
    ) -> Option<Self> {
        let decided = |before: Option<Self>, status, reason| {
            before.map(|evidence| Self {
                status,
                reason,
                decided_at: Some(place.time),
                ..evidence
            })
        };
        match event {
            Event::EvidenceSubmitted(shown) => Some(Self {
                shown: shown.clone(),
                brand: brand.clone(),
                status: EvidenceStatus::Submitted,
                reason: None,
                submitted_at: place.time,
                decided_at: None,
                position: before.map_or(place.position, |before| before.position),
            }),
            Event::EvidenceApproved(_) => decided(before, EvidenceStatus::Approved, None),
            Event::EvidenceRejected(it) => {
                decided(before, EvidenceStatus::Rejected, Some(it.reason))
            }
            Event::EvidenceReturned(it) => {
                decided(before, EvidenceStatus::Returned, Some(it.reason))
            }
            _ => before,
        }
    }

    fn is_returned(&self) -> bool {
        self.status == EvidenceStatus::Returned
    }
}

/// A partner shows what it did. A file that somebody showed before for the campaign is taken, and named as what it is.
pub(super) fn submit(
    view: View,
    shown: &About<EvidenceSubmittedV1>,
    context: &Context,
) -> Result<Event, Rejection> {
    if !context.actor.is_partner(&shown.partner_id) {
        return Err(partner_unknown());
    }
    visible(view.campaign, context)?;
    not_banned(view)?;
    if enrolled(view).is_none() {
        let detail = "accept the campaign's terms first";
        return Err(Rejection::new(Code::NotEnrolled, detail));
    }
    if view.evidence.is_some_and(|before| !before.is_returned()) {
        let detail = "this evidence is submitted already";
        return Err(Rejection::new(Code::AlreadySubmitted, detail));
    }
    if shown.replaces.is_some() {
        let its_own = |before: &&Evidence| {
            before.shown.key == shown.key && before.shown.partner_id == shown.partner_id
        };
        let before = view.replaced.filter(its_own).ok_or_else(|| {
            let detail = "there is no such evidence of this partner for this campaign";
            Rejection::of("/replaces", Code::EvidenceUnknown, detail)
        })?;
        if !before.is_returned() {
            let detail = "the brand has not returned that evidence";
            return Err(Rejection::of("/replaces", Code::NotReturned, detail));
        }
    }
    let itself = |id: &&EvidenceId| **id == shown.subject || Some(*id) == shown.replaces.as_ref();
    let first = view.same_file.into_iter().flatten().find(|id| !itself(id));
    let mut shown = shown.clone();
    shown.record.duplicate_of = first.cloned();
    Ok(Event::EvidenceSubmitted(shown))
}

/// The brand says what it thinks of it, whatever has become of the campaign and the partner: the work was done before.
pub(super) fn review(
    view: View,
    campaign: &CampaignId,
    review: Review,
    context: &Context,
) -> Result<Event, Rejection> {
    let brand_id = own(view.campaign, context)?.brand.clone();
    let evidence = view
        .evidence
        .filter(|evidence| evidence.shown.key == *campaign);
    let evidence = evidence.ok_or_else(|| {
        let detail = "there is no such evidence for this campaign";
        Rejection::new(Code::EvidenceUnknown, detail)
    })?;
    if evidence.status != EvidenceStatus::Submitted {
        let detail = format!("the evidence is {} already", evidence.status.name());
        return Err(Rejection::new(Code::EvidenceDecided, detail));
    }
    let partner_id = evidence.shown.partner_id.clone();
    let (key, subject) = (campaign.clone(), evidence.shown.subject.clone());
    Ok(match review {
        Review::Approve => Event::EvidenceApproved(About {
            key,
            subject,
            record: EvidenceApprovedV1 {
                partner_id,
                brand_id,
                evidence_type: evidence.shown.evidence_type.clone(),
            },
        }),
        Review::Reject(reason) => Event::EvidenceRejected(About {
            key,
            subject,
            record: EvidenceRejectedV1 {
                partner_id,
                brand_id,
                reason,
            },
        }),
        Review::Return(reason) => Event::EvidenceReturned(About {
            key,
            subject,
            record: EvidenceReturnedV1 {
                partner_id,
                brand_id,
                reason,
            },
        }),
    })
}
