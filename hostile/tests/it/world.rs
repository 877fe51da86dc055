//! The five services, each with things of two partners and two brands.
//!
//! What is one's own is called `…-mine`, another's `…-else`, and `…-none` is not there: names of one length, so that
//! answers about them can be compared letter by letter.

use std::collections::HashMap;

use host::testing::{
    TestService, brand, claims, mint, new_database, operator, partner, until, variables,
};
use money::{CampaignId, EnrollmentId, Micros, PartnerId};
use schemas::{
    Body, CampaignActivatedV1, CommissionCalculatedV1, ConversionAttributedV1,
    EnrollmentAcceptedV1, LedgerPostedV1, PayoutRequestedV1, Plan, SealingKeyPublishedV1, Service,
    TermsPublishedV1, Topic, Transfer, WireMoney,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whose a thing is.
pub const OWNERS: [&str; 3] = ["mine", "else", "none"];

/// A running service, and by owner what stands for `$name` in requests.
pub struct World {
    pub service: TestService,
    names: HashMap<(&'static str, &'static str), String>,
}

impl World {
    /// A service with things in it.
    pub async fn of(service: Service) -> Self {
        match service {
            Service::Bff => bff_world().await,
            Service::Campaign => campaign_world().await,
            Service::Tracking => tracking_world().await,
            Service::Commission => commission_world().await,
            Service::Payment => payment_world().await,
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
        for name in ["command", "conversion", "payout", "click"] {
            let absent = unknown(name);
            let value = self.names.get(&(owner, name)).unwrap_or(&absent);
            text = text.replace(&format!("${name}"), value);
        }
        text
    }

    /// An answer without what differs only because another thing was asked for.
    pub fn neutral(&self, text: &str, owner: &'static str) -> String {
        let mut text = text.to_owned();
        for name in ["command", "conversion", "payout", "click"] {
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
        "click" => "clk_00000000000070008000000000000000".to_owned(),
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

async fn campaign_world() -> World {
    let mut world = World::new(TestService::start(campaign::define).await);
    let campaigns = "/api/v1/campaign/campaigns";
    for owner in ["mine", "else"] {
        let (brand, partner) = (
            brand(&format!("brand-{owner}")),
            partner(&format!("partner-{owner}")),
        );
        for id in [format!("camp-{owner}"), format!("live-{owner}")] {
            let body = json!({"campaign_id": id, "name": "n", "currency": "USD", "allowed_hosts": ["a.example"]});
            world.post(campaigns, &brand, body).await;
            let plan = json!({"sale": {"bps": 1000}, "hold_days": 0});
            let terms = json!({"text": "Be honest.", "window_days": 30, "plan": plan});
            world
                .post(&format!("{campaigns}/{id}/terms"), &brand, terms)
                .await;
        }
        let live = format!("{campaigns}/live-{owner}");
        world
            .post(&format!("{live}/activate"), &brand, json!({}))
            .await;
        let yes = json!({"accepted_terms": true});
        world.post(&format!("{live}/accept"), &partner, yes).await;
        let photo = json!({"campaign_id": format!("live-{owner}"), "evidence_type": "photo",
            "file_url": format!("https://a.example/{owner}")});
        world
            .post("/api/v1/campaign/evidence", &partner, photo)
            .await;
    }
    world.name_commands().await;
    world
}

fn terms(owner: &str) -> Body {
    TermsPublishedV1 {
        version: 1,
        brand_id: format!("brand-{owner}"),
        currency: "USD".to_owned(),
        window_days: 30,
        plan: Plan {
            sale_bps: Some(1_000),
            sale_flat: None,
            lead_bps: None,
            lead_flat: None,
            hold_days: 0,
        },
        effective_at: Micros(1_790_000_000_000_000),
    }
    .into()
}

async fn tracking_world() -> World {
    let mut world = World::new(TestService::start(tracking::define).await);
    for owner in ["mine", "else"] {
        let (campaign, who) = (format!("camp-{owner}"), format!("partner-{owner}"));
        let activated = CampaignActivatedV1 {
            brand_id: format!("brand-{owner}"),
            allowed_hosts: vec!["a.example".to_owned()],
        };
        let accepted = EnrollmentAcceptedV1 {
            partner_id: who.clone(),
            terms_version: 1,
        };
        let ids = (CampaignId::parse(&*campaign), PartnerId::parse(&*who));
        let enrollment = EnrollmentId::of(&ids.0.unwrap(), &ids.1.unwrap()).into_string();
        for (subject, body) in [
            (&campaign, terms(owner)),
            (&campaign, activated.into()),
            (&enrollment, accepted.into()),
        ] {
            let topic = Topic::CampaignEvents;
            world.service.deliver(topic, &campaign, subject, body).await;
        }
        let link = json!({"campaign_id": campaign, "code": format!("link-{owner}"), "target_url": "https://a.example/"});
        world
            .post("/api/v1/tracking/links", &partner(&who), link)
            .await;
        let url = format!(
            "{}/c/link-{owner}?user_id=user-{owner}",
            world.service.base_url
        );
        let redirect = world.service.client.get(url).send().await.unwrap();
        let target = redirect.headers()["location"].to_str().unwrap().to_owned();
        let click = target.rsplit_once("click_id=").unwrap().1;
        world.name(owner, "click", click);
        let sale = json!({"user_id": format!("user-{owner}"), "event_type": "purchase", "amount": "10.00",
            "order_id": format!("order-{owner}"), "campaign_id": campaign});
        let sold = world
            .post("/api/v1/tracking/events", &operator(), sale)
            .await;
        assert_eq!(sold["outcome"], "attributed", "{sold}");
        let conversion = sold["conversion_id"].as_str().unwrap().to_owned();
        world.name(owner, "conversion", conversion);
    }
    world.name_commands().await;
    world
}

fn usd(minor: i64) -> WireMoney {
    WireMoney {
        minor,
        currency: "USD".to_owned(),
    }
}

async fn commission_world() -> World {
    let mut world = World::new(TestService::start(commission::define).await);
    for owner in ["mine", "else"] {
        let campaign = format!("camp-{owner}");
        let (topic, plan) = (Topic::CampaignEvents, terms(owner));
        world
            .service
            .deliver(topic, &campaign, &campaign, plan)
            .await;
        let conversion = Uuid::now_v7().to_string();
        let sale = ConversionAttributedV1 {
            event_type: "purchase".to_owned(),
            order_id: None,
            alias_id: None,
            campaign_id: campaign,
            brand_id: format!("brand-{owner}"),
            partner_id: format!("partner-{owner}"),
            link_code: format!("link-{owner}"),
            click_id: format!("clk-{owner}"),
            amount: Some(usd(10_000)),
            terms_version: 1,
            occurred_at: Micros(1_790_000_000_000_000),
        };
        let topic = Topic::TrackingEvents;
        world
            .service
            .deliver(topic, &conversion, &conversion, sale.into())
            .await;
        world.name(owner, "conversion", conversion);
    }
    world
}

/// That a partner earned 100.00 of a brand's money.
fn calculated(owner: &str) -> Body {
    CommissionCalculatedV1 {
        partner_id: format!("partner-{owner}"),
        brand_id: format!("brand-{owner}"),
        campaign_id: format!("camp-{owner}"),
        event_type: "purchase".to_owned(),
        base: Some(usd(100_000)),
        rate_bps: Some(1_000),
        flat: None,
        plan_version: 1,
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

async fn payment_world() -> World {
    let mut variables = variables(Service::Payment, &new_database().await);
    let own = [
        (
            "PAYMENT_DATA_KEY",
            "a data key for tests only, of more than 32 bytes",
        ),
        ("PAYOUT_PROVIDER_URL", "http://127.0.0.1:9"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut world = World::new(TestService::start_with(payment::define, variables).await);
    until("a sealing key", || async {
        let made = "SELECT count(*) FROM aside.sealing_keys";
        let count: i64 = sqlx::query_scalar(made)
            .fetch_one(world.service.pool())
            .await
            .unwrap();
        count > 0
    })
    .await;
    for owner in ["mine", "else"] {
        let conversion = Uuid::now_v7().to_string();
        let topic = Topic::CommissionEvents;
        world
            .service
            .deliver(topic, &conversion, &conversion, calculated(owner))
            .await;
        let token = partner(&format!("partner-{owner}"));
        let asked = world
            .post("/api/v1/payment/payouts", &token, payout())
            .await;
        world.name(owner, "payout", asked["id"].as_str().unwrap());
    }
    world.name_commands().await;
    world
}

async fn bff_world() -> World {
    let mut world = World::new(TestService::start(bff::define).await);
    let pair = sealing::KeyPair::generate().unwrap();
    let key = SealingKeyPublishedV1 {
        public_key: pair.public,
        not_after: pipeline::clock::now().checked_add_seconds(3_600).unwrap(),
    };
    let topic = Topic::PaymentEvents;
    world
        .service
        .deliver(topic, "key1", "key1", key.into())
        .await;
    for owner in ["mine", "else"] {
        let (who, conversion) = (format!("partner-{owner}"), Uuid::now_v7().to_string());
        let commissions = Topic::CommissionEvents;
        world
            .service
            .deliver(commissions, &conversion, &conversion, calculated(owner))
            .await;
        world.name(owner, "conversion", conversion);
        let earned = LedgerPostedV1 {
            transfers: vec![Transfer {
                id: Uuid::now_v7().to_string(),
                debit: format!("brand:brand-{owner}:funds"),
                credit: format!("partner:{who}:payable"),
                minor: 10_000,
                currency: "USD".to_owned(),
            }],
            cause: "commission.calculated.v1".to_owned(),
            conversion_id: None,
            reason: None,
        };
        world
            .service
            .deliver(topic, &who, &who, earned.into())
            .await;
        let id = format!("pay_{}", Uuid::now_v7().simple());
        let requested = PayoutRequestedV1 {
            amount: usd(500),
            method: "paypal".to_owned(),
            masked: "u***@a.example".to_owned(),
            transfer_id: Uuid::now_v7().to_string(),
        };
        world
            .service
            .deliver(topic, &who, &id, requested.into())
            .await;
        world.name(owner, "payout", id);
        let asked = world
            .post("/api/v1/payments/request", &partner(&who), payout())
            .await;
        world.name(owner, "command", asked["command_id"].as_str().unwrap());
    }
    world
}
