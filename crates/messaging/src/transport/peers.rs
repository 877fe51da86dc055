//! The other services, as one of them reaches each by HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use schemas::Service;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::transport::internal::InternalKey;

/// The longest answer that is read.
pub(crate) const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// Who asks, and where everybody is.
#[derive(Clone)]
pub struct Peers {
    /// Shared by all that speaks to services.
    pub client: reqwest::Client,
    /// Signs who asks.
    pub key: InternalKey,
    /// Who asks.
    pub me: Service,
    /// Where each service listens, by its name.
    pub urls: BTreeMap<&'static str, String>,
}

impl Peers {
    /// What asks other services. Its requests have tokens of ours and what people entrust to us: they go to the peer itself and nowhere else.
    pub fn client() -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
    }

    /// Where a service listens for other services, such as `http://127.0.0.1:8003`.
    pub fn url_of(&self, service: Service) -> &str {
        self.urls.get(service.name()).map_or("", String::as_str)
    }

    /// Asks a service something at one of its routes for services, and waits for as long as this for the whole answer; an error says why there is
    /// none, for people.
    ///
    /// # Errors
    ///
    /// That it does not answer, or with something else.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        service: Service,
        path: &str,
        question: &impl Serialize,
        within: Duration,
    ) -> Result<A, String> {
        let url = format!("{}{path}", self.url_of(service));
        let body = serde_json::to_vec(question).map_err(|error| error.to_string())?;
        let token = self.key.sign(self.me, service, Some(&body));
        let token = token.map_err(|error| error.to_string())?;
        let request = self.client.post(url).bearer_auth(token).timeout(within);
        let answer = request.body(body).send().await;
        let answer = answer.map_err(|error| away(&error))?;
        let status = answer.status();
        let bytes = read_answer(answer).await?;
        if !status.is_success() {
            return Err(refusal(status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|_| "its answer cannot be read".to_owned())
    }
}

/// The whole of an answer, as long as it is not too long.
pub(crate) async fn read_answer(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| away(&error))? {
        bytes.extend_from_slice(&part);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err("its answer is longer than is read".to_owned());
        }
    }
    Ok(bytes)
}

fn refusal(status: StatusCode, bytes: &[u8]) -> String {
    match status {
        StatusCode::NOT_FOUND => "it runs a build that does not answer this yet".to_owned(),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            String::from_utf8_lossy(bytes).chars().take(100).collect()
        }
        _ => format!("it answers {}", status.as_u16()),
    }
}

pub(crate) fn away(error: &reqwest::Error) -> String {
    let why = if error.is_timeout() {
        "it did not answer in time"
    } else if error.is_connect() {
        "it cannot be reached"
    } else {
        "its answer broke off"
    };
    why.to_owned()
}
