//! Twilio's Messages, of its interface of 2010-04-01.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use types::PhoneNumber;

use crate::mail::Answer;
use crate::receivers::broken_by;

/// What begins a Messaging Service's sid: it chooses the sender itself.
const SERVICE: &str = "MG";
/// The most of an answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
/// The number is none, cannot be sent texts, or its owner answered STOP: so it is whoever sends it what.
const OF_NUMBER: [i32; 3] = [21_211, 21_610, 21_614];

/// Twilio, or whoever speaks as it does.
#[derive(Debug)]
pub(crate) struct Twilio {
    pub(crate) client: Client,
    /// Where messages of the account are made.
    pub(crate) messages: Url,
    /// The account, or the sid of a key of its.
    pub(crate) username: String,
    pub(crate) password: SecretString,
    /// A number, a sender's name, or the sid of a Messaging Service.
    pub(crate) from: String,
    /// How long an attempt may last.
    pub(crate) timeout: Duration,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    code: i32,
}

impl Twilio {
    /// Sends one, within the time for that. Who has not answered by then may have taken it.
    pub(crate) async fn send(&self, to: &PhoneNumber, text: &str) -> Answer {
        let from = if self.from.starts_with(SERVICE) {
            "MessagingServiceSid"
        } else {
            "From"
        };
        let form = [("To", to.as_str()), (from, &self.from), ("Body", text)];
        let request = self.client.post(self.messages.clone()).form(&form);
        let password = self.password.expose_secret();
        let response = request.basic_auth(&self.username, Some(password));
        let response = match response.send().await {
            Ok(response) => response,
            Err(error) => return later(broken_by(&error), None),
        };
        if response.status().is_success() {
            return Answer::Taken;
        }
        answer(response).await
    }
}

/// Whoever is overloaded or broken says nothing of the text; a refusal is final where it is of the number alone. All else may be a setting of
/// ours, such as a wrong password.
async fn answer(response: Response) -> Answer {
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return later("it has too much to do, or is broken", None);
    }
    match read(response).await {
        Some(code) if OF_NUMBER.contains(&code) => Answer::Refused(code),
        code => later("it refuses", code),
    }
}

fn later(why: &'static str, code: Option<i32>) -> Answer {
    Answer::Later { why, code }
}

/// The code of a refusal. What it says beside it names the number, and is let go.
async fn read(mut response: Response) -> Option<i32> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    let refusal: Refusal = serde_json::from_slice(&body).ok()?;
    Some(refusal.code)
}
