//! A campaign with partners, links and users that clicked them, made through the public interface with fixed
//! idempotency keys, so that a second run finds them.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use reqwest::Client;
use schemas::Service;
use serde_json::{Value, json};

use crate::layout::Layout;
use crate::settings::Settings;
use crate::status;

/// Partners of the benchmark's campaign.
const PARTNERS: usize = 50;
/// Users that have clicked one partner's link each.
const USERS: usize = 2_000;
/// Requests at once.
const AT_ONCE: usize = 8;

/// Who buys what.
pub struct People {
    /// The campaign.
    pub campaign: String,
    /// Users that have clicked.
    pub users: Vec<String>,
}

struct Edge {
    client: Client,
    bff: String,
    tracking: String,
}

/// Makes what is missing.
pub async fn prepare(layout: &Layout, settings: &Settings) -> Result<People> {
    let edge = Edge {
        client: Client::builder()
            .timeout(Duration::from_secs(40))
            .redirect(reqwest::redirect::Policy::none())
            .build()?,
        bff: settings.service_url(Service::Bff)?.to_owned(),
        tracking: settings.service_url(Service::Tracking)?.to_owned(),
    };
    let campaign = "benchmark";
    let brand = status::mint(layout, settings, &["--subject", "bench-brand", "--role", "brand", "--brand", "bench-brand"])?;
    let at = "/api/v1/campaigns";
    let create = json!({"campaign_id": campaign, "name": "Benchmark", "currency": "USD", "allowed_hosts": ["shop.example"]});
    edge.write(at, &brand, "bench-create", &create).await?;
    let terms = json!({"text": "Buy.", "window_days": 30, "plan": {"sale_bps": 1000, "hold_days": 0}});
    edge.write(&format!("{at}/{campaign}/terms"), &brand, "bench-terms", &terms).await?;
    edge.write(&format!("{at}/{campaign}/activate"), &brand, "bench-activate", &json!({})).await?;

    let links = futures::stream::iter(0..PARTNERS)
        .map(|number| edge.enroll(layout, settings, campaign, number))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<Result<String>>>()
        .await;
    let links = links.into_iter().collect::<Result<Vec<_>>>()?;
    let users: Vec<String> = (0..USERS).map(|number| format!("bench-user-{number}")).collect();
    let clicks = futures::stream::iter(users.iter().enumerate())
        .map(|(number, user)| edge.click(&links[number % links.len()], user))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<Result<()>>>()
        .await;
    clicks.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(People {
        campaign: campaign.to_owned(),
        users,
    })
}

impl Edge {
    /// A write that must be completed, now or by an earlier run.
    async fn write(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<()> {
        let response = self
            .client
            .post(format!("{}{path}", self.bff))
            .bearer_auth(token)
            .header("Idempotency-Key", key)
            .header("Prefer", "wait=20")
            .json(body)
            .send()
            .await?;
        let (status, text) = (response.status(), response.text().await?);
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if !status.is_success() || answer["status"] != "completed" {
            bail!("POST {path} is not completed: {status} {text}");
        }
        Ok(())
    }

    async fn enroll(
        &self,
        layout: &Layout,
        settings: &Settings,
        campaign: &str,
        number: usize,
    ) -> Result<String> {
        let partner = format!("bench-partner-{number}");
        let token = status::mint(layout, settings, &["--subject", &partner, "--role", "partner", "--partner", &partner])?;
        let at = format!("/api/v1/campaigns/{campaign}/accept");
        self.write(&at, &token, "bench-accept", &json!({"accepted_terms": true})).await?;
        let code = format!("bench{number}");
        let link = json!({"campaign_id": campaign, "code": code, "target_url": "https://shop.example/"});
        self.write("/api/v1/links", &token, "bench-link", &link).await?;
        Ok(code)
    }

    async fn click(&self, code: &str, user: &str) -> Result<()> {
        let url = format!("{}/c/{code}?user_id={user}", self.tracking);
        let response = self.client.get(&url).send().await.context("a click")?;
        if !response.status().is_redirection() {
            bail!("GET {url}: {}", response.status());
        }
        Ok(())
    }
}
