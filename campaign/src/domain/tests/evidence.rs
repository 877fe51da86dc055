//! What becomes of what partners show.

use schemas::{About, EnrollmentAcceptedV1, EvidenceSubmittedV1, RejectionCode};
use types::{
    CampaignStatus, EnrollmentId, EvidenceId, EvidenceReason, EvidenceStatus, TermsVersion,
};

use super::{active, brand, partner, place, submitted_by};
use crate::domain::{
    Actor, Campaign, Code, Command, Enrollment, Event, Evidence, FileHash, Rejection, Review, View,
    decide,
};

fn photo(by: &str, url: &str) -> About<EvidenceSubmittedV1> {
    let (campaign, partner_id) = ("camp1".parse().unwrap(), by.parse().unwrap());
    About {
        subject: EvidenceId::of(&campaign, &partner_id, "photo", url),
        key: campaign,
        record: EvidenceSubmittedV1 {
            partner_id,
            evidence_type: "photo".to_owned(),
            url_hash: url.to_owned(),
            content_hash: None,
            replaces: None,
            duplicate_of: None,
            sealed_url: Some(vec![1]),
            sealed_metadata: Some(vec![2]),
        },
    }
}

fn enrolled(who: &str) -> Enrollment {
    let (campaign, partner_id) = ("camp1".parse().unwrap(), who.parse().unwrap());
    let accepted = Event::EnrollmentAccepted(About {
        subject: EnrollmentId::of(&campaign, &partner_id),
        key: campaign,
        record: EnrollmentAcceptedV1 {
            partner_id,
            terms_version: TermsVersion::FIRST,
            brand_id: None,
        },
    });
    Enrollment::evolve(None, &accepted, place(5)).unwrap()
}

fn review(evidence: &Evidence, review: Review) -> Command {
    Command::Review {
        campaign: "camp1".parse().unwrap(),
        evidence: evidence.shown.subject.clone(),
        review,
    }
}

fn code<T>(decided: &Result<T, Rejection>) -> Option<RejectionCode> {
    decided.as_ref().err().map(|rejection| rejection.code)
}

/// `camp1` of `brand1`, in which everybody is, with all that was shown for it.
struct Shown {
    campaign: Campaign,
    evidence: Vec<Evidence>,
}

impl Shown {
    fn nothing() -> Self {
        Self {
            campaign: active(1),
            evidence: Vec::new(),
        }
    }

    fn find(&self, id: &EvidenceId) -> Option<&Evidence> {
        let mut all = self.evidence.iter();
        all.find(|evidence| evidence.shown.subject == *id)
    }

    /// The first that was shown of a file.
    fn first_of(&self, hash: &FileHash) -> Option<&EvidenceId> {
        let of_it = |evidence: &&Evidence| FileHash::of(&evidence.shown).any(|own| own == *hash);
        let mut all = self.evidence.iter();
        all.find(of_it).map(|evidence| &evidence.shown.subject)
    }

    fn happen(&mut self, event: &Event) -> Evidence {
        let id = event.evidence().unwrap();
        let at = self
            .evidence
            .iter()
            .position(|one| one.shown.subject == *id);
        let before = at.map(|at| self.evidence.remove(at));
        let next = place(10 + i64::try_from(self.evidence.len()).unwrap());
        let after = Evidence::evolve(before, &self.campaign.brand, event, next).unwrap();
        let at = at.unwrap_or(self.evidence.len());
        self.evidence.insert(at, after.clone());
        after
    }

    fn submit(&mut self, shown: About<EvidenceSubmittedV1>) -> Result<Evidence, Rejection> {
        let enrollment = enrolled(shown.partner_id.as_str());
        let by = submitted_by(partner(shown.partner_id.as_str()));
        let mut same_file = [None, None];
        for (first, hash) in same_file.iter_mut().zip(FileHash::of(&shown)) {
            *first = self.first_of(&hash);
        }
        let view = View {
            campaign: Some(&self.campaign),
            enrollment: Some(&enrollment),
            evidence: self.find(&shown.subject),
            replaced: shown.replaces.as_ref().and_then(|id| self.find(id)),
            same_file,
            ..View::default()
        };
        let event = decide(view, &Command::SubmitEvidence(shown), &by)?;
        Ok(self.happen(&event))
    }

