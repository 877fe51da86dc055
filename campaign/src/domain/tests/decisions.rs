use schemas::{About, EnrollmentAcceptedV1, EvidenceSubmittedV1, RejectionCode};
use types::{
    Currency, Earning, EnrollmentId, EvidenceId, HoldDays, Micros, Money, Plan, TermsVersion,
    WindowDays,
};

use super::{
    active, brand, draft, new_campaign, partner, place, submitted_by, ten_percent, with_terms,
};
use crate::domain::{
    Actor, Campaign, Code, Command, Enrollment, Event, Rejection, Status, View, decide,
};

fn view(campaign: &Campaign) -> View<'_> {
    View {
        campaign: Some(campaign),
        ..View::default()
    }
}

/// Why it is refused, if it is.
fn code(decided: &Result<Event, Rejection>) -> Option<RejectionCode> {
    decided.as_ref().err().map(|rejection| rejection.code)
}

fn publish(plan: Plan) -> Command {
    Command::PublishTerms {
        campaign: "camp1".parse().unwrap(),
        window: WindowDays::new(30).unwrap(),
        plan,
    }
}

fn activate() -> Command {
    Command::Activate {
        campaign: "camp1".parse().unwrap(),
    }
}

fn accept(version: Option<i32>) -> Command {
    Command::Accept {
        campaign: "camp1".parse().unwrap(),
        partner: "partner1".parse().unwrap(),
        terms_version: version.map(|n| TermsVersion::new(n).unwrap()),
    }
}

fn photo() -> About<EvidenceSubmittedV1> {
    let (campaign, partner) = ("camp1".parse().unwrap(), "partner1".parse().unwrap());
    About {
        subject: EvidenceId::of(&campaign, &partner, "photo", "https://example.com/"),
        key: campaign,
        record: EvidenceSubmittedV1 {
            partner_id: partner,
            evidence_type: "photo".to_owned(),
            url_hash: "0a".repeat(32),
        },
    }
}

fn enrolled(version: i32) -> Enrollment {
    let (campaign, partner) = ("camp1".parse().unwrap(), "partner1".parse().unwrap());
    let accepted = Event::EnrollmentAccepted(About {
        subject: EnrollmentId::of(&campaign, &partner),
        key: campaign,
        record: EnrollmentAcceptedV1 {
            partner_id: partner,
            terms_version: TermsVersion::new(version).unwrap(),
        },
    });
    Enrollment::evolve(None, &accepted, place(5)).unwrap()
}

#[test]
fn an_id_is_given_once_even_to_its_own_brand() {
    let (campaign, create) = (draft(), Command::Create(new_campaign("camp1", "brand1")));
    let context = submitted_by(brand("brand1"));
    let made = decide(View::default(), &create, &context).unwrap();
    assert_eq!(
        made,
        Event::CampaignCreated(new_campaign("camp1", "brand1"))
    );
    let again = decide(view(&campaign), &create, &context);
    assert_eq!(code(&again), Some(Code::CampaignExists.code()));
    let stranger = decide(View::default(), &create, &submitted_by(brand("brand2")));
    assert_eq!(code(&stranger), Some(Code::BrandUnknown.code()));
}

#[test]
fn terms_count_from_one_and_are_in_force_from_now() {
    let context = submitted_by(brand("brand1"));
    for (campaign, expected) in [(draft(), 1), (with_terms(1), 2), (active(2), 3)] {
        let event = decide(view(&campaign), &publish(ten_percent()), &context).unwrap();
        let Event::TermsPublished(published) = &event else {
            panic!("{event:?}");
        };
        let terms = &published.terms;
        assert_eq!(terms.version.get(), expected);
        assert_eq!(terms.effective_at, context.now);
        let after = Campaign::evolve(Some(campaign), &event, place(8)).unwrap();
        assert_eq!(after.terms_version, Some(terms.version));
    }
}

#[test]
fn a_flat_amount_is_of_the_campaigns_currency() {
    let euros = Earning::Flat(Money::new(500, Currency::EUR));
    let plan = Plan::new(ten_percent().sale(), Some(euros), HoldDays::new(0).unwrap()).unwrap();
    let refused = decide(
        view(&draft()),
        &publish(plan),
        &submitted_by(brand("brand1")),
    );
    let rejection = refused.unwrap_err();
    assert_eq!(rejection.code, Code::CurrencyMismatch);
    assert_eq!(
        rejection.pointer.as_deref(),
        Some("/plan/lead/flat/currency")
    );
}

