//! The provider's HTTP interface.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use sealing::Details;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use types::Money;

use super::provider::{Indeterminate, PayoutProvider, ProviderState, Report, Submitted};
use crate::domain::Payout;

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
    // Which payout it is of: not every provider repeats all of it.
    reference: Option<String>,
    amount: Option<Box<RawValue>>,
    currency: Option<String>,
}

impl ProviderResponse {
    fn is_of(&self, payout: &Payout) -> bool {
        let currency = payout.amount.currency;
        let is_payouts = |reference: &String| reference == payout.id.as_str();
        let is_its = |code: &String| code.eq_ignore_ascii_case(currency.code());
        // As text or as a number, of which no digit is lost.
        let is_its_amount = |raw: &RawValue| {
            Money::parse(raw.get().trim_matches('"'), currency) == Ok(payout.amount)
        };
        self.reference.as_ref().is_none_or(is_payouts)
            && self.currency.as_ref().is_none_or(is_its)
            && self.amount.as_deref().is_none_or(is_its_amount)
    }
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
    async fn submit(&self, payout: &Payout, details: &Details) -> Result<Submitted, Indeterminate> {
        let details = String::from_utf8(details.to_json())
            .ok()
            .and_then(|json| RawValue::from_string(json).ok())
            .ok_or("the details cannot be written")?;
        let body = PayoutRequest {
            reference: payout.id.as_str(),
            amount: payout.amount.to_string(),
            currency: payout.amount.currency.code(),
            method: payout.method.name(),
            details,
        };
        let request = self
            .client
            .post(format!("{}/v1/payouts", self.base))
            .json(&body);
        let answer = request
            .send()
            .await
            .map_err(|error| indeterminate(&error))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED => {
                report(answer, payout).await.map(Submitted::Taken)
            }
            // These say that it was not taken and never will be as it is.
            status @ (StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) => Ok(
                Submitted::Refused(format!("the provider refused it with status {status}")),
            ),
            status => Err(format!("the provider answered with status {status}")),
        }
    }

    async fn lookup(&self, payout: &Payout) -> Result<Option<Report>, Indeterminate> {
        let request = self
            .client
            .get(format!("{}/v1/payouts/{}", self.base, payout.id));
        let answer = request
            .send()
            .await
            .map_err(|error| indeterminate(&error))?;
        match answer.status() {
            StatusCode::OK => report(answer, payout).await.map(Some),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(format!(
                "the provider answered a look-up with status {status}"
            )),
        }
    }
}

async fn report(mut answer: Response, payout: &Payout) -> Result<Report, Indeterminate> {
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
    if !response.is_of(payout) {
        return Err("the provider's answer is of another reference, amount or currency".to_owned());
    }
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
