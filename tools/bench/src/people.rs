//! A campaign with partners, links and users that clicked them, made through the public interface with fixed
//! idempotency keys, so that a second run finds them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use reqwest::StatusCode;
use schemas::Service;
use serde_json::json;

use devstack::demo::Tokens;
use devstack::demo::client::{Client, http};
use devstack::producers::BENCHMARK;
use devstack::settings::Settings;

/// Partners of the benchmark's campaign.
const PARTNERS: usize = 50;
/// Users that have clicked one partner's link each.
const USERS: usize = 2_000;
/// Requests at once.
const AT_ONCE: usize = 8;
const CAMPAIGN: &str = "benchmark";

/// A user who has clicked a link.
#[derive(Clone)]
pub struct Buyer {
    pub user: String,
    /// Of the link.
    pub campaign: String,
    /// The brand's system, which reports.
    pub producer: String,
}

/// Who buys what.
pub struct People {
    /// The campaign of the first buyer.
    pub campaign: String,
    /// Users that have clicked.
    pub buyers: Vec<Buyer>,
    /// Which of so many buys the nth time.
    pub turn: fn(u64, u64) -> u64,
}

impl People {
    /// Who buys the nth time.
    pub fn buyer(&self, number: u64) -> &Buyer {
        let index = (self.turn)(number, self.buyers.len() as u64);
        &self.buyers[usize::try_from(index).unwrap_or(0)]
    }
}

/// Makes what is missing.
pub async fn prepare(settings: &Settings, tokens: &impl Tokens) -> Result<People> {
    let bff = settings.service_url(Service::Bff)?;
    let brand = Client::new(bff, shop_token(tokens)?)?;
    let at = "campaigns";
    let create = json!({"campaign_id": CAMPAIGN, "name": "Benchmark", "currency": "USD", "allowed_hosts": ["shop.example"], "trusts_redirects": true});
    brand.write("bench-create", at, &create).await?;
    let terms = json!({
        "text": "Ten per cent of every sale.", "window_days": 30,
        "plan": {"sale": {"bps": 1000}, "hold_days": 0},
    });
    brand
        .write("bench-terms", &format!("{at}/{CAMPAIGN}/terms"), &terms)
        .await?;
    brand
        .write(
            "bench-activate",
            &format!("{at}/{CAMPAIGN}/activate"),
            &json!({}),
        )
        .await?;

    let links = futures::stream::iter(0..PARTNERS)
        .map(|number| enroll(bff, tokens, number))
        .buffered(AT_ONCE)
        .collect::<Vec<Result<String>>>()
        .await;
    let links = links.into_iter().collect::<Result<Vec<_>>>()?;
    let users: Vec<String> = (0..USERS)
        .map(|number| format!("bench-user-{number}"))
        .collect();
    let (http, tracking) = (http()?, settings.service_url(Service::Tracking)?);
    let clicks = futures::stream::iter(users.iter().enumerate())
        .map(|(number, user)| click(&http, tracking, &links[number % links.len()], user))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<Result<()>>>()
        .await;
    clicks.into_iter().collect::<Result<Vec<()>>>()?;
    let buyer = |user| Buyer {
        user,
        campaign: CAMPAIGN.to_owned(),
        producer: BENCHMARK.0.to_owned(),
    };
    Ok(People {
        campaign: CAMPAIGN.to_owned(),
        buyers: users.into_iter().map(buyer).collect(),
        turn: |number, many| number % many,
    })
}

/// The token of the brand whose campaign it is.
pub fn shop_token(tokens: &(impl Tokens + ?Sized)) -> Result<String> {
    tokens.token(&["--brand", "bench-brand"])
}

/// The token of one of the partners.
pub fn token_of(tokens: &(impl Tokens + ?Sized), number: usize) -> Result<String> {
    let partner = format!("bench-partner-{number}");
    tokens.token(&["--subject", &partner, "--partner", &partner])
}

async fn enroll(bff: &str, tokens: &impl Tokens, number: usize) -> Result<String> {
    let client = Client::new(bff, token_of(tokens, number)?)?;
    let accept = json!({"accepted_terms": true});
    client
        .write(
            "bench-accept",
            &format!("campaigns/{CAMPAIGN}/accept"),
            &accept,
        )
        .await?;
    let code = format!("bench{number}");
    let link =
        json!({"campaign_id": CAMPAIGN, "code": code, "target_url": "https://shop.example/"});
    client.write("bench-link", "links", &link).await?;
    Ok(code)
}

async fn click(http: &reqwest::Client, tracking: &str, code: &str, user: &str) -> Result<()> {
    let url = format!("{tracking}/c/{code}?user_id={user}");
    loop {
        let response = http.get(&url).send().await.context("a click")?;
        match response.status() {
            status if status.is_redirection() => return Ok(()),
            // All of them come from one address.
            StatusCode::TOO_MANY_REQUESTS => tokio::time::sleep(Duration::from_secs(1)).await,
            status => bail!("GET {url}: {status}"),
        }
    }
}