#[test]
fn a_campaign_is_activated_once_and_not_without_terms() {
    let context = submitted_by(brand("brand1"));
    let decided = |campaign: Campaign| decide(view(&campaign), &activate(), &context);
    assert_eq!(
        code(&decided(draft())),
        Some(Code::TermsNotPublished.code())
    );
    assert_eq!(code(&decided(active(1))), Some(Code::AlreadyActive.code()));
    let event = decided(with_terms(1)).unwrap();
    let after = Campaign::evolve(Some(with_terms(1)), &event, place(3)).unwrap();
    assert_eq!(after.status, Status::Active);
    assert_eq!(after.activated_at, Some(place(3).time));
}

#[test]
fn only_its_brand_and_operators_change_a_campaign_and_others_do_not_learn_of_it() {
    let operator = Actor {
        operator: true,
        ..Actor::default()
    };
    for command in [publish(ten_percent()), activate()] {
        for actor in [Actor::default(), brand("brand2"), partner("brand1")] {
            let context = submitted_by(actor);
            let refused = decide(view(&with_terms(1)), &command, &context);
            assert_eq!(code(&refused), Some(Code::CampaignUnknown.code()));
            assert_eq!(refused, decide(View::default(), &command, &context));
        }
        assert!(
            decide(
                view(&with_terms(1)),
                &command,
                &submitted_by(operator.clone())
            )
            .is_ok()
        );
    }
}

#[test]
fn the_terms_in_force_are_accepted_and_no_others() {
    let context = submitted_by(partner("partner1"));
    let decided = |campaign: &Campaign, version| decide(view(campaign), &accept(version), &context);
    for version in [None, Some(2)] {
        let event = decided(&active(2), version).unwrap();
        let accepted = Enrollment::evolve(None, &event, place(4)).unwrap();
        assert_eq!(accepted.terms_version.get(), 2);
        assert_eq!(accepted.accepted_at, place(4).time);
    }
    for version in [1, 3] {
        let stale = decided(&active(2), Some(version)).unwrap_err();
        assert_eq!(stale.code, Code::TermsVersionStale, "{version}");
    }
    let unknown = decide(View::default(), &accept(None), &context);
    assert_eq!(code(&unknown), Some(Code::CampaignUnknown.code()));
    let stranger = decide(
        view(&active(1)),
        &accept(None),
        &submitted_by(partner("partner2")),
    );
    assert_eq!(code(&stranger), Some(Code::PartnerUnknown.code()));
}

#[test]
fn a_draft_is_as_unknown_to_partners_as_a_campaign_that_is_not_there() {
    let draft = with_terms(1);
    let context = submitted_by(partner("partner1"));
    let evidence = Command::SubmitEvidence(photo());
    for command in [accept(None), evidence] {
        for view in [View::default(), view(&draft)] {
            let refused = decide(view, &command, &context);
            assert_eq!(code(&refused), Some(Code::CampaignUnknown.code()));
        }
    }
    let operator = submitted_by(Actor {
        operator: true,
        ..Actor::default()
    });
    let refused = decide(view(&draft), &accept(None), &operator);
    assert_eq!(code(&refused), Some(Code::CampaignNotActive.code()));
}

#[test]
fn accepting_twice_is_answered_and_newer_terms_renew_the_enrollment_where_it_stands() {
    let (campaign, before) = (active(2), enrolled(1));
    let context = submitted_by(partner("partner1"));
    let known = View {
        enrollment: Some(&before),
        ..view(&campaign)
    };
    let old = decide(known, &accept(Some(1)), &context).unwrap_err();
    assert_eq!(old.code, Code::AlreadyAccepted);
    assert_eq!(old.detail, "version 1 of the terms is accepted already");
    let event = decide(known, &accept(None), &context).unwrap();
    let renewed = Enrollment::evolve(Some(before.clone()), &event, place(30)).unwrap();
    assert_eq!(renewed.terms_version.get(), 2);
    assert_eq!(renewed.position, before.position);
    assert_eq!(renewed.accepted_at, Micros(30_000));
}

#[test]
fn evidence_needs_an_enrollment_and_counts_once() {
    let (campaign, enrollment) = (active(1), enrolled(1));
    let context = submitted_by(partner("partner1"));
    let decided = |view: View| decide(view, &Command::SubmitEvidence(photo()), &context);
    assert_eq!(
        code(&decided(View::default())),
        Some(Code::CampaignUnknown.code())
    );
    assert_eq!(
        code(&decided(view(&campaign))),
        Some(Code::NotEnrolled.code())
    );
    let known = View {
        enrollment: Some(&enrollment),
        ..view(&campaign)
    };
    assert_eq!(decided(known), Ok(Event::EvidenceSubmitted(photo())));
    let twice = View {
        evidence_exists: true,
        ..known
    };
    assert_eq!(code(&decided(twice)), Some(Code::AlreadySubmitted.code()));
}
