use super::*;
use types::{CampaignStatus, EnrollmentId, EnrollmentStatus};

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
        status: CampaignStatus::Active,
    }
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
        create_link(&link_request(), false, None, None, &all),
        LinkDecision::WaitForCampaign
    );
    let enrollment = EnrollmentId::of(&campaign("camp1"), &partner("partner1"));
    assert_eq!(
        create_link(&link_request(), false, Some(&known()), None, &all),
        LinkDecision::WaitForEnrollment(enrollment)
    );
    let created = create_link(&link_request(), false, Some(&known()), enrolled, &all);
    assert!(matches!(
        created,
        LinkDecision::Created(Event::LinkCreated(_))
    ));
}

#[test]
fn a_taken_code_another_partner_and_another_host_are_refused_at_once() {
    let (all, enrolled) = (Access::All, Some(EnrollmentStatus::Enrolled));
    assert_eq!(
        code(create_link(&link_request(), true, None, None, &all)),
        "link_exists"
    );
    let other = Access::Own {
        partner: Some(partner("partner2")),
        brand: None,
    };
    assert_eq!(
        code(create_link(
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
        code(create_link(&astray, false, Some(&known()), enrolled, &all)),
        "host_not_allowed"
    );
}

#[test]
fn who_is_not_in_gets_no_link_and_a_closed_campaign_gives_none() {
    let all = Access::All;
    let out = EnrollmentStatus::ALL.into_iter();
    for status in out.filter(|status| *status != EnrollmentStatus::Enrolled) {
        let campaign = known();
        let decision = create_link(&link_request(), false, Some(&campaign), Some(status), &all);
        assert_eq!(code(decision), "not_enrolled");
    }
    for (status, expected) in [
        (CampaignStatus::Active, None),
        (CampaignStatus::Paused, None),
        (CampaignStatus::Closed, Some("campaign_closed")),
    ] {
        let campaign = Campaign { status, ..known() };
        let enrolled = Some(EnrollmentStatus::Enrolled);
        let decision = create_link(&link_request(), false, Some(&campaign), enrolled, &all);
        match expected {
            Some(expected) => assert_eq!(code(decision), expected),
            None => assert!(matches!(decision, LinkDecision::Created(_)), "{status:?}"),
        }
    }
}
