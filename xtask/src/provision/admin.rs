//! The broker's admin interface.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

/// A client of `<admin url>/admin/v2`.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
    base: String,
    token: Option<String>,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Written.
    Done,
    /// 409: there is one already, or it does not fit with what is there.
    Exists,
}

impl Admin {
    /// `url` such as `http://127.0.0.1:8080`.
    pub fn new(url: &str, token: Option<&str>) -> Result<Self> {
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()?;
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
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() && text.is_empty() => Ok(Some(Value::Null)),
            status if status.is_success() => {
                // Some answers are bare words, such as FULL_TRANSITIVE.
                Ok(Some(
                    serde_json::from_str(&text).unwrap_or(Value::String(text)),
                ))
            }
            status => Err(refused(path, status, &text)),
        }
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
        match status {
            StatusCode::CONFLICT => Ok(Answer::Exists),
            // Two who create the same thing at once: one of them is told so in this way.
            StatusCode::INTERNAL_SERVER_ERROR if text.contains("AlreadyExistsException") => {
                Ok(Answer::Exists)
            }
            status if status.is_success() => Ok(Answer::Done),
            status => Err(refused(path, status, &text)),
        }
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
        Ok((answer.status(), answer.text().await?))
    }
}

fn refused(path: &str, status: StatusCode, text: &str) -> anyhow::Error {
    let text: String = text.chars().take(300).collect();
    anyhow::anyhow!("the broker answers {status} to {path}: {text}")
}
