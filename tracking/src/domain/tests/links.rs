use std::collections::HashSet;

use super::*;
use types::{
    BanId, CampaignStatus, DisabledBy, EnrollmentId, EnrollmentStatus, GroupId, LinkStatus,
    MembershipId,
};

fn link_request() -> CreateLink {
    CreateLink {
        code: LinkCode::parse("lnk_1").unwrap(),
        campaign: campaign("camp1"),
        partner: partner("partner1"),
        target: target("https://shop.example/"),
        utm: None,
        deep_paths: false,
    }
}

fn target(url: &str) -> TargetUrl {
    let host = url.split('/').nth(2).unwrap();
    TargetUrl {
        url: url.to_owned(),
        host: host.to_owned(),
    }
}

fn known() -> Campaign {
    Campaign {
        brand: brand("brand1"),
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        ends_at: None,
        trusts_redirects: false,
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
) -> Result<LinkDecision, Rejection> {
    let held = (&Bans::default(), &Groups::default());
    create_link(link, taken, campaign, enrollment, held, access)
}

fn code<T: std::fmt::Debug>(decision: Result<T, Rejection>) -> &'static str {
    decision.unwrap_err().code.name
}

#[test]
fn a_link_waits_for_its_campaign_and_then_for_its_enrollment() {
    let (all, enrolled) = (Access::All, Some(EnrollmentStatus::Enrolled));
    assert_eq!(
        requested_link(&link_request(), false, None, None, &all),
        Ok(LinkDecision::WaitForCampaign)
    );
    let enrollment = EnrollmentId::of(&campaign("camp1"), &partner("partner1"));
    assert_eq!(
        requested_link(&link_request(), false, Some(&known()), None, &all),
        Ok(LinkDecision::WaitForEnrollment(enrollment))
    );
    let created = requested_link(&link_request(), false, Some(&known()), enrolled, &all);
    assert!(matches!(created, Ok(LinkDecision::Created(_))));
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
    astray.target = target("https://evil.example/");
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
            None => assert!(
                matches!(decision, Ok(LinkDecision::Created(_))),
                "{status:?}"
            ),
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
            (&Bans(HashSet::from([ban])), &Groups::default()),
            &Access::All,
        );
        match expected {
            Some(expected) => assert_eq!(code(decision), expected),
            None => assert!(matches!(decision, Ok(LinkDecision::Created(_)))),
        }
    }
}

const SALE: &str = "https://shop.example/sale";

fn made() -> Link {
    Link {
        campaign: campaign("camp1"),
        partner: partner("partner1"),
        target_url: "https://shop.example/".to_owned(),
        utm: None,
        deep_paths: false,
        disabled_by: None,
        created_at: NOW,
        position: 7,
    }
}

fn disabled(by: DisabledBy) -> Link {
    Link {
        disabled_by: Some(by),
        ..made()
    }
}

fn change(url: Option<&str>, status: Option<LinkStatus>) -> ChangeLink {
    ChangeLink {
        code: LinkCode::parse("lnk_1").unwrap(),
        target: url.map(target),
        status,
        utm: None,
        deep_paths: None,
    }
}

fn as_partner(id: &str) -> Access {
    Access::Own {
        partner: Some(partner(id)),
        brand: None,
    }
}

fn as_brand(id: &str) -> Access {
    Access::Own {
        partner: None,
        brand: Some(brand(id)),
    }
}

/// The link after it, where nothing stands against it but who wants it.
fn changed(command: &ChangeLink, link: &Link, access: &Access) -> Result<Link, Rejection> {
    let (enrolled, campaign) = (Some(EnrollmentStatus::Enrolled), known());
    let bans = Bans::default();
    let event = change_link(
        command,
        Some(link),
        Some(&campaign),
        enrolled,
        &bans,
        access,
    )?;
    let Event::LinkChanged(event) = event else {
        panic!("{event:?}")
    };
    let after = Link::after(&event.record, link.position);
    assert_eq!(event.status, after.status());
    Ok(after)
}

const ENABLE: Option<LinkStatus> = Some(LinkStatus::Active);
const DISABLE: Option<LinkStatus> = Some(LinkStatus::Disabled);

