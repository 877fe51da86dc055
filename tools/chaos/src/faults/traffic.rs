//! Traffic that gives each fault its chance: purchases, refunds in thirds, repeated requests, two reports of one order at
//! once, clicks, payouts, and an external producer. What clients were answered with is kept.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, Response, redirect};
use schemas::{Service, Topic};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use devstack::demo::{self, Tokens};
use devstack::external_producer::ExternalProducer;
use devstack::local::LocalStack;
use devstack::producers::EXTERNAL_PRODUCER;
use invariants::{Acknowledged, Journal};

/// Clients at once.
const CLIENTS: u32 = 6;
/// A client that is not answered goes on.
const PATIENCE: Duration = Duration::from_secs(8);

/// Clients that go on until they are ended.
pub(super) struct Traffic {
    ended: Arc<AtomicBool>,
    clients: JoinSet<()>,
    journal: Arc<Mutex<Journal>>,
}

#[derive(Clone)]
struct Shop {
    http: Client,
    bff: String,
    /// Every process of tracking.
    tracking: Vec<String>,
    operator: String,
    partner: String,
    /// Two brands, each with a visitor who clicked a link in its campaign.
    brands: [(String, &'static str); 2],
    next: Arc<AtomicU32>,
    journal: Arc<Mutex<Journal>>,
}

impl Traffic {
    pub(super) async fn start(
        stack: &LocalStack,
        replicas: &[(Service, String)],
        other_brand: String,
    ) -> Result<Self> {
        let journal = Arc::default();
        let further = replicas
            .iter()
            .filter(|(service, _)| *service == Service::Tracking)
            .map(|(_, url)| url.clone());
        let shop = Shop {
            http: Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .redirect(redirect::Policy::none())
                .build()?,
            bff: stack.url(Service::Bff)?.to_owned(),
            tracking: [stack.url(Service::Tracking)?.to_owned()]
                .into_iter()
                .chain(further)
                .collect(),
            operator: stack.token(&["--role", "operator"])?,
            partner: stack.token(&[])?,
            brands: [
                (stack.token(&["--brand", "brand123"])?, "user123"),
                (other_brand, "user200"),
            ],
            next: Arc::default(),
            journal: Arc::clone(&journal),
        };
        let ended = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (shop, ended) = (shop.clone(), Arc::clone(&ended));
            clients.spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    // What fails was not taken, or is not known to be: the journal has only what was.
                    let _unknown = shop.act().await;
                }
            });
        }
        let producer = ExternalProducer::open(
            stack.settings(),
            Topic::TrackingCommands,
            EXTERNAL_PRODUCER.0,
        )
        .await?;
        clients.spawn(report_until(
            producer,
            Arc::clone(&ended),
            Arc::clone(&journal),
        ));
        Ok(Self {
            ended,
            clients,
            journal,
        })
    }

    /// Ends it; returns what clients were answered with.
    pub(super) async fn end(mut self) -> Journal {
        self.ended.store(true, Ordering::Relaxed);
        while self.clients.join_next().await.is_some() {}
        self.journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Shop {
    fn note(&self, change: impl FnOnce(&mut Journal)) {
        change(&mut self.journal.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn act(&self) -> Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        match number % 11 {
            10 => self.two_orders_of_one_number(number).await,
            0..=2 => self.sale_with_refunds(number).await,
            3 | 4 => self.same_request_twice(number).await,
            5 | 6 => self.one_order_by_two_ways(number).await,
            7 | 8 => self.click(number).await,
            _ => self.payout(number).await,
        }
    }

    /// A purchase that divides badly, and two thirds of it back.
    async fn sale_with_refunds(&self, number: u32) -> Result<()> {
        let order = format!("sale-{number}");
        let cents = 3_335 + 10 * (number % 7);
        let amount = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        let report = |kind: &str, cents| {
            json!({
                "user_id": "user123", "event_type": kind, "order_id": order, "campaign_id": "camp100",
                "amount": amount(cents), "currency": "USD",
            })
        };
        let path = "tracking/events";
        self.ask(
            &format!("{order}-p"),
            path,
            &report("purchase", cents),
            &self.operator,
        )
        .await?;
        for part in 1..=2 {
            let key = format!("{order}-r{part}");
            self.ask(&key, path, &report("refund", cents / 3), &self.operator)
                .await?;
        }
        Ok(())
    }

    /// Each brand has an order of that number, and one of them takes its own back before it is sold.
    async fn two_orders_of_one_number(&self, number: u32) -> Result<()> {
        let order = format!("twins-{number}");
        let [(one, its_visitor), (other, others_visitor)] = &self.brands;
        for (step, token, user, kind) in [
            ("early", other, its_visitor, "refund"),
            ("one", one, its_visitor, "purchase"),
            ("other", other, others_visitor, "purchase"),
        ] {
            let body = json!({
                "user_id": user, "event_type": kind, "order_id": order, "amount": "7.77", "currency": "USD",
            });
            self.ask(&format!("{order}-{step}"), "tracking/events", &body, token)
                .await?;
        }
        Ok(())
    }

    async fn payout(&self, number: u32) -> Result<()> {
        let body = json!({
            "amount": "0.50", "currency": "USD", "payment_method": "paypal",
            "account_details": {"email": "user@example.com"},
        });
        let key = format!("payout-{number}");
        self.ask(&key, "payments/request", &body, &self.partner)
            .await
    }

    /// By the bff, waiting for the outcome.
    async fn ask(&self, key: &str, path: &str, body: &Value, token: &str) -> Result<()> {
        let request = self.http.post(format!("{}/api/v1/{path}", self.bff));
        let request = request.bearer_auth(token).json(body);
        let request = request
            .header("Idempotency-Key", key)
            .header("Prefer", "wait=5");
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            let body: Value = answer.json().await?;
            let id: Uuid = body["command_id"].as_str().context("an id")?.parse()?;
            self.acknowledged(id, Service::Bff, status.as_u16());
        }
        Ok(())
    }

    fn acknowledged(&self, id: Uuid, by: Service, status: u16) {
        self.note(|journal| {
            if journal
                .commands
                .iter()
                .all(|acknowledged| acknowledged.id != id)
            {
                journal.commands.push(Acknowledged { id, by, status });
            }
        });
    }

    /// At tracking itself, with one key: a client that did not hear the answer.
    async fn same_request_twice(&self, number: u32) -> Result<()> {
        let order = format!("twice-{number}");
        for _ in 0..2 {
            let request = self.report(0, &order, "purchase", "12.35");
            let request = request.header("Idempotency-Key", &order);
            self.keep(&request.send().await?)?;
        }
        Ok(())
    }

    /// A pixel and a server report one order at the same time, and a shop's two programs a part of it back.
    async fn one_order_by_two_ways(&self, number: u32) -> Result<()> {
        let order = format!("both-{number}");
        for (kind, amount) in [("purchase", "12.35"), ("refund", "4.11")] {
            let reports = [0, 1].map(|way| self.report(way, &order, kind, amount).send());
            let [one, other] = reports;
            let (one, other) = tokio::join!(one, other);
            self.keep(&one?)?;
            self.keep(&other?)?;
        }
        Ok(())
    }

    fn report(&self, way: usize, order: &str, kind: &str, amount: &str) -> reqwest::RequestBuilder {
        let tracking = &self.tracking[way % self.tracking.len()];
        let body = json!({
            "user_id": "user123", "event_type": kind, "order_id": order, "campaign_id": "camp100",
            "amount": amount, "currency": "USD",
        });
        let url = format!("{tracking}/api/v1/tracking/events");
        self.http.post(url).json(&body)
    }

    fn keep(&self, answer: &Response) -> Result<()> {
        if !answer.status().is_success() {
            return Ok(());
        }
        let id = answer.headers().get("x-command-id").context("its id")?;
        self.acknowledged(
            id.to_str()?.parse()?,
            Service::Tracking,
            answer.status().as_u16(),
        );
        Ok(())
    }

    async fn click(&self, number: u32) -> Result<()> {
        let tracking = &self.tracking[0];
        let url = format!("{tracking}/c/demo100?visit={number}");
        let answer = self.http.get(url).send().await?;
        if answer.status().is_redirection() {
            let to = answer.headers().get("location").context("a target")?;
            let (_, click) = to.to_str()?.split_once("click_id=").context("a click")?;
            let click = click.split('&').next().unwrap_or_default().to_owned();
            self.note(|journal| journal.clicks.push(click));
        }
        Ok(())
    }
}

/// A campaign of another brand, into which `user200` came by a link; the brand's token.
pub(super) async fn another_brand(stack: &LocalStack) -> Result<String> {
    let (bff, token) = (
        stack.url(Service::Bff)?,
        stack.token(&["--brand", "brand200"])?,
    );
    demo::campaign_with_terms(&demo::client::Client::new(bff, token.clone())?, "camp200").await?;
    let partner = demo::client::Client::new(bff, stack.token(&[])?)?;
    let accept = json!({"accepted_terms": true});
    partner
        .write("accept-camp200", "campaigns/camp200/accept", &accept)
        .await?;
    let link = json!({"code": "demo200", "campaign_id": "camp200", "target_url": "https://shop.example.com/"});
    partner.write("link-camp200", "links", &link).await?;
    let click = demo::click(stack.url(Service::Tracking)?, "demo200").await?;
    let brand = demo::client::Client::new(bff, token.clone())?;
    demo::bind(&brand, &click, "user200").await?;
    Ok(token)
}

/// Reports by the broker; what it was given receipts for is kept.
async fn report_until(
    mut producer: ExternalProducer,
    ended: Arc<AtomicBool>,
    journal: Arc<Mutex<Journal>>,
) {
    // A page view twice in one batch meets tracking's tables; a lead twice is taken, and taken again.
    let mut kinds = ["page_view", "lead"].into_iter().cycle();
    while !ended.load(Ordering::Relaxed) {
        let kind = kinds.next().unwrap_or_default();
        if let Ok(id) = report(&mut producer, kind).await {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.commands.push(Acknowledged {
                id,
                by: Service::Tracking,
                status: 202,
            });
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}

async fn report(producer: &mut ExternalProducer, kind: &str) -> Result<Uuid> {
    let (id, receipt) = producer.report(kind).await?;
    tokio::time::timeout(PATIENCE, receipt).await??;
    Ok(id)
}
