//! What a partner finds and a brand looks after: campaigns, terms, links, evidence, conversions.

use qrcode::{EcLevel, QrCode};
use runtime::testing::{TestService, brand, claims, message, mint, operator, partner};
use schemas::{
    Actor, ApiKeyCreatedV1, Body, BrandChangedV1, Budget, CampaignActivatedV1, CampaignChangedV1,
    CampaignClosedV1, CampaignCreatedV1, CampaignPausedV1, CampaignResumedV1,
    ConversionAttributedV1, ConversionRefundNotedV1, EnrollmentAcceptedV1, EvidenceApprovedV1,
    EvidenceReturnedV1, EvidenceSubmittedV1, GroupChangedV1, GroupCreatedV1, LinkChangedV1,
    LinkCreatedV1, PartnerBannedV1, PartnerChangedV1, PartnerErasedV1, PartnerMovedV1, Plan,
    TermsPublishedV1, Topic, Utm, WireMoney,
};
use sealing::texts;
use serde_json::{Value, json};
use types::{
    ApiKeyScope, BrandId, BudgetInterval, ConversionType, Country, Currency, DisabledBy,
    EvidenceReason, GroupId, GroupStatus, JoinMode, LinkStatus, Micros, Money, PauseReason,
    RefusalReason, TermsVersion, WindowDays,
};

use crate::app::{bff, facts, nobodys, partner123, quarter_refunded};

const SALE: &str = "0197a1f0-0000-7000-8000-000000000001";

fn brand1() -> BrandId {
    "brand1".parse().unwrap()
}

pub fn created(join: Option<JoinMode>) -> Body {
    CampaignCreatedV1 {
        brand_id: brand1(),
        name: "Summer sale".to_owned(),
        currency: Currency::USD,
        allowed_hosts: vec!["shop.example".to_owned(), "b.example".to_owned()],
        fallback_url: None,
        join,
        description: None,
        landing_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
        budget: None,
    }
    .into()
}

fn link() -> LinkCreatedV1 {
    LinkCreatedV1 {
        campaign_id: "camp123".parse().unwrap(),
        partner_id: "partner123".parse().unwrap(),
        target_url: "https://shop.example/shoes".to_owned(),
        utm: None,
        deep_paths: None,
        brand_id: None,
    }
}

fn published(version: i32) -> Body {
    let flat = WireMoney {
        minor: 500,
        currency: "USD".to_owned(),
    };
    TermsPublishedV1 {
        version: TermsVersion::new(version).unwrap(),
        brand_id: brand1(),
        currency: Currency::USD,
        window_days: WindowDays::new(30).unwrap(),
        plan: Plan {
            sale_bps: Some(1000),
            sale_flat: None,
            lead_bps: None,
            lead_flat: Some(flat),
            hold_days: 14,
        },
        effective_at: Micros(1_795_000_000_000_000),
        text_hash: None,
        worsens: None,
        sealed_text: Some(texts::seal(
            &texts::of_terms(&"camp123".parse().unwrap()),
            &format!("Be honest. Version {version}."),
        )),
    }
    .into()
}

