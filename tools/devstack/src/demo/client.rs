//! A client of the bff, such as a front end is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use schemas::Service;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::SETTLED_WITHIN;

/// One person's client.
pub struct Client {
    http: reqwest::Client,
    bff: String,
    /// Where it asks as an operator.
    admin: String,
    token: String,
}

/// Where a service's test clock stands, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// The time by which it decides, since 1970.
    pub(super) now: i64,
    /// From real time.
    pub(super) offset_seconds: i64,
}

/// A moment of an answer, in seconds since 1970.
pub(super) fn seconds_of(moment: &str) -> Result<i64> {
    let moment = chrono::DateTime::parse_from_rfc3339(moment);
    Ok(moment.context("a moment of an answer")?.timestamp())
}

/// The same as requests have it.
pub(super) fn rfc3339(seconds: i64) -> String {
    let moment = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
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
            admin: bff.to_owned(),
            token,
        })
    }

    /// With another place for what operators ask.
    #[must_use]
    pub(super) fn administered_at(mut self, admin: &str) -> Self {
        admin.clone_into(&mut self.admin);
        self
    }

    /// Where a service's test clock stands.
    pub(super) async fn clock(&self, service: Service) -> Result<Clock> {
        let answer = self.ask_clock(Method::GET, service, None).await?;
        let now = answer["now"].as_str().context("a clock has a time")?;
        Ok(Clock {
            now: seconds_of(now)?,
            offset_seconds: answer["offset_seconds"]
                .as_i64()
                .context("a clock has an offset")?,
        })
    }

    /// Moves all services' clocks, the bff's last, which makes commands. One that is further already stays.
    pub(super) async fn advance(&self, offset_seconds: i64) -> Result<()> {
        let body = json!({"offset_seconds": offset_seconds, "reason": "the demo's days pass"});
        let move_it = async |service| self.ask_clock(Method::POST, service, Some(&body)).await;
        futures::future::try_join_all(Service::Bff.others().map(&move_it)).await?;
        move_it(Service::Bff).await?;
        Ok(())
    }

    async fn ask_clock(
        &self,
        method: Method,
        service: Service,
        body: Option<&Value>,
    ) -> Result<Value> {
        let url = format!("{}/api/v1/operator/{service}/clock", self.admin);
        let mut request = self.http.request(method, &url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if status == StatusCode::NOT_FOUND {
            bail!("the large demo needs the test clock, which only TRIBUTARY_PROFILE=local has");
        }
        if status != StatusCode::OK && status != StatusCode::CONFLICT {
            bail!("{url} answers {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
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

    /// Writes and waits for the outcome: that it was done, or a refusal with one of these codes.
    pub(super) async fn done(
        &self,
        key: &str,
        path: &str,
        body: &Value,
        there: &[&str],
    ) -> Result<Value> {
        let outcome = self.outcome(key, path, body).await?;
        let is_there = outcome["code"]
            .as_str()
            .is_some_and(|code| there.contains(&code));
        if outcome["status"] != "completed" && !is_there {
            bail!("POST {}/api/v1/{path} ends as {outcome}", self.bff);
        }
        Ok(outcome)
    }

    /// Changes what is there, and waits until it is done.
    pub(super) async fn change(&self, key: &str, path: &str, body: &Value) -> Result<()> {
        let outcome = self.outcome_by(Method::PATCH, key, path, body).await?;
        if outcome["status"] != "completed" {
            bail!("PATCH {}/api/v1/{path} ends as {outcome}", self.bff);
        }
        Ok(())
    }

    /// Writes and waits for the outcome, whatever it is.
    pub async fn outcome(&self, key: &str, path: &str, body: &Value) -> Result<Value> {
        self.outcome_by(Method::POST, key, path, body).await
    }

    async fn outcome_by(
        &self,
        method: Method,
        key: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value> {
        let url = format!("{}/api/v1/{path}", self.bff);
        let request = self
            .http
            .request(method.clone(), &url)
            .bearer_auth(&self.token)
            .json(body);
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
            bail!("{method} {url} answers {code}: {text}");
        }
        let end = Instant::now() + SETTLED_WITHIN;
        while status["status"] == "pending" {
            let id = status["command_id"]
                .as_str()
                .context("a command_id")?
                .to_owned();
            if Instant::now() >= end {
                bail!("{method} {url} has no outcome within {SETTLED_WITHIN:?}: {status}");
            }
            sleep(Duration::from_millis(100)).await;
            status = self.read(&format!("commands/{id}")).await?;
        }
        Ok(status)
    }
}
