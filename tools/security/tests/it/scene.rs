//! The services, each with things of two partners and two brands.
//!
//! What is one's own is called `…-mine`, another's `…-else`, and `…-none` is not there: names of one length, so that
//! answers about them can be compared letter by letter.

use std::collections::HashMap;

use runtime::testing::{
    TestService, brand, claims, mint, operator, partner, unmade_database, until, variables,
};
use schemas::{
    ApiKeyCreatedV1, Body, CampaignActivatedV1, CampaignCreatedV1, ClaimedSale,
    CommissionCalculatedV1, ConversionAttributedV1, ConversionClaimedV1, DepositAnnouncedV1,
    EnrollmentAcceptedV1, EnrollmentAppliedV1, EvidenceSubmittedV1, GroupCreatedV1, LedgerPostedV1,
    LinkCreatedV1, PayoutRequestedV1, Plan, SealingKeyPublishedV1, Service, StatementIssuedV1,
    TermsPublishedV1, Topic, Transfer, WithdrawalRequestedV1,
};
use serde_json::{Value, json};
use types::{
    ApiKeyId, ApiKeyScope, BrandId, CampaignId, ClaimId, ClickId, ConversionId, ConversionType,
    Currency, EnrollmentId, EvidenceId, GroupId, LinkCode, Micros, Money, Month, PartnerId,
    PayoutMethod, StatementId, TermsVersion, WindowDays,
};
use uuid::Uuid;

/// Whose a thing is.
pub const OWNERS: [&str; 3] = ["mine", "else", "none"];

/// What stands for something of an owner's in requests, as `$name`.
const NAMES: [&str; 19] = [
    "command",
    "unsubscribe",
    "correlation",
    "transfer",
    "conversion",
    "payout",
    "statement",
    "click",
    "claim",
    "key",
    "evidence",
    "deposit",
    "withdrawal",
    "group",
    "hook",
    "partnerhook",
    "sparehook",
    "delivery",
    "workflow",
];

/// A running service, and by owner what stands for `$name` in requests.
pub struct Scene {
    pub service: TestService,
    names: HashMap<(&'static str, &'static str), String>,
}

impl Scene {
    /// A service with things in it.
    pub async fn of(service: Service) -> Self {
        match service {
            Service::Bff => bff_scene().await,
            Service::Campaign => campaign_scene().await,
            Service::Tracking => tracking_scene().await,
            Service::Commission => commission_scene().await,
            Service::Payment => payment_scene().await,
            Service::Notify => notify_scene().await,
        }
    }

    fn new(service: TestService) -> Self {
        let names = HashMap::new();
        Self { service, names }
    }

    fn name(&mut self, owner: &'static str, name: &'static str, value: impl Into<String>) {
        self.names.insert((owner, name), value.into());
    }

    /// A text of a request with this owner's things in it.
    pub fn fill(&self, text: &str, owner: &'static str) -> String {
        let mut text = text.replace("$who", owner);
        let new = Uuid::now_v7().simple().to_string();
        text = text.replace("$new", &new);
        for name in NAMES {
            let absent = unknown(name);
            let value = self.names.get(&(owner, name)).unwrap_or(&absent);
            text = text.replace(&format!("${name}"), value);
        }
        text
    }

    /// An answer without what differs only because another thing was asked for.
    pub fn neutral(&self, text: &str, owner: &'static str) -> String {
        let mut text = text.to_owned();
        for name in NAMES {
            let absent = unknown(name);
            let value = self.names.get(&(owner, name)).unwrap_or(&absent);
            text = text.replace(value.as_str(), "$");
        }
        text.replace(&format!("-{owner}"), "-$")
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let (status, answer) = self.service.post(path, token, &body).await;
        assert!(status.is_success(), "{path} {body}: {answer}");
        answer
    }