#[test]
fn a_partner_changes_where_its_link_leads_on_the_campaigns_hosts_and_its_brand_does_not() {
    let retarget = change(Some(SALE), None);
    for access in [as_partner("partner1"), Access::All] {
        let after = changed(&retarget, &made(), &access).unwrap();
        let target_url = SALE.to_owned();
        let expected = Link {
            target_url,
            ..made()
        };
        assert_eq!(after, expected);
        let elsewhere = change(Some("https://evil.example/"), None);
        let refused = changed(&elsewhere, &made(), &access);
        assert_eq!(code(refused), "host_not_allowed");
    }
    let refused = changed(&retarget, &made(), &as_brand("brand1"));
    assert_eq!(code(refused), "target_not_permitted");
    // Disabled or not: who disabled it stays.
    let link = disabled(DisabledBy::Brand);
    let after = changed(&retarget, &link, &as_partner("partner1")).unwrap();
    assert_eq!(after.disabled_by, Some(DisabledBy::Brand));
}

#[test]
fn a_target_that_stays_is_not_looked_for_on_hosts_that_the_campaign_has_now() {
    let link = Link {
        target_url: "https://dropped.example/p".to_owned(),
        ..made()
    };
    let utm = Utm {
        source: Some("mail".to_owned()),
        ..Utm::default()
    };
    let with = |target| ChangeLink {
        utm: Some(utm.clone()),
        ..change(Some(target), None)
    };
    let own = as_partner("partner1");
    let expected = Link {
        utm: Some(utm.clone()),
        ..link.clone()
    };
    let after = changed(&with(&link.target_url), &link, &own);
    assert_eq!(after.unwrap(), expected);
    let elsewhere = changed(&with("https://dropped.example/q"), &link, &own);
    assert_eq!(code(elsewhere), "host_not_allowed");
}

#[test]
fn what_the_brand_or_an_operator_disabled_a_partner_cannot_enable() {
    let own = [
        (as_partner("partner1"), DisabledBy::Partner),
        (as_brand("brand1"), DisabledBy::Brand),
        (Access::All, DisabledBy::Operator),
    ];
    for (access, by) in &own {
        let after = changed(&change(None, DISABLE), &made(), access).unwrap();
        assert_eq!(after, disabled(*by));
        for before in DisabledBy::ALL {
            let enabled = changed(&change(None, ENABLE), &disabled(before), access);
            let again = changed(&change(None, DISABLE), &disabled(before), access);
            if before > *by {
                assert_eq!(code(enabled), "link_disabled");
            } else {
                assert_eq!(enabled.unwrap(), made());
            }
            if before < *by {
                assert_eq!(again.unwrap(), disabled(*by));
            } else {
                assert_eq!(code(again), "link_unchanged");
            }
        }
    }
}

#[test]
fn a_link_of_others_is_unknown_and_one_that_would_stay_as_it_is_is_refused() {
    let disable = change(None, DISABLE);
    for stranger in [as_partner("partner2"), as_brand("brand2")] {
        assert_eq!(code(changed(&disable, &made(), &stranger)), "link_unknown");
    }
    let nothing = change_link(&disable, None, None, None, &Bans::default(), &Access::All);
    assert_eq!(code(nothing), "link_unknown");
    let same = made().target_url;
    for command in [change(Some(&same), None), change(Some(&same), ENABLE)] {
        for access in [as_partner("partner1"), as_brand("brand1"), Access::All] {
            let refused = changed(&command, &made(), &access);
            assert_eq!(code(refused), "link_unchanged");
        }
    }
}

