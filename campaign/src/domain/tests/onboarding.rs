use schemas::{EnrollmentAppliedV1, WorkflowStepAnsweredV1, WorkflowStepRequestedV1};
use types::{Country, EnrollmentId, GroupId, MembershipId, WorkflowReason as Reason};
use types::{EnrollmentStatus, WorkflowStep as Step};

use super::*;
use crate::domain::{Enrollment, Fact, Group, Membership, Partner, View, react};

fn requested(step: Step, compensates: bool) -> WorkflowStepRequestedV1 {
    WorkflowStepRequestedV1 {
        brand_id: "brand1".parse().unwrap(),
        partner_id: "partner1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        step,
        compensates,
        countries: Vec::new(),
        group_id: None,
        from_group_id: None,
    }
}

/// What happened, but for the answer; and the answer.
fn after(request: WorkflowStepRequestedV1, view: View) -> (Vec<Event>, WorkflowStepAnsweredV1) {
    let fact = Fact::from(About::of("wfl_1".parse().unwrap(), request));
    let mut events = react(&fact, view, Micros(7_000_000));
    let Some(Event::StepAnswered(answer)) = events.pop() else {
        panic!("no answer: {events:?}");
    };
    assert_eq!(answer.subject.as_str(), "wfl_1");
    (events, answer.record)
}

fn applied() -> Enrollment {
    let (campaign, partner) = ("camp1".parse().unwrap(), "partner1".parse().unwrap());
    let applied = Event::EnrollmentApplied(About {
        subject: EnrollmentId::of(&campaign, &partner),
        key: campaign,
        record: EnrollmentAppliedV1 {
            partner_id: partner,
            brand_id: "brand1".parse().unwrap(),
            terms_version: TermsVersion::new(1).unwrap(),
        },
    });
    Enrollment::evolve(None, &applied, place(3)).unwrap()
}

fn partner_of(country: Option<&str>) -> Partner {
    Partner {
        id: "partner1".parse().unwrap(),
        sealed_name: Some(vec![7]),
        country: country.map(|code| Country::parse(code).unwrap()),
        currency: None,
        sealed_website: None,
        seen: place(1),
        changed_at: None,
    }
}

fn group(id: &str) -> Group {
    Group {
        id: id.parse().unwrap(),
        ..Group::default_of(&"brand1".parse().unwrap(), place(1))
    }
}

fn member_of(group: &str) -> Membership {
    let (brand, partner) = ("brand1".parse().unwrap(), "partner1".parse().unwrap());
    Membership {
        id: MembershipId::of(&brand, &partner),
        brand,
        partner,
        group: group.parse().unwrap(),
        position: 1,
    }
}

#[test]
fn who_applies_and_is_of_a_country_that_the_brand_wants_is_checked_and_nothing_happens() {
    let (campaign, enrollment) = (active(1), applied());
    for (country, wanted, refusal) in [
        (Some("DE"), "DE", None),
        (None, "", None),
        (None, "DE", Some(Reason::CountryUnknown)),
        (Some("FR"), "DE", Some(Reason::CountryNotAllowed)),
    ] {
        let partner = partner_of(country);
        let view = View {
            campaign: Some(&campaign),
            enrollment: Some(&enrollment),
            partner: Some(&partner),
            ..View::default()
        };
        let mut request = requested(Step::Checks, false);
        request.countries = Country::parse(wanted).into_iter().collect();
        let (events, answer) = after(request, view);
        assert!(events.is_empty());
        assert_eq!(answer.refusal, refusal);
        assert_eq!(answer.country, partner.country);
        assert_eq!(answer.sealed_name, Some(vec![7]));
    }
    let view = View {
        campaign: Some(&campaign),
        enrollment: Some(&enrollment),
        banned: true,
        ..View::default()
    };
    let (_, answer) = after(requested(Step::Checks, false), view);
    assert_eq!(answer.refusal, Some(Reason::PartnerBanned));
    let (_, answer) = after(requested(Step::Checks, false), View::default());
    assert_eq!(answer.refusal, Some(Reason::ApplicationEnded));
}

#[test]
fn a_partner_comes_into_the_group_and_back_unless_the_brand_has_moved_it_since() {
    let gold = group("grp_gold");
    let view = View {
        group: Some(&gold),
        ..View::default()
    };
    let mut request = requested(Step::Group, false);
    request.group_id = Some("grp_gold".parse().unwrap());
    let (events, answer) = after(request.clone(), view);
    assert!(matches!(&events[..], [Event::PartnerMoved(it)] if it.group_id.as_str() == "grp_gold"));
    let default = GroupId::default_of(&"brand1".parse().unwrap());
    assert_eq!(
        (answer.refusal, answer.group_before),
        (None, Some(default.clone()))
    );

    // It is there already: nothing to take back.
    let member = member_of("grp_gold");
    let view = View {
        group: Some(&gold),
        membership: Some(&member),
        ..View::default()
    };
    let (events, answer) = after(request.clone(), view);
    assert!(events.is_empty());
    assert_eq!((answer.refusal, answer.group_before), (None, None));

    let (events, answer) = after(request, View::default());
    assert!(events.is_empty());
    assert_eq!(answer.refusal, Some(Reason::GroupUnknown));

    let mut back = requested(Step::Group, true);
    back.group_id = Some(default);
    back.from_group_id = Some("grp_gold".parse().unwrap());
    let view = View {
        membership: Some(&member),
        ..View::default()
    };
    let (events, answer) = after(back.clone(), view);
    assert!(matches!(&events[..], [Event::PartnerMoved(_)]));
    assert_eq!(answer.refusal, None);
    let moved = member_of("grp_silver");
    let view = View {
        membership: Some(&moved),
        ..View::default()
    };
    let (events, answer) = after(back, view);
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(answer.refusal, None);
}

#[test]
fn an_application_is_approved_or_goes_back_in_the_name_of_its_brand_and_of_no_other() {
    let (campaign, enrollment) = (active(1), applied());
    let view = View {
        campaign: Some(&campaign),
        enrollment: Some(&enrollment),
        ..View::default()
    };
    let (events, answer) = after(requested(Step::Approval, false), view);
    assert!(matches!(&events[..], [Event::EnrollmentApproved(_)]));
    assert_eq!(answer.refusal, None);
    let (events, answer) = after(requested(Step::Approval, true), view);
    let needs = types::RefusalReason::NeedsMoreDetail;
    assert!(matches!(&events[..], [Event::EnrollmentRejected(it)] if it.reason == needs));
    assert_eq!(answer.refusal, None);

    let mut others = requested(Step::Approval, false);
    others.brand_id = "brand2".parse().unwrap();
    let (events, answer) = after(others, view);
    assert!(events.is_empty());
    assert_eq!(answer.refusal, Some(Reason::Refused));

    // The brand was quicker: the partner is in.
    let enrolled = Enrollment {
        status: EnrollmentStatus::Enrolled,
        ..enrollment.clone()
    };
    let left = Enrollment {
        status: EnrollmentStatus::Left,
        ..enrollment
    };
    for (enrollment, refusal) in [(enrolled, None), (left, Some(Reason::ApplicationEnded))] {
        let view = View {
            campaign: Some(&campaign),
            enrollment: Some(&enrollment),
            ..View::default()
        };
        let (events, answer) = after(requested(Step::Approval, false), view);
        assert!(events.is_empty());
        assert_eq!(answer.refusal, refusal);
    }
}