    /// The commands that the partners asked for, as the service knows them.
    async fn name_commands(&mut self) {
        for owner in ["mine", "else"] {
            let id: Option<Uuid> =
                sqlx::query_scalar("SELECT id FROM pipeline.inbox WHERE actor = $1 LIMIT 1")
                    .bind(format!("partner-{owner}"))
                    .fetch_optional(self.service.pool())
                    .await
                    .unwrap();
            if let Some(id) = id {
                self.name(owner, "command", id.to_string());
            }
        }
    }
}

/// An id of nothing.
fn unknown(name: &str) -> String {
    match name {
        "payout" => "pay_00000000000070008000000000000000".to_owned(),
        "click" => "clk_000000000000700080000000000000".to_owned(),
        "key" => "key_00000000000070008000000000000000".to_owned(),
        "claim" => "clm_00000000000070008000000000000000".to_owned(),
        "deposit" => "dep_00000000000070008000000000000000".to_owned(),
        "withdrawal" => "wdr_00000000000070008000000000000000".to_owned(),
        "hook" | "partnerhook" | "sparehook" => "whe_00000000000070008000000000000000".to_owned(),
        _ => "00000000-0000-7000-8000-000000000000".to_owned(),
    }
}

/// Who asks: without a role but with the ids, as partner, as brand, as operator.
pub fn tokens() -> [(&'static str, String); 4] {
    let mut nobody = claims("nobody");
    nobody.partner_id = Some("partner-mine".to_owned());
    nobody.brand_id = Some("brand-mine".to_owned());
    [
        ("nobody", mint(&nobody)),
        ("partner", partner("partner-mine")),
        ("brand", brand("brand-mine")),
        ("operator", operator()),
    ]
}

async fn campaign_scene() -> Scene {
    let mut scene = Scene::new(TestService::start(campaign::define).await);
    let campaigns = "/api/v1/campaign/campaigns";
    for owner in ["mine", "else"] {
        let (brand, partner) = (
            brand(&format!("brand-{owner}")),
            partner(&format!("partner-{owner}")),
        );
        for id in [format!("camp-{owner}"), format!("live-{owner}")] {
            let body = json!({"campaign_id": id, "name": "n", "currency": "USD", "allowed_hosts": ["a.example"]});
            scene.post(campaigns, &brand, body).await;
            let plan = json!({"sale": {"bps": 1000}, "hold_days": 0});
            let terms = json!({"text": "Be honest.", "window_days": 30, "plan": plan});
            scene
                .post(&format!("{campaigns}/{id}/terms"), &brand, terms)
                .await;
        }
        let live = format!("{campaigns}/live-{owner}");
        scene
            .post(&format!("{live}/activate"), &brand, json!({}))
            .await;
        let yes = json!({"accepted_terms": true});
        scene.post(&format!("{live}/accept"), &partner, yes).await;
        let photo = json!({"campaign_id": format!("live-{owner}"), "evidence_type": "photo",
            "file_url": format!("https://a.example/{owner}")});
        let shown = scene
            .post("/api/v1/campaign/evidence", &partner, photo)
            .await;
        let read = json!({"scopes": ["reports.read"]});
        let made = scene.post("/api/v1/campaign/keys", &brand, read).await;
        scene.name(owner, "key", made["key_id"].as_str().unwrap());
        let evidence = shown["evidence_id"].as_str().unwrap().to_owned();
        scene.name(owner, "evidence", evidence);
        let group = json!({"name": "n"});
        let made = scene.post("/api/v1/campaign/groups", &brand, group).await;
        let group = made["group_id"].as_str().unwrap().to_owned();
        scene.name(owner, "group", group);
    }
    scene.name_commands().await;
    scene
}

fn campaign_of(owner: &str) -> CampaignId {
    CampaignId::parse(format!("camp-{owner}")).unwrap()
}

fn partner_of(owner: &str) -> PartnerId {
    PartnerId::parse(format!("partner-{owner}")).unwrap()
}

fn brand_of(owner: &str) -> BrandId {
    BrandId::parse(format!("brand-{owner}")).unwrap()
}

fn terms(owner: &str) -> Body {
    TermsPublishedV1 {
        version: TermsVersion::FIRST,
        brand_id: brand_of(owner),
        currency: Currency::USD,
        window_days: WindowDays::new(30).unwrap(),
        plan: Plan {
            sale_bps: Some(1_000),
            sale_flat: None,
            lead_bps: None,
            lead_flat: None,
            hold_days: 0,
        },
        effective_at: Micros(1_790_000_000_000_000),
        text_hash: None,
        worsens: None,
        sealed_text: None,
    }
    .into()
}

fn activated(owner: &str) -> Body {
    CampaignActivatedV1 {
        brand_id: brand_of(owner),
        allowed_hosts: vec!["a.example".to_owned()],
        fallback_url: None,
        starts_at: None,
        trusts_redirects: None,
        ends_at: None,
    }
    .into()
}

async fn tracking_scene() -> Scene {
    let mut scene = Scene::new(TestService::start(tracking::define).await);
    for owner in ["mine", "else"] {
        let (campaign, who) = (campaign_of(owner), partner_of(owner));
        let accepted = EnrollmentAcceptedV1 {
            partner_id: who.clone(),
            terms_version: TermsVersion::FIRST,
            brand_id: None,
        };
        let enrollment = EnrollmentId::of(&campaign, &who);
        let (campaign, who) = (campaign.as_str(), who.as_str());
        for (subject, body) in [
            (campaign, terms(owner)),
            (campaign, activated(owner)),
            (enrollment.as_str(), accepted.into()),
        ] {
            let topic = Topic::CampaignEvents;
            scene.service.deliver(topic, campaign, subject, body).await;
        }
        let link = json!({"campaign_id": campaign, "code": format!("link-{owner}"), "target_url": "https://a.example/"});
        scene
            .post("/api/v1/tracking/links", &partner(who), link)
            .await;
        let url = format!("{}/c/link-{owner}", scene.service.base_url);
        let redirect = scene.service.client.get(url).send().await.unwrap();
        let target = redirect.headers()["location"].to_str().unwrap().to_owned();
        let click = target.rsplit_once("click_id=").unwrap().1;
        scene.name(owner, "click", click);
        let visitor = json!({"user_id": format!("user-{owner}")});
        scene
            .post(
                &format!("/api/v1/tracking/clicks/{click}/visitor"),
                &operator(),
                visitor,
            )
            .await;
        let sale = json!({"user_id": format!("user-{owner}"), "event_type": "purchase", "amount": "10.00",
            "order_id": format!("order-{owner}"), "campaign_id": campaign});
        let sold = scene
            .post("/api/v1/tracking/events", &operator(), sale)
            .await;
        assert_eq!(sold["outcome"], "attributed", "{sold}");
        let conversion = sold["conversion_id"].as_str().unwrap().to_owned();
        scene.name(owner, "conversion", conversion);
        let sale = json!({"user_id": format!("user-{owner}"), "event_type": "purchase", "amount": "10.00",
            "order_id": format!("claimed-{owner}"), "campaign_id": campaign});
        let claimed = scene
            .post("/api/v1/tracking/events", &partner(who), sale)
            .await;
        assert_eq!(claimed["outcome"], "claimed", "{claimed}");
        scene.name(owner, "claim", claimed["claim_id"].as_str().unwrap());
    }
    scene.name_commands().await;
    scene
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// That a partner's click led to an order of a brand's.
fn sold(owner: &str) -> Body {
    ConversionAttributedV1 {
        event_type: ConversionType::Purchase,
        order_id: None,
        alias_id: None,
        campaign_id: campaign_of(owner),
        brand_id: brand_of(owner),
        partner_id: partner_of(owner),
        link_code: LinkCode::parse(format!("link-{owner}")).unwrap(),
        click_id: ClickId::parse(format!("clk-{owner}")).unwrap(),
        amount: Some(usd(10_000)),
        terms_version: TermsVersion::FIRST,
        occurred_at: Micros(1_790_000_000_000_000),
        verified_by: Some("brand".to_owned()),
        clicked_at: None,
        click_named: None,
    }
    .into()
}

async fn commission_scene() -> Scene {
    let mut scene = Scene::new(TestService::start(commission::define).await);
    for owner in ["mine", "else"] {
        let campaign = campaign_of(owner);
        let (topic, id) = (Topic::CampaignEvents, campaign.as_str());
        scene.service.deliver(topic, id, id, terms(owner)).await;
        let conversion = Uuid::now_v7().to_string();
        let topic = Topic::TrackingEvents;
        scene
            .service
            .deliver(topic, &conversion, &conversion, sold(owner))
            .await;
        scene.name(owner, "conversion", conversion);
    }
    scene
}

/// That a partner earned 100.00 of a brand's money.
fn calculated(owner: &str) -> Body {
    CommissionCalculatedV1 {
        partner_id: partner_of(owner),
        brand_id: brand_of(owner),
        campaign_id: campaign_of(owner),
        event_type: ConversionType::Purchase,
        base: Some(usd(100_000)),
        rate_bps: Some(1_000),
        flat: None,
        plan_version: TermsVersion::FIRST,
        rounding: "half_even".to_owned(),
        amount: usd(10_000),
        status: "approved".to_owned(),
        hold_until: None,
    }
    .into()
}

fn payout() -> Value {
    json!({"amount": "1.00", "currency": "USD", "payment_method": "paypal",
        "account_details": {"email": "user@a.example"}})
}

async fn payment_scene() -> Scene {
    let mut variables = variables(Service::Payment, &unmade_database());
    let own = [
        (
            "PAYMENT_DATA_KEY",
            "a data key for tests only, of more than 32 bytes",
        ),
        ("PAYOUT_PROVIDER_URL", "http://127.0.0.1:9"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut scene = Scene::new(TestService::start_with(payment::define, variables).await);
    until("a sealing key", || async {
        let made = "SELECT count(*) FROM aside.sealing_keys";
        let count: i64 = sqlx::query_scalar(made)
            .fetch_one(scene.service.pool())
            .await
            .unwrap();
        count > 0
    })
    .await;
    for owner in ["mine", "else"] {
        let conversion = Uuid::now_v7().to_string();
        let topic = Topic::CommissionEvents;
        scene
            .service
            .deliver(topic, &conversion, &conversion, calculated(owner))
            .await;
        let token = partner(&format!("partner-{owner}"));
        let requested = scene
            .post("/api/v1/payment/payouts", &token, payout())
            .await;
        scene.name(owner, "payout", requested["id"].as_str().unwrap());
        funds_of(&mut scene, owner).await;
    }
    scene.name_commands().await;
    scene
}

/// Webhook endpoints of each brand and partner, of which nothing is sent anywhere, and a delivery to a brand's.
async fn notify_scene() -> Scene {
    let mut scene = Scene::new(TestService::start(notify::define).await);
    for owner in ["mine", "else"] {
        let url = json!({"url": "https://hooks.invalid.example/"});
        let who = [
            ("partnerhook", partner(&format!("partner-{owner}"))),
            ("hook", brand(&format!("brand-{owner}"))),
            ("sparehook", brand(&format!("brand-{owner}"))),
        ];
        for (name, token) in who {
            let made = scene.post("/api/v1/notify/webhooks", &token, url.clone());
            let made = made.await["endpoint_id"].as_str().unwrap().to_owned();
            scene.name(owner, name, made);
        }
        let sold_by = sold(owner);
        let conversion = Uuid::now_v7().to_string();
        let topic = Topic::TrackingEvents;
        scene
            .service
            .deliver(topic, &conversion, &conversion, sold_by)
            .await;
        let hook = scene.fill("$hook", owner);
        let delivery: Uuid =
            sqlx::query_scalar("SELECT id FROM webhook_deliveries WHERE endpoint_id = $1")
                .bind(hook)
                .fetch_one(scene.service.pool())
                .await
                .unwrap();
        scene.name(owner, "delivery", delivery.to_string());
        onboarding_of(&mut scene, owner).await;
    }
    scene.name_commands().await;
    scene
}

/// What a brand wants done with applications, and a workflow of one.
async fn onboarding_of(scene: &mut Scene, owner: &'static str) {
    let (id, partner) = (format!("brand-{owner}"), format!("partner-{owner}"));
    let url = format!("{}/api/v1/notify/onboarding", scene.service.base_url);
    let request = scene.service.client.put(url).bearer_auth(brand(&id));
    let answer = request.json(&json!({"enabled": true})).send().await;
    assert!(answer.unwrap().status().is_success());
    let campaign = format!("camp-{owner}");
    let applied = EnrollmentAppliedV1 {
        partner_id: partner.parse().unwrap(),
        brand_id: id.parse().unwrap(),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    let enrollment = EnrollmentId::of(&campaign.parse().unwrap(), &partner.parse().unwrap());
    let topic = Topic::CampaignEvents;
    scene
        .service
        .deliver(topic, &campaign, enrollment.as_str(), applied.into())
        .await;
    let workflow: String = sqlx::query_scalar("SELECT id FROM workflows WHERE brand_id = $1")
        .bind(id)
        .fetch_one(scene.service.pool())
        .await
        .unwrap();
    scene.name(owner, "workflow", workflow);
}

/// A brand's account, some money in its funds, a deposit and a withdrawal under way.
async fn funds_of(scene: &mut Scene, owner: &'static str) {
    let token = brand(&format!("brand-{owner}"));
    let api = "/api/v1/payment";
    let name = json!({"name": "reserve"});
    scene.post(&format!("{api}/accounts"), &token, name).await;
    let money = |amount: &str| json!({"amount": amount, "currency": "USD"});
    let deposits = format!("{api}/deposits");
    let cleared = scene.post(&deposits, &token, money("1000.00")).await;
    let settle = format!("{deposits}/{}/settle", cleared["id"].as_str().unwrap());
    scene
        .post(&settle, &operator(), json!({"status": "cleared"}))
        .await;
    let deposit = scene.post(&deposits, &token, money("5.00")).await;
    scene.name(owner, "deposit", deposit["id"].as_str().unwrap());
    let withdrawal = scene
        .post(&format!("{api}/withdrawals"), &token, money("5.00"))
        .await;
    scene.name(owner, "withdrawal", withdrawal["id"].as_str().unwrap());
}

/// That a deposit and a withdrawal of a brand's are under way.
async fn bank_transfers_of(scene: &mut Scene, owner: &'static str) {
    let topic = Topic::PaymentEvents;
    let id = format!("dep_{}", Uuid::now_v7().simple());
    let announced = DepositAnnouncedV1 {
        brand_id: brand_of(owner),
        account: None,
        amount: usd(500),
        reference: None,
        transfer_id: Uuid::now_v7(),
    };
    scene
        .service
        .deliver(topic, &id, &id, announced.into())
        .await;
    scene.name(owner, "deposit", id);
    let id = format!("wdr_{}", Uuid::now_v7().simple());
    let requested = WithdrawalRequestedV1 {
        brand_id: brand_of(owner),
        account: None,
        amount: usd(500),
        reference: None,
        transfer_id: Uuid::now_v7(),
    };
    scene
        .service
        .deliver(topic, &id, &id, requested.into())
        .await;
    scene.name(owner, "withdrawal", id);
}

/// A brand's campaign in draft, and an active one.
async fn campaigns_of(service: &mut TestService, owner: &str) {
    let topic = Topic::CampaignEvents;
    for id in [format!("camp-{owner}"), format!("live-{owner}")] {
        let created = CampaignCreatedV1 {
            brand_id: brand_of(owner),
            name: "n".to_owned(),
            currency: Currency::USD,
            allowed_hosts: vec!["a.example".to_owned()],
            fallback_url: None,
            join: None,
            description: None,
            landing_url: None,
            starts_at: None,
            trusts_redirects: None,
            ends_at: None,
            budget: None,
        };
        for event in [created.into(), terms(owner)] {
            service.deliver(topic, &id, &id, event).await;
        }
    }
    let live = format!("live-{owner}");
    service.deliver(topic, &live, &live, activated(owner)).await;
}

fn shown(owner: &str) -> Body {
    EvidenceSubmittedV1 {
        partner_id: partner_of(owner),
        evidence_type: "photo".to_owned(),
        url_hash: "00".repeat(32),
        content_hash: None,
        replaces: None,
        duplicate_of: None,
        sealed_url: None,
        sealed_metadata: None,
    }
    .into()
}

/// A brand's API key.
async fn api_key_of(scene: &mut Scene, owner: &'static str) {
    let key = ApiKeyId::of_command(Uuid::now_v7());
    let created = ApiKeyCreatedV1 {
        brand_id: brand_of(owner),
        prefix: "0123abcd".to_owned(),
        hash: "00".repeat(32),
        scopes: vec![ApiKeyScope::ReportsRead],
        expires_at: None,
    };
    let (topic, id) = (Topic::CampaignEvents, key.as_str());
    scene.service.deliver(topic, id, id, created.into()).await;
    scene.name(owner, "key", id);
}

/// What a partner has shown for a brand's campaign.
async fn evidence_of(scene: &mut Scene, owner: &'static str) {
    let campaign = format!("live-{owner}");
    let id = CampaignId::parse(campaign.as_str()).unwrap();
    let evidence = EvidenceId::of(&id, &partner_of(owner), "photo", "https://a.example/");
    let (topic, evidence) = (Topic::CampaignEvents, evidence.into_string());
    scene
        .service
        .deliver(topic, &campaign, &evidence, shown(owner))
        .await;
    scene.name(owner, "evidence", evidence);
}

/// A group of the brand, and its partner in the campaign.
async fn group_of(scene: &mut Scene, owner: &'static str) {
    let (topic, campaign) = (Topic::CampaignEvents, format!("live-{owner}"));
    let group = GroupId::of_command(Uuid::now_v7()).into_string();
    let made = GroupCreatedV1 {
        link_limit: None,
        sealed_name: None,
    };
    scene
        .service
        .deliver(topic, brand_of(owner).as_str(), &group, made.into())
        .await;
    scene.name(owner, "group", group);
    let accepted = EnrollmentAcceptedV1 {
        partner_id: partner_of(owner),
        terms_version: TermsVersion::FIRST,
        brand_id: Some(brand_of(owner)),
    };
    let enrollment = format!("enr_{owner}");
    scene
        .service
        .deliver(topic, &campaign, &enrollment, accepted.into())
        .await;
}

/// What a partner claims.
async fn claim_of(scene: &mut Scene, owner: &'static str) {
    let conversion = ConversionId::of_command(Uuid::now_v7());
    let claim = ClaimId::of(&conversion, &partner_of(owner));
    let claimed = ConversionClaimedV1 {
        sale: ClaimedSale {
            conversion_id: conversion,
            event_type: ConversionType::Purchase,
            order_id: None,
            campaign_id: campaign_of(owner),
            brand_id: brand_of(owner),
            partner_id: partner_of(owner),
            link_code: LinkCode::parse(format!("link-{owner}")).unwrap(),
            click_id: ClickId::parse(format!("clk-{owner}")).unwrap(),
            amount: Some(usd(10_000)),
            terms_version: TermsVersion::FIRST,
            occurred_at: Micros(1_790_000_000_000_000),
        },
        user_hash: None,
    };
    let id = claim.as_str();
    let events = Topic::TrackingEvents;
    scene.service.deliver(events, id, id, claimed.into()).await;
    scene.name(owner, "claim", id);
}

async fn bff_scene() -> Scene {
    let mut scene = Scene::new(TestService::start(bff::define).await);
    let pair = sealing::KeyPair::generate().unwrap();
    let key = SealingKeyPublishedV1 {
        public_key: pair.public,
        not_after: messaging::clock::now().checked_add_seconds(3_600).unwrap(),
    };
    let topic = Topic::PaymentEvents;
    scene
        .service
        .deliver(topic, "key1", "key1", key.into())
        .await;
    for owner in ["mine", "else"] {
        let (who, conversion) = (format!("partner-{owner}"), Uuid::now_v7().to_string());
        let commissions = Topic::CommissionEvents;
        scene
            .service
            .deliver(commissions, &conversion, &conversion, calculated(owner))
            .await;
        let events = Topic::TrackingEvents;
        scene
            .service
            .deliver(events, &conversion, &conversion, sold(owner))
            .await;
        scene.name(owner, "conversion", conversion);
        let unsubscribe = api::unsubscribe::Unsubscribe {
            contact: types::ContactId::of_partner(&partner_of(owner)),
            address: Uuid::nil(),
            group: types::MailGroup::Earnings,
        };
        scene.name(owner, "unsubscribe", unsubscribe.token());
        let code = format!("link-{owner}");
        let made = LinkCreatedV1 {
            campaign_id: campaign_of(owner),
            partner_id: partner_of(owner),
            target_url: "https://a.example/".to_owned(),
            utm: None,
            deep_paths: None,
            brand_id: None,
        };
        scene
            .service
            .deliver(events, &code, &code, made.into())
            .await;
        campaigns_of(&mut scene.service, owner).await;
        evidence_of(&mut scene, owner).await;
        group_of(&mut scene, owner).await;
        let topic = Topic::PaymentEvents;
        let transfer = Uuid::now_v7();
        scene.name(owner, "transfer", transfer.to_string());
        let earned = LedgerPostedV1 {
            transfers: vec![Transfer {
                id: transfer,
                debit: format!("brand:brand-{owner}:funds"),
                credit: format!("partner:{who}:payable"),
                minor: 10_000,
                currency: Currency::USD,
            }],
            cause: "commission.calculated.v1".to_owned(),
            conversion_id: None,
            reason: None,
        };
        scene
            .service
            .deliver(topic, &who, &who, earned.into())
            .await;
        let id = format!("pay_{}", Uuid::now_v7().simple());
        let requested = PayoutRequestedV1 {
            amount: usd(500),
            method: PayoutMethod::Paypal,
            masked: "u***@a.example".to_owned(),
            transfer_id: Uuid::now_v7(),
        };
        scene
            .service
            .deliver(topic, &who, &id, requested.into())
            .await;
        scene.name(owner, "payout", id);
        let month = Month::of(Micros(0)).unwrap();
        let id = StatementId::of(&partner_of(owner), month).into_string();
        let issued = StatementIssuedV1 {
            month,
            lines: Vec::new(),
            through: 1,
        };
        scene.service.deliver(topic, &who, &id, issued.into()).await;
        scene.name(owner, "statement", id);
        api_key_of(&mut scene, owner).await;
        bank_transfers_of(&mut scene, owner).await;
        claim_of(&mut scene, owner).await;
        let requested = scene
            .post("/api/v1/payments/request", &partner(&who), payout())
            .await;
        scene.name(owner, "command", requested["command_id"].as_str().unwrap());
        let request = requested["correlation_id"].as_str().unwrap();
        scene.name(owner, "correlation", request);
    }
    scene
}
