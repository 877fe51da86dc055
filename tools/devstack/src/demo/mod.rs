//! The demo people, loaded through the bff's public interface as a client would.
//!
//! `partner123` is enrolled in `camp100` (10 %, no hold) and has sold one order of 2,000.00 there: balance 200.00.
//! `user123` has clicked its link. `camp123` is active and nobody is enrolled. Every write has a fixed idempotency key,
//! so loading again changes nothing but the click, which is renewed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::Url;
use reqwest::header::LOCATION;
use schemas::Service;
use serde_json::{Value, json};
use tokio::time::sleep;

pub mod client;
mod large;

use crate::progress::Progress;
use crate::settings::Settings;
use client::Client;

/// Tokens for the people of the demo, by what `generate-jwt` is told.
pub trait Tokens {
    /// A bearer token by `generate-jwt` with these arguments.
    fn token(&self, arguments: &[&str]) -> Result<String>;

    /// What a person types for one.
    fn typed(&self) -> String {
        "./tributary token".to_owned()
    }

    /// Where a person looks into the databases.
    fn database_page(&self) -> &'static str {
        "Databases: ./tributary database-page serves a page for them"
    }
}

/// How much is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Size {
    /// The few rows of the walk
    #[default]
    Small,
    /// And ninety days of 3 brands, 40 partners and 6 campaigns; on a stack that is fresh they end today
    Large,
}

/// What a fresh stack's services have to be told before their first start, so that the days end now.
pub const LARGE_STARTS: (&str, &str) = ("CLOCK_STARTS", large::STARTS);

/// Loads as much as is wanted; safe to repeat. The walk's people come last: what they did is new.
pub async fn load_sized(
    size: Size,
    settings: &Settings,
    tokens: &impl Tokens,
    progress: Progress,
) -> Result<()> {
    if size == Size::Large {
        large::load(settings, tokens, progress).await?;
    }
    load(settings, tokens, progress).await
}

const SETTLED_WITHIN: Duration = Duration::from_mins(1);

/// Loads the demo data; safe to repeat.
pub async fn load(settings: &Settings, tokens: &impl Tokens, progress: Progress) -> Result<()> {
    let step = progress.step("Demo data");
    let bff = settings.service_url(Service::Bff)?;
    let brand = Client::new(bff, tokens.token(&["--brand", "brand123"])?)?;
    let partner = Client::new(bff, tokens.token(&[])?)?;
    for campaign in ["camp100", "camp123"] {
        campaign_with_terms(&brand, campaign).await?;
    }
    let accept = json!({"accepted_terms": true});
    partner
        .write_once(
            "demo-accept-camp100",
            "campaigns/camp100/accept",
            &accept,
            "already_accepted",
        )
        .await?;
    let link = json!({"code": "demo100", "campaign_id": "camp100", "target_url": "https://shop.example.com/"});
    partner
        .write_once("demo-link", "links", &link, "link_exists")
        .await?;
    let click = click(settings.service_url(Service::Tracking)?, "demo100").await?;
    bind(&brand, &click, "user123").await?;
    sale(&brand, &click).await?;
    let balance = balance(&partner).await?;
    step.done(&format!("loaded; partner123's balance: {balance}"));
    Ok(())
}

/// Makes a campaign with terms and activates it.
pub async fn campaign_with_terms(brand: &Client, campaign: &str) -> Result<()> {
    let key = |what: &str| format!("demo-{what}-{campaign}");
    let create = json!({
        "campaign_id": campaign, "name": format!("Demo {campaign}"), "currency": "USD",
        "allowed_hosts": ["shop.example.com"],
    });
    let created = brand
        .write_once(&key("create"), "campaigns", &create, "campaign_exists")
        .await?;
    let activate = format!("campaigns/{campaign}/activate");
    if !created {
        // Another key made it. What is active has its terms and is given them no second time; a load that ended in between
        // may have left it without.
        let resumed = brand.outcome(&key("resume"), &activate, &json!({})).await?;
        match resumed["code"].as_str() {
            None | Some("already_active") => return Ok(()),
            Some("terms_not_published") => {}
            Some(_) => bail!("the demo's campaign {campaign} cannot be activated: {resumed}"),
        }
    }
    let terms = json!({
        "text": "Ten per cent of every sale.", "window_days": 30,
        "plan": {"sale": {"bps": 1000}, "lead": {"flat": {"amount": "5.00", "currency": "USD"}}, "hold_days": 0},
    });
    brand
        .write(
            &key("terms"),
            &format!("campaigns/{campaign}/terms"),
            &terms,
        )
        .await?;
    brand.write(&key("activate"), &activate, &json!({})).await
}

