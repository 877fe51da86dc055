//! The provider's HTTP interface.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::provider::{
    Indeterminate, PayoutProvider, ProviderState, Report, Submission, Submitted,
};

/// An answer's body is not read beyond this.
const MAX_ANSWER_BYTES: usize = 16_384;
/// Kept of what a provider gives as a reason or as its reference.
const MAX_TEXT_LENGTH: usize = 200;

/// A provider that speaks HTTP.
#[derive(Clone, Debug)]
pub struct HttpProvider {
    client: Client,
    base: String,
}

#[derive(Serialize)]
struct PayoutRequest<'a> {
    reference: &'a str,
    amount: String,
    currency: &'a str,
    method: &'a str,
    details: Box<RawValue>,
}

#[derive(Deserialize)]
struct ProviderResponse {
    id: Option<String>,
    state: String,
    reason: Option<String>,
}

impl HttpProvider {
    /// A provider at this address; no answer within `timeout` is indeterminate.
    pub fn new(base: &str, timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
        })
    }
}

impl PayoutProvider for HttpProvider {
    async fn submit(&self, submission: &Submission) -> Result<Submitted, Indeterminate> {
        let details = String::from_utf8(submission.details.to_json())
            .ok()
            .and_then(|json| RawValue::from_string(json).ok())
            .ok_or("the details cannot be written")?;
        let payout = PayoutRequest {
            reference: &submission.reference,
            amount: submission.amount.to_string(),
            currency: submission.amount.currency.code(),
            method: submission.method.name(),
            details,
        };
        let request = self
            .client
            .post(format!("{}/v1/payouts", self.base))
            .json(&payout);
        let answer = request
            .send()
            .await
            .map_err(|error| indeterminate(&error))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => {
                report(answer).await.map(Submitted::Taken)
            }
            // These say that it was not taken and never will be as it is.
            status @ (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) => Ok(
                Submitted::Refused(format!("the provider refused it with status {status}")),
            ),
            status => Err(format!("the provider answered with status {status}")),
        }
    }

    async fn lookup(&self, reference: &str) -> Result<Option<Report>, Indeterminate> {
        let request = self
            .client
            .get(format!("{}/v1/payouts/{reference}", self.base));
        let answer = request
            .send()
            .await
            .map_err(|error| indeterminate(&error))?;
        match answer.status() {
            StatusCode::OK => report(answer).await.map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!(
                "the provider answered a look-up with status {status}"
            )),
        }
    }
}

async fn report(mut answer: Response) -> Result<Report, Indeterminate> {
    let mut body = Vec::new();
    while let Some(part) = answer
        .chunk()
        .await
        .map_err(|error| indeterminate(&error))?
    {
        if body.len() + part.len() > MAX_ANSWER_BYTES {
            return Err("the provider's answer is too long".to_owned());
        }
        body.extend_from_slice(&part);
    }
    let response: ProviderResponse = serde_json::from_slice(&body)
        .map_err(|_| "the provider's answer cannot be read".to_owned())?;
    let state = match response.state.as_str() {
        "accepted" => ProviderState::Accepted,
        "paid" => ProviderState::Paid,
        "failed" => ProviderState::Failed,
        _ => return Err("the provider's answer has a state that is not known".to_owned()),
    };
    Ok(Report {
        state,
        provider_ref: response.id.map(|text| cut(&text)),
        reason: response.reason.map(|text| cut(&text)),
    })
}

fn cut(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(MAX_TEXT_LENGTH)
        .collect()
}

/// What went wrong, without the address: it goes into an event.
fn indeterminate(error: &reqwest::Error) -> Indeterminate {
    let what = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off its answer"
    };
    format!("the provider {what}")
}
