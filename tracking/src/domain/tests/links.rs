use std::collections::HashSet;

use super::*;
use types::{BanId, CampaignStatus, EnrollmentId, EnrollmentStatus};

fn link_request() -> CreateLink {
    CreateLink {
        code: LinkCode::parse("lnk_1").unwrap(),
        campaign: campaign("camp1"),
        partner: partner("partner1"),
        target_url: "https://shop.example/".to_owned(),
        target_host: "shop.example".to_owned(),
    }
}

fn known() -> Campaign {
    Campaign {
        brand: brand("brand1"),
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        status: CampaignStatus::Active,
    }
}

/// What becomes of the request where nobody is banned.
fn requested_link(
    link: &CreateLink,
    taken: bool,
    campaign: Option<&Campaign>,
    enrollment: Option<EnrollmentStatus>,
    access: &Access,
) -> LinkDecision {
    create_link(link, taken, campaign, enrollment, &Bans::default(), access)
}

fn code(decision: LinkDecision) -> &'static str {
    match decision {
        LinkDecision::Rejected(rejection) => rejection.code.name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_waits_for_its_campaign_and_then_for_its_enrollment() {
    let (all, enrolled) = (Access::All, Some(EnrollmentStatus::Enrolled));
    assert_eq!(
        requested_link(&link_request(), false, None, None, &all),
        LinkDecision::WaitForCampaign
    );
    let enrollment = EnrollmentId::of(&campaign("camp1"), &partner("partner1"));
    assert_eq!(
        requested_link(&link_request(), false, Some(&known()), None, &all),
        LinkDecision::WaitForEnrollment(enrollment)
    );
    let created = requested_link(&link_request(), false, Some(&known()), enrolled, &all);
    assert!(matches!(
        created,
        LinkDecision::Created(Event::LinkCreated(_))
    ));
}

#[test]
fn a_taken_code_another_partner_and_another_host_are_refused_at_once() {
    let (all, enrolled) = (Access::All, Some(EnrollmentStatus::Enrolled));
    assert_eq!(
        code(requested_link(&link_request(), true, None, None, &all)),
        "link_exists"
    );
    let other = Access::Own {
        partner: Some(partner("partner2")),
        brand: None,
    };
    assert_eq!(
        code(requested_link(
            &link_request(),
            true,
            Some(&known()),
            Some(EnrollmentStatus::Enrolled),
            &other
        )),
        "not_enrolled"
    );
    let mut astray = link_request();
    astray.target_host = "evil.example".to_owned();
    assert_eq!(
        code(requested_link(
            &astray,
            false,
            Some(&known()),
            enrolled,
            &all
        )),
        "host_not_allowed"
    );
}

#[test]
fn who_is_not_in_gets_no_link_and_a_closed_campaign_gives_none() {
    let all = Access::All;
    let out = EnrollmentStatus::ALL.into_iter();
    for status in out.filter(|status| *status != EnrollmentStatus::Enrolled) {
        let campaign = known();
        let decision = requested_link(&link_request(), false, Some(&campaign), Some(status), &all);
        assert_eq!(code(decision), "not_enrolled");
    }
    for (status, expected) in [
        (CampaignStatus::Active, None),
        (CampaignStatus::Paused, None),
        (CampaignStatus::Closed, Some("campaign_closed")),
    ] {
        let campaign = Campaign { status, ..known() };
        let enrolled = Some(EnrollmentStatus::Enrolled);
        let decision = requested_link(&link_request(), false, Some(&campaign), enrolled, &all);
        match expected {
            Some(expected) => assert_eq!(code(decision), expected),
            None => assert!(matches!(decision, LinkDecision::Created(_)), "{status:?}"),
        }
    }
}

#[test]
fn who_is_banned_by_the_campaigns_brand_or_everywhere_gets_no_link() {
    let (partner1, partner2) = (partner("partner1"), partner("partner2"));
    let (own, other) = (brand("brand1"), brand("brand2"));
    let banned = Some("partner_banned");
    for (ban, expected) in [
        (BanId::of(Some(&own), &partner1), banned),
        (BanId::of(None, &partner1), banned),
        (BanId::of(Some(&other), &partner1), None),
        (BanId::of(Some(&own), &partner2), None),
    ] {
        let decision = create_link(
            &link_request(),
            false,
            Some(&known()),
            Some(EnrollmentStatus::Enrolled),
            &Bans(HashSet::from([ban])),
            &Access::All,
        );
        match expected {
            Some(expected) => assert_eq!(code(decision), expected),
            None => assert!(matches!(decision, LinkDecision::Created(_))),
        }
    }
}