    fn review_by(
        &mut self,
        by: Actor,
        evidence: &Evidence,
        what: Review,
    ) -> Result<Evidence, Rejection> {
        let view = View {
            campaign: Some(&self.campaign),
            evidence: self.find(&evidence.shown.subject),
            ..View::default()
        };
        let event = decide(view, &review(evidence, what), &submitted_by(by))?;
        Ok(self.happen(&event))
    }

    fn review(&mut self, evidence: &Evidence, what: Review) -> Result<Evidence, Rejection> {
        self.review_by(brand("brand1"), evidence, what)
    }
}

const MORE: EvidenceReason = EvidenceReason::NeedsMoreDetail;

#[test]
fn what_is_submitted_is_approved_rejected_or_returned_once_by_its_brand() {
    for (what, status, reason) in [
        (Review::Approve, EvidenceStatus::Approved, None),
        (Review::Reject(MORE), EvidenceStatus::Rejected, Some(MORE)),
        (Review::Return(MORE), EvidenceStatus::Returned, Some(MORE)),
    ] {
        let mut shown = Shown::nothing();
        let evidence = shown.submit(photo("partner1", "a")).unwrap();
        assert_eq!(evidence.status, EvidenceStatus::Submitted);
        let decided = shown.review(&evidence, what).unwrap();
        assert_eq!((decided.status, decided.reason), (status, reason));
        assert!(decided.decided_at.is_some());
        assert_eq!(decided.position, evidence.position);
        for again in [Review::Approve, Review::Reject(MORE), Review::Return(MORE)] {
            let refused = shown.review(&evidence, again);
            assert_eq!(code(&refused), Some(Code::EvidenceDecided.code()));
        }
    }
}

#[test]
fn a_strangers_evidence_cannot_be_told_from_none_and_a_partner_does_not_review_its_own() {
    let mut shown = Shown::nothing();
    let evidence = shown.submit(photo("partner1", "a")).unwrap();
    for stranger in [brand("brand2"), partner("partner1"), partner("partner2")] {
        let refused = shown.review_by(stranger, &evidence, Review::Approve);
        assert_eq!(code(&refused), Some(Code::CampaignUnknown.code()));
    }
    let nowhere = View {
        campaign: Some(&shown.campaign),
        ..View::default()
    };
    let by = submitted_by(brand("brand1"));
    let refused = decide(nowhere, &review(&evidence, Review::Approve), &by);
    assert_eq!(code(&refused), Some(Code::EvidenceUnknown.code()));
    // Evidence of another campaign, be it the same brand's.
    let mut other = evidence.clone();
    other.shown.key = "camp2".parse().unwrap();
    let elsewhere = View {
        evidence: Some(&other),
        ..nowhere
    };
    let refused = decide(elsewhere, &review(&evidence, Review::Approve), &by);
    assert_eq!(code(&refused), Some(Code::EvidenceUnknown.code()));
    let operator = Actor {
        operator: true,
        ..Actor::default()
    };
    assert!(
        shown
            .review_by(operator, &evidence, Review::Approve)
            .is_ok()
    );
}

#[test]
fn work_is_reviewed_whatever_has_become_of_the_campaign_since() {
    for status in [CampaignStatus::Paused, CampaignStatus::Closed] {
        let mut shown = Shown::nothing();
        let evidence = shown.submit(photo("partner1", "a")).unwrap();
        shown.campaign.status = status;
        assert!(shown.review(&evidence, Review::Approve).is_ok());
    }
}

