//! The broker's admin interface.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::header::LOCATION;
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde_json::Value;

/// A client of `<admin url>/admin/v2`.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
    base: String,
    token: Option<String>,
}

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Written.
    Done,
    /// 409: there is one already, or it does not fit with what is there.
    Exists,
    /// This token may not, or this broker does not offer it: its words.
    Denied(String),
}

/// What a read saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// There it is; null when the answer has no body.
    Found(Value),
    /// There is no such thing.
    Absent,
    /// This token may not see it, or this broker does not show it: its words.
    Denied(String),
}

/// Answers of a broker to somebody without the right, and of one that lacks the operation.
const DENIALS: [StatusCode; 6] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PRECONDITION_FAILED,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::NOT_IMPLEMENTED,
];

impl Admin {
    /// `url` such as `http://127.0.0.1:8080`.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self> {
        Self::trusting(url, token, None)
    }

    /// The same for `https://…`, where these authorities, in PEM, are trusted beside the system's.
    pub fn trusting(url: &str, token: Option<&str>, authorities: Option<&str>) -> Result<Self> {
        let mut builder = Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy();
        if token.is_some() {
            builder = builder.redirect(Policy::custom(stay));
        }
        if let Some(pem) = authorities {
            let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build()?;
        let base = format!("{}/admin/v2", url.trim_end_matches('/'));
        Ok(Self {
            client,
            base,
            token: token.map(str::to_owned),
        })
    }

    /// Reads; null when the answer has no body.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.find(path)
            .await?
            .with_context(|| format!("{}/{path} is not there (404)", self.base))
    }

    /// Reads; none when there is no such thing.
    pub async fn find(&self, path: &str) -> Result<Option<Value>> {
        let (status, text) = self.send(Method::GET, path, None).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read(path, status, text).map(Some)
    }

    /// Reads where that may be refused.
    pub async fn look(&self, path: &str) -> Result<Look> {
        let (status, text) = self.send(Method::GET, path, None).await?;
        if let Some(why) = denial(status, &text) {
            return Ok(Look::Denied(why));
        }
        if status == StatusCode::NOT_FOUND {
            return Ok(Look::Absent);
        }
        read(path, status, text).map(Look::Found)
    }

    /// Writes where that may be refused.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let (status, text) = self.send(method, path, body).await?;
        if let Some(why) = denial(status, &text) {
            return Ok(Answer::Denied(why));
        }
        if status == StatusCode::NOT_FOUND {
            return Ok(Answer::Denied(brief(status, &text)));
        }
        written(path, status, &text)
    }

    /// Creates.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.write(Method::PUT, path, Some(body)).await
    }

    /// Changes.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.write(Method::POST, path, Some(body)).await
    }

    /// Removes.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.write(Method::DELETE, path, None).await
    }

    async fn write(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let (status, text) = self.send(method, path, body).await?;
        written(path, status, &text)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String)> {
        let mut request = self.client.request(method, format!("{}/{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("the broker's admin interface {}", self.base))?;
        let (status, elsewhere) = (answer.status(), elsewhere(&answer));
        let text = match elsewhere {
            Some(elsewhere) => elsewhere,
            None => answer.text().await?,
        };
        Ok((status, text))
    }
}

/// To another address the client would go without the token, and what is answered there would look like a lack of rights.
fn stay(attempt: Attempt<'_>) -> Action {
    let to = |url: &Url| {
        (
            url.host_str().map(str::to_owned),
            url.port_or_known_default(),
        )
    };
    let leaves = attempt.previous().last().map(to) != Some(to(attempt.url()));
    if leaves || attempt.previous().len() > 10 {
        attempt.stop()
    } else {
        attempt.follow()
    }
}

/// What an answer says that sends the token somewhere else: brokers behind a proxy send to each other.
fn elsewhere(answer: &Response) -> Option<String> {
    if !answer.status().is_redirection() {
        return None;
    }
    let to = answer.headers().get(LOCATION);
    let to = to.and_then(|to| to.to_str().ok()?.parse::<Url>().ok());
    let origin = to.map_or_else(String::new, |to| {
        format!(" to {}", to.origin().ascii_serialization())
    });
    Some(format!(
        "the broker sends elsewhere{origin}, where the token is not shown: take the proxy's address as PULSAR_ADMIN_URL"
    ))
}

/// Why it may not be, where that is the answer.
fn denial(status: StatusCode, text: &str) -> Option<String> {
    if status.is_redirection() {
        return Some(format!("{status}: {text}"));
    }
    DENIALS.contains(&status).then(|| brief(status, text))
}

fn read(path: &str, status: StatusCode, text: String) -> Result<Value> {
    if !status.is_success() {
        return Err(refused(path, status, &text));
    }
    if text.is_empty() {
        return Ok(Value::Null);
    }
    // Some answers are bare words, such as FULL_TRANSITIVE.
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn written(path: &str, status: StatusCode, text: &str) -> Result<Answer> {
    match status {
        StatusCode::CONFLICT => Ok(Answer::Exists),
        // Two who create the same thing at once: one of them gets this answer.
        StatusCode::INTERNAL_SERVER_ERROR if text.contains("AlreadyExistsException") => {
            Ok(Answer::Exists)
        }
        status if status.is_success() => Ok(Answer::Done),
        status => Err(refused(path, status, text)),
    }
}

/// The status and the reason in the answer, if it gives one.
fn brief(status: StatusCode, text: &str) -> String {
    let reason = serde_json::from_str::<Value>(text).unwrap_or_default();
    let reason = reason["reason"].as_str().unwrap_or_default();
    let reason: String = reason
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(120)
        .collect();
    if reason.is_empty() {
        status.to_string()
    } else {
        format!("{status}: {reason}")
    }
}

fn refused(path: &str, status: StatusCode, text: &str) -> anyhow::Error {
    let text: String = text.chars().take(300).collect();
    anyhow::anyhow!("the broker answers {status} to {path}: {text}")
}