/// One order of 2,000.00, reported by the shop that sold it, with the click that led there. Reported again it is the same.
async fn sale(brand: &Client, click: &str) -> Result<()> {
    let sale = json!({
        "user_id": "user123", "event_type": "purchase", "order_id": "demo-order-1", "campaign_id": "camp100",
        "click_id": click, "amount": "2000.00", "currency": "USD",
    });
    let key = format!("demo-sale-{click}");
    brand.write(&key, "tracking/events", &sale).await
}

/// Whose a click was, as the brand's shop says.
pub async fn bind(brand: &Client, click: &str, user: &str) -> Result<()> {
    let path = format!("tracking/clicks/{click}/visitor");
    let key = format!("demo-bind-{click}");
    brand.write(&key, &path, &json!({"user_id": user})).await
}

/// A click on a link, at tracking's public edge: its id, as the shop's page gets it.
pub async fn click(tracking: &str, code: &str) -> Result<String> {
    let url = format!("{tracking}/c/{code}");
    let client = client::http()?;
    let end = Instant::now() + SETTLED_WITHIN;
    loop {
        // The link reaches tracking's redirect a moment after its command is done.
        let answer = client.get(&url).send().await?;
        let status = answer.status();
        if status.is_redirection() {
            let page = answer.headers().get(LOCATION).context("where to")?;
            let page = Url::parse(page.to_str()?)?;
            let mut query = page.query_pairs();
            let click = query.find(|(name, _)| name == "click_id");
            return Ok(click.context("no click_id in the redirect")?.1.into_owned());
        }
        if Instant::now() >= end {
            bail!("GET {url} answers {status} instead of a redirect");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Where a partner's money can be, of the accounts that a balance shows.
const ACCOUNT_TYPES: [&str; 3] = ["payable", "in_transit", "paid_out"];

/// The partner's balance, once the demo sale has reached it.
async fn balance(partner: &Client) -> Result<String> {
    let end = Instant::now() + SETTLED_WITHIN;
    loop {
        let found = partner.read("balances").await?;
        let items = found["items"].as_array().context("balances have items")?;
        // On a stack that has been used the money may have moved on already.
        let earned = |item: &&Value| {
            ACCOUNT_TYPES
                .iter()
                .any(|name| item["accounts"][name] != "0.00")
        };
        if let Some(item) = items.iter().find(earned) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            return Ok(format!(
                "{} {}",
                text(&item["accounts"]["payable"]),
                text(&item["currency"])
            ));
        }
        if Instant::now() >= end {
            bail!("the demo sale did not become a balance within {SETTLED_WITHIN:?}: {found}");
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Prints where everything is and what to try first.
pub fn show(settings: &Settings, tokens: &impl Tokens, progress: Progress) -> Result<()> {
    let token = tokens.token(&[])?;
    progress.note("");
    for service in Service::ALL {
        let url = settings.service_url(service)?;
        progress.note(&format!("{:<11} {url}   page: {url}/docs", service.name()));
    }
    let bff = settings.service_url(Service::Bff)?;
    progress.note("");
    progress.note(tokens.database_page());
    let command = tokens.typed();
    progress.note(&format!(
        "A bearer token of partner123 (another: {command} --help):"
    ));
    progress.note(&token);
    progress.note("");
    progress.note("Try first:");
    println!(
        "curl -i -X POST {bff}/api/v1/campaigns/camp123/accept \\\n  -H \"Authorization: Bearer $({command})\" \\\n  \
         -H 'Content-Type: application/json' -H 'Prefer: wait=5' \\\n  \
         -d '{{\"accepted_terms\": true, \"metadata\": {{\"source\": \"mobile_app\"}}}}'"
    );
    Ok(())
}