#[test]
fn what_was_returned_is_shown_again_as_it_is_or_replaced_by_another_and_nothing_else_is() {
    let mut shown = Shown::nothing();
    let first = shown.submit(photo("partner1", "a")).unwrap();
    let other = |replaces: &Evidence| {
        let mut other = photo("partner1", "b");
        other.record.replaces = Some(replaces.shown.subject.clone());
        other
    };
    let twice = shown.submit(photo("partner1", "a"));
    assert_eq!(code(&twice), Some(Code::AlreadySubmitted.code()));
    let early = shown.submit(other(&first));
    assert_eq!(code(&early), Some(Code::NotReturned.code()));

    shown.review(&first, Review::Return(MORE)).unwrap();
    let again = shown.submit(photo("partner1", "a")).unwrap();
    let state = (again.status, again.reason, again.decided_at);
    assert_eq!(state, (EvidenceStatus::Submitted, None, None));
    assert_eq!(again.position, first.position);
    assert_eq!(again.shown.duplicate_of, None);

    shown.review(&first, Review::Return(MORE)).unwrap();
    // Another's cannot be replaced, and not known from one that is not there.
    let mut strange = photo("partner2", "c");
    strange.record.replaces = Some(first.shown.subject.clone());
    let refused = shown.submit(strange);
    assert_eq!(code(&refused), Some(Code::EvidenceUnknown.code()));
    let mut nothing = photo("partner1", "c");
    nothing.record.replaces = Some("evd_none".parse().unwrap());
    assert_eq!(
        code(&shown.submit(nothing)),
        Some(Code::EvidenceUnknown.code())
    );

    let replaced = shown.submit(other(&first)).unwrap();
    assert_eq!(replaced.shown.replaces, Some(first.shown.subject.clone()));
    assert_eq!(replaced.shown.duplicate_of, None);
    let kept = shown.find(&first.shown.subject).unwrap();
    assert_eq!(kept.status, EvidenceStatus::Returned);

    for end in [Review::Reject(MORE), Review::Approve] {
        let mut shown = Shown::nothing();
        let first = shown.submit(photo("partner1", "a")).unwrap();
        shown.review(&first, end).unwrap();
        let twice = shown.submit(photo("partner1", "a"));
        assert_eq!(code(&twice), Some(Code::AlreadySubmitted.code()));
    }
}

#[test]
fn a_file_that_anybody_has_shown_before_for_the_campaign_is_recognised_by_address_and_by_content() {
    let mut shown = Shown::nothing();
    let with = |mut photo: About<EvidenceSubmittedV1>, content: &str| {
        photo.record.content_hash = Some(content.to_owned());
        photo
    };
    let first = shown.submit(with(photo("partner1", "a"), "x")).unwrap();
    let id = first.shown.subject.clone();
    let same_address = shown.submit(photo("partner2", "a")).unwrap();
    assert_eq!(same_address.shown.duplicate_of, Some(id.clone()));
    let same_content = shown.submit(with(photo("partner2", "b"), "x")).unwrap();
    assert_eq!(same_content.shown.duplicate_of, Some(id.clone()));
    // The first counts, not the one before.
    let third = shown.submit(with(photo("partner3", "a"), "x")).unwrap();
    assert_eq!(third.shown.duplicate_of, Some(id));
    let own = shown.submit(with(photo("partner1", "c"), "x")).unwrap();
    assert_eq!(own.shown.duplicate_of, Some(first.shown.subject));
    let new = shown.submit(with(photo("partner3", "d"), "y")).unwrap();
    assert_eq!(new.shown.duplicate_of, None);
}

#[test]
fn who_replaces_what_was_returned_by_the_same_file_elsewhere_shows_no_duplicate() {
    let mut shown = Shown::nothing();
    let mut first = photo("partner1", "a");
    first.record.content_hash = Some("x".to_owned());
    let first = shown.submit(first).unwrap();
    shown.review(&first, Review::Return(MORE)).unwrap();
    let mut moved = photo("partner1", "b");
    moved.record.content_hash = Some("x".to_owned());
    moved.record.replaces = Some(first.shown.subject);
    assert_eq!(shown.submit(moved).unwrap().shown.duplicate_of, None);
}
