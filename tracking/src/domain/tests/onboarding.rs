use schemas::{About, WorkflowStepRequestedV1};
use types::{
    BanId, CampaignStatus, DisabledBy, EnrollmentId, EnrollmentStatus, WorkflowReason as Reason,
    WorkflowStep,
};

use super::*;

fn requested() -> Requested {
    let record = WorkflowStepRequestedV1 {
        brand_id: brand("brand1"),
        partner_id: partner("partner1"),
        campaign_id: campaign("camp1"),
        step: WorkflowStep::Link,
        compensates: false,
        countries: Vec::new(),
        group_id: None,
        from_group_id: None,
    };
    About::of("wfl_1".parse().unwrap(), record)
}

fn known() -> Campaign {
    Campaign {
        brand: brand("brand1"),
        allowed_hosts: vec!["shop.example".to_owned(), "other.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        ends_at: None,
        trusts_redirects: false,
        status: CampaignStatus::Active,
    }
}

fn answered(
    link: Option<&Link>,
    campaign: Option<&Campaign>,
    enrollment: Option<EnrollmentStatus>,
) -> LinkAnswer {
    let held = (&Bans::default(), &Groups::default());
    answer(&requested(), link, campaign, enrollment, held)
}

/// Why there is no link; `None`: there is one.
fn refusal(answer: LinkAnswer) -> Option<Reason> {
    let LinkAnswer::Answered(events) = answer else {
        panic!("it waits: {answer:?}");
    };
    let Some(Event::LinkAnswered(it)) = events.last() else {
        panic!("{events:?}");
    };
    assert_eq!(it.link_code.is_some(), it.refusal.is_none());
    it.refusal
}

#[test]
fn who_was_let_in_gets_a_link_to_the_first_host_of_the_campaign() {
    let answer = answered(None, Some(&known()), Some(EnrollmentStatus::Enrolled));
    let LinkAnswer::Answered(events) = &answer else {
        panic!("{answer:?}");
    };
    let [Event::LinkCreated(made), Event::LinkAnswered(response)] = &**events else {
        panic!("{events:?}");
    };
    assert_eq!(made.target_url, "https://shop.example/");
    assert_eq!(made.partner_id, partner("partner1"));
    assert_eq!(response.link_code.as_ref(), Some(&made.subject));
}

#[test]
fn it_waits_until_campaign_and_enrollment_are_known_as_notify_knows_them() {
    let it = known();
    assert_eq!(answered(None, None, None), LinkAnswer::WaitForCampaign);
    let id = EnrollmentId::of(&campaign("camp1"), &partner("partner1"));
    let waits = LinkAnswer::WaitForEnrollment(id);
    assert_eq!(answered(None, Some(&it), None), waits);
    for before in [EnrollmentStatus::Applied, EnrollmentStatus::Rejected] {
        assert_eq!(answered(None, Some(&it), Some(before)), waits);
    }
}

#[test]
fn what_was_made_before_is_the_answer_unless_it_is_disabled_or_anothers() {
    let (it, enrolled) = (known(), Some(EnrollmentStatus::Enrolled));
    let link = Link {
        campaign: campaign("camp1"),
        partner: partner("partner1"),
        target_url: "https://shop.example/".to_owned(),
        utm: None,
        deep_paths: false,
        disabled_by: None,
        created_at: Micros(1),
        position: 1,
    };
    let again = answered(Some(&link), Some(&it), enrolled);
    assert!(matches!(&again, LinkAnswer::Answered(events) if events.len() == 1));
    assert_eq!(refusal(again), None);
    let disabled = Link {
        disabled_by: Some(DisabledBy::Brand),
        ..link.clone()
    };
    let anothers = Link {
        partner: partner("partner2"),
        ..link
    };
    for link in [disabled, anothers] {
        let answer = answered(Some(&link), Some(&it), enrolled);
        assert_eq!(refusal(answer), Some(Reason::Refused));
    }
}

#[test]
fn a_closed_campaign_a_ban_and_an_enrollment_that_ended_are_refusals() {
    let enrolled = Some(EnrollmentStatus::Enrolled);
    let closed = Campaign {
        status: CampaignStatus::Closed,
        ..known()
    };
    let answer_of_closed = answered(None, Some(&closed), enrolled);
    assert_eq!(refusal(answer_of_closed), Some(Reason::CampaignClosed));
    for status in [EnrollmentStatus::Left, EnrollmentStatus::Removed] {
        let ended = answered(None, Some(&known()), Some(status));
        assert_eq!(refusal(ended), Some(Reason::ApplicationEnded));
    }
    let (by, who) = (brand("brand1"), partner("partner1"));
    let bans = Bans([BanId::of(Some(&by), &who)].into());
    let banned = answer(
        &requested(),
        None,
        Some(&known()),
        enrolled,
        (&bans, &Groups::default()),
    );
    assert_eq!(refusal(banned), Some(Reason::PartnerBanned));
}