#[test]
fn to_lead_anywhere_anew_a_link_needs_what_a_new_one_needs_and_to_be_disabled_nothing() {
    let (closed, active) = (CampaignStatus::Closed, CampaignStatus::Active);
    let (left, enrolled) = (EnrollmentStatus::Left, EnrollmentStatus::Enrolled);
    let ban = Bans(HashSet::from([BanId::of(None, &partner("partner1"))]));
    let none = Bans::default();
    for (status, enrollment, bans, expected) in [
        (closed, enrolled, &none, "campaign_closed"),
        (active, left, &none, "not_enrolled"),
        (active, enrolled, &ban, "partner_banned"),
    ] {
        let campaign = Campaign { status, ..known() };
        let decide = |command: &ChangeLink, link: &Link| {
            let (link, enrollment) = (Some(link), Some(enrollment));
            let all = &Access::All;
            change_link(command, link, Some(&campaign), enrollment, bans, all)
        };
        let disabled = disabled(DisabledBy::Partner);
        assert_eq!(code(decide(&change(Some(SALE), None), &made())), expected);
        assert_eq!(code(decide(&change(None, ENABLE), &disabled)), expected);
        assert!(decide(&change(None, DISABLE), &made()).is_ok());
    }
    // In a paused one it will lead there when the campaign goes on.
    let status = CampaignStatus::Paused;
    let (campaign, enrolled) = (Campaign { status, ..known() }, Some(enrolled));
    let (retarget, all) = (change(Some(SALE), None), Access::All);
    let link = made();
    let paused = change_link(
        &retarget,
        Some(&link),
        Some(&campaign),
        enrolled,
        &none,
        &all,
    );
    assert!(paused.is_ok());
}

#[test]
fn what_a_link_adds_to_its_target_is_its_partners_to_say_too() {
    let utm = Utm {
        source: Some("{partner_id}".to_owned()),
        ..Utm::default()
    };
    let with = |utm: Option<Utm>, deep_paths| ChangeLink {
        utm,
        deep_paths,
        ..change(None, None)
    };
    let own = as_partner("partner1");
    let command = with(Some(utm.clone()), Some(true));
    let after = changed(&command, &made(), &own).unwrap();
    let expected = Link {
        utm: Some(utm),
        deep_paths: true,
        ..made()
    };
    assert_eq!(after, expected);
    let refused = changed(&command, &made(), &as_brand("brand1"));
    assert_eq!(code(refused), "target_not_permitted");
    // One without fields takes it away, and what is not named stays.
    let without = changed(&with(Some(Utm::default()), None), &expected, &own).unwrap();
    assert_eq!((without.utm, without.deep_paths), (None, true));
    let again = changed(&with(Some(Utm::default()), None), &made(), &own);
    assert_eq!(code(again), "link_unchanged");
}

#[test]
fn a_partner_gets_as_many_links_in_a_brands_campaigns_as_its_group_may_have() {
    let (who, shop) = (partner("partner1"), brand("brand1"));
    let (default, gold) = (
        GroupId::default_of(&shop),
        GroupId::of_command(Uuid::from_u128(7)),
    );
    let moved = (MembershipId::of(&shop, &who), gold.clone());
    let requested = |limits: &[(&GroupId, Option<i32>)], in_gold: bool, links: i64| {
        let groups = Groups {
            limits: limits
                .iter()
                .map(|(group, limit)| ((*group).clone(), *limit))
                .collect(),
            members: in_gold.then(|| moved.clone()).into_iter().collect(),
            links: [((shop.clone(), who.clone()), links)].into(),
        };
        let held = (&Bans::default(), &groups);
        let enrolled = Some(EnrollmentStatus::Enrolled);
        let known = known();
        let decision = create_link(
            &link_request(),
            false,
            Some(&known),
            enrolled,
            held,
            &Access::All,
        );
        decision.err().map(|rejection| rejection.code.name)
    };
    let reached = Some("link_limit_reached");
    assert_eq!(
        requested(&[], false, 1_000),
        None,
        "nothing was said of its group"
    );
    assert_eq!(requested(&[(&default, None)], false, 1_000), None);
    assert_eq!(requested(&[(&default, Some(2))], false, 1), None);
    assert_eq!(requested(&[(&default, Some(2))], false, 2), reached);
    assert_eq!(requested(&[(&default, Some(0))], false, 0), reached);
    let both = [(&default, Some(2)), (&gold, Some(5))];
    assert_eq!(requested(&both, true, 4), None);
    assert_eq!(requested(&both, true, 5), reached);
    assert_eq!(
        requested(&[(&default, Some(2)), (&gold, None)], true, 9),
        None
    );
    // An archived group is not among those that there are: who was in it is in the default one.
    assert_eq!(requested(&[(&default, Some(2))], true, 2), reached);
}
