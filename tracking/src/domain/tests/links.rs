use super::*;
use types::EnrollmentId;

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
    let all = Access::All;
    assert_eq!(
        create_link(&link_request(), false, None, false, &all),
        LinkDecision::WaitForCampaign
    );
    let enrollment = EnrollmentId::of(&campaign("camp1"), &partner("partner1"));
    assert_eq!(
        create_link(&link_request(), false, Some(&known()), false, &all),
        LinkDecision::WaitForEnrollment(enrollment)
    );
    let created = create_link(&link_request(), false, Some(&known()), true, &all);
    assert!(matches!(
        created,
        LinkDecision::Created(Event::LinkCreated(_))
    ));
}

#[test]
fn a_taken_code_another_partner_and_another_host_are_refused_at_once() {
    let all = Access::All;
    assert_eq!(
        code(create_link(&link_request(), true, None, false, &all)),
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
            true,
            &other
        )),
        "not_enrolled"
    );
    let mut astray = link_request();
    astray.target_host = "evil.example".to_owned();
    assert_eq!(
        code(create_link(&astray, false, Some(&known()), true, &all)),
        "host_not_allowed"
    );
}