fn activated() -> Body {
    CampaignActivatedV1 {
        brand_id: brand1(),
        allowed_hosts: vec!["shop.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    }
    .into()
}

pub async fn of_campaign(app: &TestService, event: Body) {
    facts(app, Topic::CampaignEvents, &[("camp123", "camp123", event)]).await;
}

async fn count(app: &TestService, path: &str, who: &str) -> usize {
    let (_, list) = app.get(path, who).await;
    list["items"].as_array().map_or(usize::MAX, Vec::len)
}

#[tokio::test]
async fn a_campaign_is_found_by_partners_once_it_is_no_draft_and_says_where_it_stands() {
    let app = bff().await;
    of_campaign(&app, created(Some(JoinMode::Approval))).await;
    of_campaign(&app, published(1)).await;
    let stranger = brand("brand2");
    for (who, expected) in [
        (brand("brand1"), 1),
        (operator(), 1),
        (partner123(), 0),
        (stranger.clone(), 0),
    ] {
        assert_eq!(count(&app, "/api/v1/campaigns", &who).await, expected);
    }
    let (status, _) = app.get("/api/v1/campaigns/camp123", &partner123()).await;
    assert_eq!(status, 404);
    let (status, _) = app
        .get("/api/v1/campaigns/camp123/terms", &partner123())
        .await;
    assert_eq!(status, 404);

    let brand_id = brand1;
    let paused = CampaignPausedV1 {
        brand_id: brand_id(),
        reason: PauseReason::Brand,
    };
    let resumed = CampaignResumedV1 {
        brand_id: brand_id(),
    };
    let closed = CampaignClosedV1 {
        brand_id: brand_id(),
    };
    for (event, status, reason) in [
        (activated(), "active", None),
        (paused.into(), "paused", Some("brand")),
        (resumed.into(), "active", None),
        (closed.into(), "closed", None),
    ] {
        of_campaign(&app, event).await;
        let (_, one) = app.get("/api/v1/campaigns/camp123", &partner123()).await;
        assert_eq!(
            (&one["status"], &one["pause_reason"]),
            (&json!(status), &json!(reason))
        );
        assert_eq!(one["join"], "approval");
        assert_eq!(one["fallback_url"], "https://shop.example/");
        assert_eq!(one["terms_version"], 1);
        let narrowed = format!("/api/v1/campaigns?status={status}&join=approval&brand_id=brand1");
        assert_eq!(count(&app, &narrowed, &partner123()).await, 1);
    }
    let (_, one) = app.get("/api/v1/campaigns/camp123", &brand("brand1")).await;
    assert!(one["activated_at"].is_string() && one["closed_at"].is_string());
    assert_eq!(
        count(&app, "/api/v1/campaigns?status=active", &operator()).await,
        0
    );
    assert_eq!(
        count(&app, "/api/v1/campaigns?join=open", &operator()).await,
        0
    );
    assert_eq!(count(&app, "/api/v1/campaigns", &stranger).await, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_changed_campaign_shows_the_whole_of_what_it_is_now() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    of_campaign(&app, activated()).await;
    let mut changed = CampaignChangedV1 {
        brand_id: brand1(),
        name: "Late summer sale".to_owned(),
        description: Some("For the beach.".to_owned()),
        allowed_hosts: vec!["b.example".to_owned()],
        fallback_url: Some("https://b.example/later".to_owned()),
        landing_url: Some("https://b.example/beach".to_owned()),
        starts_at: Some(Micros(0)),
        ends_at: Some(Micros(86_400_000_000)),
        budget: Some(Budget {
            minor: 100_050,
            currency: Currency::USD,
            interval: BudgetInterval::Month,
        }),
        join: JoinMode::Invite,
        trusts_redirects: Some(true),
    };
    of_campaign(&app, changed.clone().into()).await;
    let (_, seen) = app.get("/api/v1/campaigns/camp123", &partner123()).await;
    for (what, expected) in [
        ("name", json!("Late summer sale")),
        ("description", json!("For the beach.")),
        ("trusts_redirects", json!(true)),
        ("allowed_hosts", json!(["b.example"])),
        ("fallback_url", json!("https://b.example/later")),
        ("landing_url", json!("https://b.example/beach")),
        ("starts_at", json!("1970-01-01T00:00:00Z")),
        ("ends_at", json!("1970-01-02T00:00:00Z")),
        (
            "budget",
            json!({"amount": "1000.50", "currency": "USD", "interval": "month"}),
        ),
        ("join", json!("invite")),
        ("status", json!("active")),
    ] {
        assert_eq!(seen[what], expected, "{what}");
    }
    changed.description = None;
    changed.starts_at = None;
    changed.ends_at = None;
    changed.budget = None;
    of_campaign(&app, changed.into()).await;
    let (_, seen) = app.get("/api/v1/campaigns/camp123", &partner123()).await;
    for what in ["description", "starts_at", "ends_at", "budget"] {
        assert_eq!(seen[what], Value::Null, "{what}");
    }
    app.stop().await;
}

/// What came of a log that was restored since, and is made again by somebody else under the same id.
#[tokio::test]
async fn a_campaign_and_a_link_that_a_restore_gave_to_others_are_theirs_alone() {
    let app = bff().await;
    let deliver = async |topic, subject: &str, event: Body, epoch| {
        let mut event = message(topic, subject, subject, event, Some(1));
        event.header.epoch = Some(epoch);
        for answer in app.deliver_all(topic, vec![event]).await {
            assert_eq!(answer.name(), "done");
        }
    };
    let Body::CampaignCreatedV1(first) = created(None) else {
        unreachable!()
    };
    let (campaigns, tracking) = (Topic::CampaignEvents, Topic::TrackingEvents);
    deliver(campaigns, "camp123", first.clone().into(), 1).await;
    deliver(tracking, "lnk_1", link().into(), 1).await;
    for source in ["campaign", "tracking"] {
        let accept = json!({"source": source, "epoch": 2, "reason": "a test"});
        let path = "/api/v1/operator/bff/epoch/accept";
        let (status, body) = app.post(path, &operator(), &accept).await;
        assert!(status.is_success(), "{body}");
    }
    let again = CampaignCreatedV1 {
        brand_id: "brand2".parse().unwrap(),
        currency: Currency::parse("EUR").unwrap(),
        ..first
    };
    let others = LinkCreatedV1 {
        partner_id: "partner456".parse().unwrap(),
        ..link()
    };
    deliver(campaigns, "camp123", again.into(), 2).await;
    deliver(tracking, "lnk_1", others.into(), 2).await;

    let path = "/api/v1/campaigns/camp123";
    assert_eq!(app.get(path, &brand("brand1")).await.0, 404);
    let (status, seen) = app.get(path, &brand("brand2")).await;
    assert_eq!((status.as_u16(), &seen["currency"]), (200, &json!("EUR")));
    let path = "/api/v1/links/lnk_1";
    for (who, expected) in [
        (partner123(), 404),
        (brand("brand1"), 404),
        (partner("partner456"), 200),
        (brand("brand2"), 200),
    ] {
        assert_eq!(app.get(path, &who).await.0, expected);
    }
    app.stop().await;
}

#[tokio::test]
async fn terms_show_whether_they_are_in_force_and_worsen_something() {
    let app = bff().await;
    let Body::TermsPublishedV1(mut later) = published(2) else {
        unreachable!()
    };
    later.effective_at = Micros(4_000_000_000_000_000);
    later.worsens = Some(true);
    later.text_hash = Some("0b".repeat(32));
    for event in [created(None), published(1), activated(), later.into()] {
        of_campaign(&app, event).await;
    }
    let (_, one) = app.get("/api/v1/campaigns/camp123", &partner123()).await;
    assert_eq!(one["terms_version"], 1);
    let (_, list) = app
        .get("/api/v1/campaigns/camp123/terms", &partner123())
        .await;
    let seen = |at: usize| {
        let terms = &list["items"][at];
        json!([
            terms["version"],
            terms["in_force"],
            terms["worsens"],
            terms["text_hash"]
        ])
    };
    assert_eq!(seen(0), json!([2, false, true, "0b".repeat(32)]));
    assert_eq!(seen(1), json!([1, true, null, null]));
    app.stop().await;
}

#[tokio::test]
async fn the_versions_of_terms_are_read_newest_first_with_what_they_pay() {
    let app = bff().await;
    for event in [created(None), published(1), activated(), published(2)] {
        of_campaign(&app, event).await;
    }
    let (_, list) = app
        .get("/api/v1/campaigns/camp123/terms", &partner123())
        .await;
    let versions: Vec<&Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|terms| &terms["version"])
        .collect();
    assert_eq!(versions, [2, 1]);
    assert_eq!(list["items"][0]["text"], "Be honest. Version 2.");
    assert_eq!(
        list["items"][0]["plan"],
        json!({"sale": {"bps": 1000}, "lead": {"flat": {"amount": "5.00", "currency": "USD"}}, "hold_days": 14})
    );
    let (_, first) = app
        .get("/api/v1/campaigns/camp123/terms?limit=1", &partner123())
        .await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/v1/campaigns/camp123/terms?limit=1&cursor={cursor}");
    let (_, second) = app.get(&path, &partner123()).await;
    assert_eq!(second["items"][0]["version"], 1);
    app.stop().await;
}

/// Campaign went back behind the first and gave its number out again.
#[tokio::test]
async fn a_version_that_is_published_again_is_shown_as_it_was_published_last() {
    let app = bff().await;
    let Body::TermsPublishedV1(mut again) = published(1) else {
        unreachable!()
    };
    again.plan.sale_bps = Some(500);
    again.plan.lead_flat = None;
    again.plan.hold_days = 7;
    again.window_days = WindowDays::new(10).unwrap();
    again.text_hash = Some("0b".repeat(32));
    again.worsens = Some(true);
    for event in [created(None), published(1), activated(), again.into()] {
        of_campaign(&app, event).await;
    }
    let (_, list) = app
        .get("/api/v1/campaigns/camp123/terms", &partner123())
        .await;
    let [terms] = &list["items"].as_array().unwrap()[..] else {
        panic!("{list}")
    };
    assert_eq!(
        terms["plan"],
        json!({"sale": {"bps": 500}, "lead": null, "hold_days": 7})
    );
    for (what, expected) in [
        ("window_days", json!(10)),
        ("worsens", json!(true)),
        ("text_hash", json!("0b".repeat(32))),
    ] {
        assert_eq!(terms[what], expected, "{what}");
    }
    app.stop().await;
}

#[tokio::test]
async fn links_evidence_and_enrollments_are_read_by_their_partner_and_the_campaigns_brand() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    let link = link();
    let tracking = Topic::TrackingEvents;
    facts(&app, tracking, &[("lnk_1", "lnk_1", link.into())]).await;
    let shown = EvidenceSubmittedV1 {
        partner_id: "partner123".parse().unwrap(),
        evidence_type: "photo".to_owned(),
        url_hash: "00".repeat(32),
        content_hash: None,
        replaces: None,
        duplicate_of: None,
        sealed_url: None,
        sealed_metadata: None,
    };
    // As it was stated before it said its brand.
    let accepted = EnrollmentAcceptedV1 {
        partner_id: "partner123".parse().unwrap(),
        terms_version: TermsVersion::FIRST,
        brand_id: None,
    };
    facts(
        &app,
        Topic::CampaignEvents,
        &[
            ("camp123", "evd_1", shown.into()),
            ("camp123", "enr_1", accepted.into()),
        ],
    )
    .await;
    for list in ["links", "evidence", "enrollments"] {
        for (who, query, expected) in [
            (partner123(), "", 1),
            (brand("brand1"), "", 1),
            (brand("brand1"), "?campaign_id=camp123", 1),
            (brand("brand1"), "?campaign_id=camp9", 0),
            (
                mint(&claims("both").partner("partner123").brand("brand1")),
                "",
                1,
            ),
            (
                mint(&claims("both").partner("partner123").brand("brand2")),
                "",
                1,
            ),
            (
                mint(&claims("both").partner("partner456").brand("brand1")),
                "",
                1,
            ),
            (operator(), "?campaign_id=camp123", 1),
            (operator(), "?campaign_id=camp9", 0),
            (operator(), "?partner_id=partner123", 1),
            (operator(), "?partner_id=partner456", 0),
            (operator(), "?brand_id=brand1", 1),
            (operator(), "?brand_id=brand1&partner_id=partner456", 0),
            (operator(), "?brand_id=brand2", 0),
            (partner123(), "?brand_id=brand1", 1),
            (partner123(), "?brand_id=brand2", 0),
            (partner("partner456"), "?brand_id=brand1", 0),
            (brand("brand1"), "?brand_id=brand1", 1),
            (brand("brand2"), "?brand_id=brand1", 0),
            (
                mint(&claims("both").partner("partner123").brand("brand2")),
                "?brand_id=brand1",
                1,
            ),
            (
                mint(&claims("both").partner("partner123").brand("brand2")),
                "?brand_id=brand2",
                0,
            ),
            (partner("partner456"), "", 0),
            (brand("brand2"), "", 0),
        ] {
            let path = format!("/api/v1/{list}{query}");
            assert_eq!(count(&app, &path, &who).await, expected, "{path}");
        }
    }
    let (_, links) = app.get("/api/v1/links", &partner123()).await;
    assert_eq!(links["items"][0]["path"], "/c/lnk_1");
    assert_eq!(links["items"][0]["url"], "http://127.0.0.1:9/c/lnk_1");
    assert_eq!(
        links["items"][0]["target_url"],
        "https://shop.example/shoes"
    );
    app.stop().await;
}

#[tokio::test]
async fn a_brands_list_goes_on_over_all_its_campaigns_newest_first() {
    let app = bff().await;
    let campaigns = ["camp123", "camp9"];
    let both = campaigns.map(|campaign| (campaign, campaign, created(None)));
    facts(&app, Topic::CampaignEvents, &both).await;
    for (place, code) in ["lnk_1", "lnk_2", "lnk_3", "lnk_4"].into_iter().enumerate() {
        let link = LinkCreatedV1 {
            campaign_id: campaigns[place % 2].parse().unwrap(),
            ..link()
        };
        facts(&app, Topic::TrackingEvents, &[(code, code, link.into())]).await;
    }
    let of_both = mint(&claims("both").partner("partner123").brand("brand1"));
    for who in [brand("brand1"), of_both] {
        let mut path = "/api/v1/links?limit=3".to_owned();
        for expected in [&["lnk_4", "lnk_3", "lnk_2"][..], &["lnk_1"]] {
            let (_, page) = app.get(&path, &who).await;
            let items = page["items"].as_array().unwrap();
            let codes: Vec<_> = items.iter().map(|link| &link["code"]).collect();
            assert_eq!(codes, expected, "{page}");
            path = format!(
                "/api/v1/links?limit=3&cursor={}",
                page["next_cursor"].as_str().unwrap_or_default()
            );
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn the_address_of_a_link_is_a_qr_code_as_an_image() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    let link = link();
    facts(
        &app,
        Topic::TrackingEvents,
        &[("lnk_1", "lnk_1", link.into())],
    )
    .await;
    let image = async |who: &str| {
        let url = format!("{}/api/v1/links/lnk_1/qr", app.base_url);
        let response = app.client.get(url).bearer_auth(who).send().await.unwrap();
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        (
            response.status().as_u16(),
            kind,
            response.text().await.unwrap(),
        )
    };
    let (status, kind, svg) = image(&partner123()).await;
    assert_eq!((status, &*kind), (200, "image/svg+xml"));
    assert!(svg.starts_with("<?xml") && svg.contains("<svg"), "{svg}");
    let modules = QrCode::with_error_correction_level("http://127.0.0.1:9/c/lnk_1", EcLevel::Q)
        .unwrap()
        .width()
        + 8;
    assert!(svg.contains(&format!("width=\"{}\"", modules * 8)), "{svg}");
    assert_eq!(image(&partner("partner456")).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_link_is_read_as_its_last_change_left_it() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    let topic = Topic::TrackingEvents;
    let made = link();
    let path = "/api/v1/links/lnk_1";
    facts(&app, topic, &[("lnk_1", "lnk_1", made.clone().into())]).await;
    let (_, first) = app.get(path, &partner123()).await;
    assert_eq!(
        (&first["status"], &first["disabled_by"]),
        (&json!("active"), &json!(null))
    );
    let changed = LinkChangedV1 {
        campaign_id: made.campaign_id,
        partner_id: made.partner_id,
        target_url: "https://shop.example/sale".to_owned(),
        status: LinkStatus::Disabled,
        disabled_by: Some(DisabledBy::Brand),
        created_at: Micros(1_795_000_000_000_000),
        utm: Some(Utm {
            source: Some("{partner_id}".to_owned()),
            ..Utm::default()
        }),
        deep_paths: Some(true),
        brand_id: Some(brand1()),
    };
    facts(&app, topic, &[("lnk_1", "lnk_1", changed.into())]).await;
    for who in [partner123(), brand("brand1"), operator()] {
        let (_, one) = app.get(path, &who).await;
        assert_eq!(
            (&one["target_url"], &one["status"], &one["disabled_by"]),
            (
                &json!("https://shop.example/sale"),
                &json!("disabled"),
                &json!("brand")
            )
        );
        assert_eq!(
            (&one["utm"]["source"], &one["deep_paths"]),
            (&json!("{partner_id}"), &json!(true))
        );
        assert_eq!(count(&app, "/api/v1/links?status=disabled", &who).await, 1);
        assert_eq!(count(&app, "/api/v1/links?status=active", &who).await, 0);
    }
    for stranger in [partner("partner456"), brand("brand2")] {
        assert_eq!(app.get(path, &stranger).await.0, 404);
    }
    app.stop().await;
}

/// What was shown for `camp123`.
fn shown(id: &str, duplicate_of: Option<&str>) -> Body {
    let file = format!("https://files.example/{id}.jpg");
    let notes = json!({"note": id}).to_string();
    let evidence = id.parse().unwrap();
    EvidenceSubmittedV1 {
        partner_id: "partner123".parse().unwrap(),
        evidence_type: "photo".to_owned(),
        url_hash: "00".repeat(32),
        content_hash: Some("0a".repeat(32)),
        replaces: None,
        duplicate_of: duplicate_of.map(|id| id.parse().unwrap()),
        sealed_url: Some(texts::seal(&texts::of_evidence(&evidence), &file)),
        sealed_metadata: Some(texts::seal(&texts::of_evidences_notes(&evidence), &notes)),
    }
    .into()
}

#[tokio::test]
async fn what_was_shown_under_no_key_of_its_partner_is_read_until_that_one_is_erased() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    let topic = Topic::CampaignEvents;
    let erased = |who| (who, who, PartnerErasedV1 {}.into());
    for (id, fact) in [
        ("evd_1", erased("partner456")),
        ("evd_2", erased("partner123")),
        ("evd_3", erased("partner456")),
    ] {
        let evidence = ("camp123", id, shown(id, None));
        facts(&app, topic, &[evidence, fact]).await;
    }
    let (_, list) = app.get("/api/v1/evidence", &brand("brand1")).await;
    let items = list["items"].as_array().unwrap();
    let read: Vec<_> = items.iter().map(|one| one["file_url"].as_str()).collect();
    // The newest first: what came after the erasure is there.
    assert_eq!(read, [Some("https://files.example/evd_3.jpg"), None, None]);
    let notes: Vec<_> = items.iter().map(|one| &one["metadata"]).collect();
    assert_eq!(
        notes,
        [&json!({"note": "evd_3"}), &Value::Null, &Value::Null]
    );
    for (id, is_read) in [("evd_2", false), ("evd_3", true)] {
        let path = format!("/api/v1/evidence/{id}");
        let (_, one) = app.get(&path, &partner123()).await;
        assert_eq!(one["file_url"].is_string(), is_read, "{id}: {one}");
        assert_eq!(one["metadata"].is_object(), is_read, "{id}: {one}");
    }
    app.stop().await;
}

#[tokio::test]
async fn evidence_is_read_with_its_file_and_with_what_the_brand_says_of_it() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    let (partner_id, brand_id) = ("partner123".parse().unwrap(), brand1());
    let returned = EvidenceReturnedV1 {
        partner_id,
        brand_id,
        reason: EvidenceReason::NeedsMoreDetail,
    };
    let approved = EvidenceApprovedV1 {
        partner_id: "partner123".parse().unwrap(),
        brand_id: brand1(),
        evidence_type: "photo".to_owned(),
    };
    let topic = Topic::CampaignEvents;
    let of = |id, event| ("camp123", id, event);
    facts(
        &app,
        topic,
        &[
            of("evd_1", shown("evd_1", None)),
            of("evd_2", shown("evd_2", Some("evd_1"))),
            of("evd_1", returned.clone().into()),
        ],
    )
    .await;
    let path = "/api/v1/evidence/evd_1";
    for who in [partner123(), brand("brand1"), operator()] {
        let (_, one) = app.get(path, &who).await;
        assert_eq!(one["file_url"], "https://files.example/evd_1.jpg");
        assert_eq!(one["metadata"], json!({"note": "evd_1"}));
        assert_eq!(
            (&one["status"], &one["reason"]),
            (&json!("returned"), &json!("needs_more_detail"))
        );
        for (query, expected) in [
            ("status=returned", 1),
            ("status=approved", 0),
            ("duplicates=true", 1),
            ("duplicates=false", 1),
            ("campaign_id=camp123", 2),
        ] {
            let list = format!("/api/v1/evidence?{query}");
            assert_eq!(count(&app, &list, &who).await, expected, "{query}");
        }
    }
    for stranger in [partner("partner456"), brand("brand2")] {
        assert_eq!(app.get(path, &stranger).await.0, 404);
    }
    // Who showed the same before, a partner is not told.
    for (who, expected) in [
        (brand("brand1"), json!("evd_1")),
        (operator(), json!("evd_1")),
        (partner123(), Value::Null),
    ] {
        let (_, one) = app.get("/api/v1/evidence/evd_2", &who).await;
        assert_eq!(one["duplicate_of"], expected);
        let (_, list) = app.get("/api/v1/evidence?duplicates=true", &who).await;
        assert_eq!(list["items"][0]["duplicate_of"], expected);
    }
    // Shown again, what the brand said before is gone, and it stands where it stood.
    facts(&app, topic, &[of("evd_1", shown("evd_1", None))]).await;
    let (_, again) = app.get(path, &partner123()).await;
    assert_eq!(
        (&again["status"], &again["reason"], &again["decided_at"]),
        (&json!("submitted"), &Value::Null, &Value::Null)
    );
    let (_, list) = app.get("/api/v1/evidence", &partner123()).await;
    assert_eq!(list["items"][0]["id"], "evd_2");
    facts(&app, topic, &[of("evd_1", approved.into())]).await;
    let (_, done) = app.get(path, &brand("brand1")).await;
    assert_eq!(done["status"], "approved");
    // Sealed for another evidence, or under a key that is gone: it is not shown, and nothing fails.
    facts(&app, topic, &[of("evd_3", shown("evd_1", None))]).await;
    let (_, strange) = app.get("/api/v1/evidence/evd_3", &partner123()).await;
    assert_eq!(strange["file_url"], Value::Null);
    assert_eq!(strange["metadata"], Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn evidence_that_a_build_of_before_folded_is_read_without_notes() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    sqlx::raw_sql(
        "INSERT INTO evidence (id, position, campaign_id, partner_id, evidence_type, url_hash, submitted_at)
         VALUES ('evd_1', 1, 'camp123', 'partner123', 'photo', '00', 1)",
    )
    .execute(app.pool())
    .await
    .unwrap();
    for who in [partner123(), brand("brand1"), operator()] {
        let (status, one) = app.get("/api/v1/evidence/evd_1", &who).await;
        assert_eq!(
            (status.as_u16(), &one["metadata"]),
            (200, &Value::Null),
            "{one}"
        );
        assert_eq!(count(&app, "/api/v1/evidence", &who).await, 1);
    }
    app.stop().await;
}

#[tokio::test]
async fn partners_and_brands_are_read_with_their_names_by_whom_they_work_with() {
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    of_campaign(&app, created(None)).await;
    let accepted = EnrollmentAcceptedV1 {
        partner_id: "partner123".parse().unwrap(),
        terms_version: TermsVersion::FIRST,
        brand_id: Some(brand1()),
    };
    let own = "/api/v1/partners/partner123";
    let (_, new) = app.get(own, &partner123()).await;
    assert_eq!(
        (&new["id"], &new["first_seen_at"]),
        (&json!("partner123"), &Value::Null)
    );
    assert_eq!(app.get(own, &brand("brand1")).await.0, 404);
    facts(&app, topic, &[("camp123", "enr_1", accepted.into())]).await;
    let (partner_id, brand_id) = ("partner123".parse().unwrap(), brand1());
    let of_partner = PartnerChangedV1 {
        country: Country::parse("DE").ok(),
        currency: Some(Currency::EUR),
        sealed_name: Some(texts::seal(
            &texts::of_partners_name(&partner_id),
            "Sole Reviews",
        )),
        sealed_website: Some(texts::seal(
            &texts::of_partners_website(&partner_id),
            "https://sole.example/",
        )),
    };
    let of_brand = BrandChangedV1 {
        currency: Some(Currency::EUR),
        sealed_name: Some(texts::seal(
            &texts::of_brands_name(&brand_id),
            "Fleet Shoes",
        )),
    };
    facts(
        &app,
        topic,
        &[
            ("partner123", "partner123", of_partner.into()),
            ("brand1", "brand1", of_brand.into()),
        ],
    )
    .await;
    for (who, currency) in [
        (partner123(), json!("EUR")),
        (operator(), json!("EUR")),
        (brand("brand1"), Value::Null),
    ] {
        let (_, one) = app.get(own, &who).await;
        assert_eq!(
            (
                &one["name"],
                &one["website"],
                &one["country"],
                &one["currency"],
                &one["status"]
            ),
            (
                &json!("Sole Reviews"),
                &json!("https://sole.example/"),
                &json!("DE"),
                &currency,
                &json!("active")
            )
        );
        assert_eq!(count(&app, "/api/v1/partners?country=DE", &who).await, 1);
        assert_eq!(count(&app, "/api/v1/partners?country=FR", &who).await, 0);
        assert_eq!(count(&app, "/api/v1/partners?status=banned", &who).await, 0);
    }
    for stranger in [partner("partner456"), brand("brand2")] {
        assert_eq!(app.get(own, &stranger).await.0, 404);
        assert_eq!(count(&app, "/api/v1/partners", &stranger).await, 0);
    }
    let banned = PartnerBannedV1 {
        brand_id: Some(brand1()),
        reason: RefusalReason::Other,
    };
    facts(&app, topic, &[("partner123", "ban_1", banned.into())]).await;
    let status = async |who: &str| app.get(own, who).await.1["status"].clone();
    assert_eq!(status(&brand("brand1")).await, "banned");
    assert_eq!(
        status(&operator()).await,
        "active",
        "a brand's ban is that brand's"
    );

    // A draft is not to be found, and nor is its brand.
    let path = "/api/v1/brands/brand1";
    assert_eq!(app.get(path, &partner123()).await.0, 404);
    of_campaign(&app, published(1)).await;
    of_campaign(&app, activated()).await;
    let (_, seen) = app.get(path, &partner123()).await;
    assert_eq!(
        (&seen["name"], &seen["currency"]),
        (&json!("Fleet Shoes"), &Value::Null)
    );
    assert_eq!(app.get(path, &brand("brand1")).await.1["currency"], "EUR");
    assert_eq!(app.get(path, &brand("brand2")).await.0, 404);
    assert_eq!(count(&app, "/api/v1/brands", &operator()).await, 1);
    app.stop().await;
}

#[tokio::test]
async fn groups_are_read_by_their_brand_and_partners_are_found_by_the_group_that_they_are_in() {
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    of_campaign(&app, created(None)).await;
    let (default, gold) = (
        GroupId::default_of(&brand1()),
        GroupId::parse("grp_gold").unwrap(),
    );
    let accepted = EnrollmentAcceptedV1 {
        partner_id: "partner123".parse().unwrap(),
        terms_version: TermsVersion::FIRST,
        brand_id: Some(brand1()),
    };
    facts(&app, topic, &[("camp123", "enr_1", accepted.into())]).await;
    let sealed_name = Some(texts::seal(&texts::of_groups_name(&gold), "Gold"));
    let group = GroupCreatedV1 {
        link_limit: Some(3),
        sealed_name: sealed_name.clone(),
    };
    let moved = PartnerMovedV1 {
        partner_id: "partner123".parse().unwrap(),
        group_id: gold.clone(),
    };
    let shop = brand("brand1");
    let members = async |group: &GroupId| {
        count(&app, &format!("/api/v1/partners?group_id={group}"), &shop).await
    };
    assert_eq!((members(&default).await, members(&gold).await), (1, 0));
    facts(&app, topic, &[("brand1", gold.as_str(), group.into())]).await;
    facts(&app, topic, &[("brand1", "mem_1", moved.into())]).await;
    assert_eq!((members(&default).await, members(&gold).await), (0, 1));
    for (group, expected) in [(default.as_str(), 0), (gold.as_str(), 1), ("grp_none", 0)] {
        let path = format!("/api/v1/partners?group_id={group}");
        assert_eq!(count(&app, &path, &operator()).await, expected, "{group}");
    }
    let path = format!("/api/v1/partners?group_id={gold}");
    let (_, list) = app.get(&path, &operator()).await;
    assert_eq!(list["items"][0]["group_id"], gold.as_str());
    let (_, list) = app.get("/api/v1/groups", &shop).await;
    let shown = &list["items"];
    assert_eq!(
        (
            &shown[0]["name"],
            &shown[0]["link_limit"],
            &shown[0]["is_default"]
        ),
        (&json!("Gold"), &json!(3), &json!(false))
    );
    assert_eq!(
        (&shown[1]["id"], &shown[1]["is_default"]),
        (&json!(default.as_str()), &json!(true))
    );
    let (_, one) = app.get("/api/v1/partners/partner123", &shop).await;
    assert_eq!(one["group_id"], gold.as_str());
    let archived = GroupChangedV1 {
        status: GroupStatus::Archived,
        link_limit: None,
        sealed_name,
    };
    facts(&app, topic, &[("brand1", gold.as_str(), archived.into())]).await;
    assert_eq!((members(&default).await, members(&gold).await), (1, 0));
    assert_eq!(
        count(&app, "/api/v1/groups?status=archived", &shop).await,
        1
    );
    let other = brand("brand2");
    assert_eq!(count(&app, "/api/v1/groups", &other).await, 0);
    let path = format!("/api/v1/groups/{gold}");
    let named = "/api/v1/groups?brand_id=brand1";
    for path in [path.as_str(), named] {
        assert_eq!(app.get(path, &other).await.0, 404);
    }
    for path in [path.as_str(), named, "/api/v1/groups"] {
        assert_eq!(app.get(path, &partner123()).await.0, 403);
    }
    let path = "/api/v1/partners?brand_id=brand1";
    assert_eq!(count(&app, path, &operator()).await, 1);
    assert_eq!(app.get(path, &brand("brand2")).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn a_brands_record_and_its_default_group_are_read_since_the_first_event_that_names_it() {
    let app = bff().await;
    let topic = Topic::CampaignEvents;
    let key = ApiKeyCreatedV1 {
        brand_id: brand1(),
        prefix: "0123abcd".to_owned(),
        hash: "00".repeat(32),
        scopes: vec![ApiKeyScope::ReportsRead],
        expires_at: None,
    };
    let group = GroupCreatedV1 {
        link_limit: Some(3),
        sealed_name: None,
    };
    let (_, new) = app.get("/api/v1/brands/brand1", &brand("brand1")).await;
    assert_eq!(new["first_seen_at"], Value::Null);
    facts(
        &app,
        topic,
        &[
            ("key_1", "key_1", key.into()),
            ("brand2", "grp_gold", group.into()),
        ],
    )
    .await;
    for (name, groups) in [("brand1", 1), ("brand2", 2)] {
        let (own, path) = (brand(name), format!("/api/v1/brands/{name}"));
        let (_, seen) = app.get(&path, &own).await;
        assert!(seen["first_seen_at"].is_string(), "{seen}");
        assert_eq!(count(&app, "/api/v1/groups", &own).await, groups);
        let (_, list) = app.get("/api/v1/groups", &own).await;
        let oldest = &list["items"][groups - 1];
        assert_eq!(
            (&oldest["is_default"], &oldest["link_limit"]),
            (&json!(true), &Value::Null)
        );
    }
    // What is said of the default group changes it, and what names its brand again does not.
    let brand_id: BrandId = "brand2".parse().unwrap();
    let default = GroupId::default_of(&brand_id);
    let changed = GroupChangedV1 {
        status: GroupStatus::Active,
        link_limit: Some(7),
        sealed_name: None,
    };
    let named = BrandChangedV1 {
        currency: Some(Currency::EUR),
        sealed_name: None,
    };
    facts(
        &app,
        topic,
        &[
            ("brand2", default.as_str(), changed.into()),
            ("brand2", "brand2", named.into()),
        ],
    )
    .await;
    let path = format!("/api/v1/groups/{default}");
    let (_, one) = app.get(&path, &brand("brand2")).await;
    assert_eq!(
        (&one["link_limit"], &one["is_default"]),
        (&json!(7), &json!(true))
    );
    app.stop().await;
}

pub fn sold() -> ConversionAttributedV1 {
    ConversionAttributedV1 {
        event_type: ConversionType::Purchase,
        order_id: Some("order-1".parse().unwrap()),
        alias_id: None,
        campaign_id: "camp123".parse().unwrap(),
        brand_id: brand1(),
        partner_id: "partner123".parse().unwrap(),
        link_code: "lnk_1".parse().unwrap(),
        click_id: "clk_1".parse().unwrap(),
        amount: Some(Money::new(10_000, Currency::USD)),
        terms_version: TermsVersion::FIRST,
        occurred_at: Micros(1_795_000_000_000_000),
        verified_by: Some("brand".to_owned()),
        clicked_at: Some(Micros(1)),
        click_named: Some(true),
    }
}

#[tokio::test]
async fn a_conversion_is_read_by_its_partner_and_its_brand_with_what_went_back() {
    let app = bff().await;
    let topic = Topic::TrackingEvents;
    let path = format!("/api/v1/conversions/{SALE}");
    for (event, back) in [(Body::from(sold()), "0.00"), (quarter_refunded(), "25.00")] {
        facts(&app, topic, &[(SALE, SALE, event)]).await;
        for who in [partner123(), brand("brand1"), operator()] {
            let (_, one) = app.get(&path, &who).await;
            assert_eq!(
                (&one["status"], &one["amount"], &one["refunded"]),
                (&json!("attributed"), &json!("100.00"), &json!(back))
            );
            assert_eq!(one["verified_by"], "brand");
        }
    }
    for stranger in [partner("partner456"), brand("brand2")] {
        assert_eq!(app.get(&path, &stranger).await.0, 404);
        assert_eq!(count(&app, "/api/v1/conversions", &stranger).await, 0);
    }
    for (query, expected) in [
        (
            "campaign_id=camp123&partner_id=partner123&brand_id=brand1&order_id=order-1",
            1,
        ),
        ("status=attributed", 1),
        ("status=noted", 0),
        ("order_id=order-2", 0),
    ] {
        let path = format!("/api/v1/conversions?{query}");
        assert_eq!(
            count(&app, &path, &brand("brand1")).await,
            expected,
            "{query}"
        );
    }
    app.stop().await;
}

#[tokio::test]
async fn what_was_nobodys_is_the_newest_of_whose_it_becomes() {
    let app = bff().await;
    let later = format!("{SALE}-later");
    for (id, event) in [
        (SALE, nobodys("order-1")),
        (&later, sold().into()),
        (SALE, sold().into()),
    ] {
        facts(&app, Topic::TrackingEvents, &[(id, id, event)]).await;
    }
    let (_, list) = app.get("/api/v1/conversions", &partner123()).await;
    let ids = list["items"].as_array().unwrap().iter().map(|it| &it["id"]);
    assert_eq!(ids.collect::<Vec<_>>(), [SALE, later.as_str()], "{list}");
    app.stop().await;
}

/// Who has these roles, and a token that names this brand.
pub(crate) fn actor(roles: &[&str], brand_id: &str) -> Actor {
    Actor {
        subject: "somebody".to_owned(),
        roles: roles.iter().copied().map(str::to_owned).collect(),
        partner_id: None,
        brand_id: Some(brand_id.to_owned()),
    }
}

#[tokio::test]
async fn what_is_nobodys_is_read_by_the_brand_that_reported_it_and_by_no_other() {
    let app = bff().await;
    let topic = Topic::TrackingEvents;
    let by = [
        ("of_brand1", Some(actor(&["brand"], "brand1"))),
        ("of_brand2", Some(actor(&["brand"], "brand2"))),
        // Whoever is no brand speaks for none, whatever else it says.
        ("of_operator", Some(actor(&["operator", "brand"], "brand1"))),
        ("of_partner", Some(actor(&["partner"], "brand1"))),
        ("of_nobody", None),
    ];
    let reports = by.into_iter().zip(1..).map(|((id, actor), sequence)| {
        let mut event = message(topic, id, id, nobodys("order-1"), Some(sequence));
        event.header.actor = actor;
        event
    });
    app.deliver_all(topic, reports.collect()).await;
    let own = "/api/v1/conversions/of_brand1";
    for (who, is_its) in [
        (brand("brand1"), true),
        (operator(), true),
        (brand("brand2"), false),
        (partner123(), false),
    ] {
        let (status, one) = app.get(own, &who).await;
        assert_eq!(status, if is_its { 200 } else { 404 }, "{one}");
        if is_its {
            assert_eq!(
                (&one["status"], &one["reason"], &one["brand_id"]),
                (&json!("unattributed"), &json!("no_click"), &json!("brand1"))
            );
        }
    }
    for id in ["of_operator", "of_partner", "of_nobody"] {
        let path = format!("/api/v1/conversions/{id}");
        assert_eq!(app.get(&path, &brand("brand1")).await.0, 404, "{id}");
        let (_, one) = app.get(&path, &operator()).await;
        assert_eq!(one["brand_id"], Value::Null, "{id}");
    }
    let both = mint(&claims("both").partner("partner123").brand("brand1"));
    for (who, query, expected) in [
        (brand("brand1"), "", 1),
        (brand("brand1"), "?status=unattributed", 1),
        (brand("brand1"), "?status=attributed", 0),
        (brand("brand1"), "?status=noted", 0),
        (brand("brand1"), "?order_id=order-1", 1),
        (brand("brand1"), "?order_id=order-1&brand_id=brand1", 1),
        (brand("brand1"), "?order_id=order-1&brand_id=brand2", 0),
        (brand("brand1"), "?brand_id=brand1", 1),
        (brand("brand1"), "?brand_id=brand2", 0),
        (brand("brand1"), "?partner_id=partner123", 0),
        (brand("brand1"), "?campaign_id=camp123", 0),
        (brand("brand3"), "", 0),
        (both.clone(), "", 1),
        (both, "?status=unattributed", 1),
        (partner123(), "", 0),
        (partner123(), "?status=unattributed", 0),
        (partner123(), "?order_id=order-1", 0),
        (operator(), "", 5),
        (operator(), "?brand_id=brand1", 1),
        (operator(), "?brand_id=brand1&status=unattributed", 1),
        (operator(), "?order_id=order-1&brand_id=brand1", 1),
    ] {
        let path = format!("/api/v1/conversions{query}");
        assert_eq!(count(&app, &path, &who).await, expected, "{query}");
    }
    // Somebody's at last, it is its campaign's brand's as any other.
    let mut event = message(topic, "of_brand2", "of_brand2", sold().into(), Some(6));
    event.header.actor = Some(actor(&["brand"], "brand2"));
    app.deliver_all(topic, vec![event]).await;
    assert_eq!(
        count(&app, "/api/v1/conversions", &brand("brand1")).await,
        2
    );
    assert_eq!(
        count(&app, "/api/v1/conversions", &brand("brand2")).await,
        0
    );
    app.stop().await;
}

#[tokio::test]
async fn what_is_nobodys_is_shown_to_operators_until_it_is_somebodys() {
    let app = bff().await;
    let topic = Topic::TrackingEvents;
    let noted = ConversionRefundNotedV1 {
        amount: None,
        currency: None,
        order_id: Some("order-1".parse().unwrap()),
        campaign_id: None,
        click_id: None,
        user_hash: "00".repeat(32),
        occurred_at: Micros(1),
    };
    for (event, status, amount, reason) in [
        (Body::from(noted.clone()), "noted", json!(null), json!(null)),
        (
            nobodys("order-1"),
            "unattributed",
            json!("99.9"),
            json!("no_click"),
        ),
        (
            noted.into(),
            "unattributed",
            json!("99.9"),
            json!("no_click"),
        ),
        (sold().into(), "attributed", json!("100.00"), json!(null)),
    ] {
        facts(&app, topic, &[(SALE, SALE, event)]).await;
        let (_, list) = app.get("/api/v1/conversions", &operator()).await;
        let one = &list["items"][0];
        assert_eq!(
            (&one["status"], &one["amount"], &one["reason"]),
            (&json!(status), &amount, &reason)
        );
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let seen = usize::from(status == "attributed");
        for who in [partner123(), brand("brand1")] {
            assert_eq!(count(&app, "/api/v1/conversions", &who).await, seen);
        }
    }
    app.stop().await;
}
