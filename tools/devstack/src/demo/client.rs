//! A client of the bff, such as a front end is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::StatusCode;
use reqwest::redirect::Policy;
use serde_json::Value;
use tokio::time::sleep;

use super::SETTLED_WITHIN;

/// One person's client.
pub struct Client {
    http: reqwest::Client,
    bff: String,
    token: String,
}

/// Follows no redirect, and no proxy.
pub fn http() -> Result<reqwest::Client> {
    http_for(Duration::from_secs(30))
}

/// The same with another timeout.
pub fn http_for(answer_within: Duration) -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .timeout(answer_within)
        .redirect(Policy::none())
        .no_proxy()
        .build()?)
}

impl Client {
    /// For a bff, with a bearer token.
    pub fn new(bff: &str, token: String) -> Result<Self> {
        Ok(Self {
            http: http()?,
            bff: bff.to_owned(),
            token,
        })
    }

    pub(super) async fn read(&self, path: &str) -> Result<Value> {
        let url = format!("{}/api/v1/{path}", self.bff);
        let answer = self.http.get(&url).bearer_auth(&self.token).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status != StatusCode::OK {
            bail!("GET {url} answers {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Writes and waits for the outcome, which must be that it was done.
    pub async fn write(&self, key: &str, path: &str, body: &Value) -> Result<()> {
        self.write_once(key, path, body, "").await.map(|_| ())
    }

    /// The same, or a refusal with this code: an earlier build did it, whose keys meant other commands. Whether it is done
    /// now.
    pub async fn write_once(
        &self,
        key: &str,
        path: &str,
        body: &Value,
        there: &str,
    ) -> Result<bool> {
        let outcome = self.outcome(key, path, body).await?;
        let done = outcome["status"] == "completed";
        if !done && outcome["code"] != there {
            bail!("POST {}/api/v1/{path} ends as {outcome}", self.bff);
        }
        Ok(done)
    }

    /// Writes and waits for the outcome, whatever it is.
    pub async fn outcome(&self, key: &str, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/api/v1/{path}", self.bff);
        let request = self.http.post(&url).bearer_auth(&self.token).json(body);
        let answer = request
            .header("Idempotency-Key", key)
            .header("Prefer", "wait=10")
            .send()
            .await?;
        let (code, text) = (answer.status(), answer.text().await?);
        let mut status: Value = serde_json::from_str(&text).unwrap_or_default();
        if let (true, Some(id)) = (code.is_client_error(), status["command_id"].as_str()) {
            return self.read(&format!("commands/{id}")).await;
        }
        if !code.is_success() {
            bail!("POST {url} answers {code}: {text}");
        }
        let end = Instant::now() + SETTLED_WITHIN;
        while status["status"] == "pending" {
            let id = status["command_id"]
                .as_str()
                .context("a command_id")?
                .to_owned();
            if Instant::now() >= end {
                bail!("POST {url} has no outcome within {SETTLED_WITHIN:?}: {status}");
            }
            sleep(Duration::from_millis(100)).await;
            status = self.read(&format!("commands/{id}")).await?;
        }
        Ok(status)
    }
}
