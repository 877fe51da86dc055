//! Bans: who may, what follows, and what is kept out.

use schemas::{About, EvidenceSubmittedV1, RejectionCode};
use types::{EvidenceId, PartnerStatus, RefusalReason};

use super::{active, brand, partner, place, submitted_by};
use crate::domain::{Actor, Ban, Change, Code, Command, Event, View, decide};

fn operator() -> Actor {
    Actor {
        operator: true,
        ..Actor::default()
    }
}

/// `partner1`'s ban of this brand's campaigns, or of all.
fn ban(brand: Option<&str>, reason: Option<RefusalReason>) -> Command {
    Command::Ban {
        partner: "partner1".parse().unwrap(),
        brand: brand.map(|id| id.parse().unwrap()),
        reason,
    }
}

fn code(decided: Result<Event, schemas::Rejection>) -> Option<RejectionCode> {
    decided.err().map(|rejection| rejection.code)
}

#[test]
fn a_brand_bans_for_itself_alone_and_only_an_operator_everywhere() {
    let unknown = Some(Code::BrandUnknown.code());
    let nobody = Actor::default();
    for (actor, of, expected) in [
        (brand("brand1"), Some("brand1"), None),
        (brand("brand1"), Some("brand2"), unknown),
        (brand("brand1"), None, unknown),
        (partner("partner1"), Some("brand1"), unknown),
        (partner("partner1"), None, unknown),
        (nobody, Some("brand1"), unknown),
        (operator(), Some("brand1"), None),
        (operator(), None, None),
    ] {
        let decided = decide(
            View::default(),
            &ban(of, Some(RefusalReason::Other)),
            &submitted_by(actor.clone()),
        );
        assert_eq!(code(decided), expected, "{actor:?} of {of:?}");
    }
}

#[test]
fn a_ban_begins_once_ends_once_and_keeps_its_place_in_lists() {
    let context = submitted_by(brand("brand1"));
    let (begin, end) = (
        ban(Some("brand1"), Some(RefusalReason::TermsViolated)),
        ban(Some("brand1"), None),
    );
    let never = View::default();
    assert_eq!(
        code(decide(never, &end, &context)),
        Some(Code::NotBanned.code())
    );
    let event = decide(never, &begin, &context).unwrap();
    let banned = Ban::evolve(None, &event, place(3)).unwrap();
    assert_eq!(banned.reason, Some(RefusalReason::TermsViolated));
    let known = View {
        ban: Some(&banned),
        ..never
    };
    assert_eq!(
        code(decide(known, &begin, &context)),
        Some(Code::AlreadyBanned.code())
    );
    let event = decide(known, &end, &context).unwrap();
    let over = Ban::evolve(Some(banned), &event, place(8)).unwrap();
    assert_eq!(
        (over.status, over.reason, over.position, over.since),
        (PartnerStatus::Active, None, 3, place(8).time)
    );
    let known = View {
        ban: Some(&over),
        ..never
    };
    assert_eq!(
        code(decide(known, &end, &context)),
        Some(Code::NotBanned.code())
    );
    assert_eq!(code(decide(known, &begin, &context)), None);
}

#[test]
fn who_is_banned_comes_in_by_no_way_and_may_still_go() {
    let campaign = active(1);
    let who = || "partner1".parse().unwrap();
    let of = || campaign.id.clone();
    let accept = Command::Accept {
        campaign: of(),
        partner: who(),
        terms_version: None,
    };
    let change = |change| Command::Change {
        campaign: of(),
        partner: who(),
        change,
    };
    let evidence = Command::SubmitEvidence(About {
        key: of(),
        subject: EvidenceId::of(&of(), &who(), "photo", "https://example.com/"),
        record: EvidenceSubmittedV1 {
            partner_id: who(),
            evidence_type: "photo".to_owned(),
            url_hash: "00".repeat(32),
            content_hash: None,
            replaces: None,
            duplicate_of: None,
            sealed_url: None,
            sealed_metadata: None,
        },
    });
    let view = |banned| View {
        campaign: Some(&campaign),
        banned,
        ..View::default()
    };
    let kept_out = Some(Code::PartnerBanned.code());
    for command in [
        accept,
        change(Change::Invite),
        change(Change::Approve),
        evidence,
    ] {
        let decided = |banned| code(decide(view(banned), &command, &submitted_by(operator())));
        assert_eq!(decided(true), kept_out, "{command:?}");
        assert_ne!(decided(false), kept_out, "{command:?}");
    }
    for ending in [
        Change::Leave,
        Change::Remove(RefusalReason::Other),
        Change::Reject(RefusalReason::Other),
    ] {
        let decided = decide(view(true), &change(ending), &submitted_by(operator()));
        assert_ne!(code(decided), kept_out, "{ending:?}");
    }
}
