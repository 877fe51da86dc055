//! One step at a time, with a provider made of values.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use money::{Currency, Micros, Money, PartnerId, PayoutId};
use sealing::Details;

use super::{Step, step};
use crate::domain::{Answer, KEY_LIFETIME_SECONDS, Method, Payout, Status};
use crate::payouts::provider::{Doubt, PayoutProvider, ProviderState, Report, Submission};

/// Answers as told, and notes what it was asked.
struct Scripted {
    lookup: Result<Option<Report>, Doubt>,
    submit: Result<Report, Doubt>,
    submitted: Mutex<Vec<String>>,
}

impl PayoutProvider for Scripted {
    async fn submit(&self, submission: &Submission) -> Result<Report, Doubt> {
        let mut submitted = self.submitted.lock().unwrap();
        submitted.push(submission.reference.clone());
        self.submit.clone()
    }

    async fn lookup(&self, _: &str) -> Result<Option<Report>, Doubt> {
        self.lookup.clone()
    }
}

fn report(state: ProviderState) -> Report {
    Report {
        state,
        provider_ref: Some("sim_1".to_owned()),
        reason: None,
    }
}

fn provider(lookup: Result<Option<Report>, Doubt>) -> Scripted {
    Scripted {
        lookup,
        submit: Ok(report(ProviderState::Accepted)),
        submitted: Mutex::default(),
    }
}

fn payout(status: Status) -> Payout {
    Payout {
        id: PayoutId::parse("pay_1").unwrap(),
        partner: PartnerId::parse("partner123").unwrap(),
        amount: Money::new(15_000, Currency::USD),
        method: Method::Paypal,
        masked: "u***@example.com".to_owned(),
        status,
        attempt: 1,
        first_attempt_at: Some(Micros(0)),
        provider_ref: None,
        reason: None,
        requested_at: Micros(0),
        updated_at: Micros(0),
    }
}

async fn take(provider: &Scripted, status: Status, now: Micros) -> Step {
    let details = Details::parse(br#"{"email":"user@example.com"}"#).ok();
    step(provider, &payout(status), details, now).await
}

fn answer(step: &Step) -> Option<Answer> {
    match step {
        Step::Answer(answer, ..) => Some(*answer),
        _ => None,
    }
}

const SOON: Micros = Micros(1);
const LATE: Micros = Micros(KEY_LIFETIME_SECONDS * 1_000_000);

#[tokio::test]
async fn the_intent_is_committed_before_the_provider_is_called() {
    let provider = provider(Ok(None));
    let requested = take(&provider, Status::Requested, SOON).await;
    assert_eq!(requested, Step::Begin);
    assert!(provider.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_payout_never_seen_is_submitted_once_under_its_id() {
    let provider = provider(Ok(None));
    let step = take(&provider, Status::Submitting, SOON).await;
    assert_eq!(answer(&step), Some(Answer::Accepted));
    assert_eq!(*provider.submitted.lock().unwrap(), ["pay_1"]);
}

#[tokio::test]
async fn after_a_crash_the_look_up_answers_and_nothing_is_submitted() {
    let provider = provider(Ok(Some(report(ProviderState::Paid))));
    let step = take(&provider, Status::Submitting, SOON).await;
    assert_eq!(answer(&step), Some(Answer::Paid));
    assert!(provider.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_look_up_nothing_is_submitted() {
    let provider = provider(Err("away".to_owned()));
    let step = take(&provider, Status::Submitting, SOON).await;
    assert_eq!(answer(&step), Some(Answer::Unknown));
    assert!(provider.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_submission_without_an_answer_is_unknown() {
    let mut provider = provider(Ok(None));
    provider.submit = Err("timed out".to_owned());
    let step = take(&provider, Status::Submitting, SOON).await;
    assert_eq!(answer(&step), Some(Answer::Unknown));
}

#[tokio::test]
async fn in_doubt_only_a_definite_never_seen_begins_again_and_only_while_the_key_lives() {
    let unseen = provider(Ok(None));
    assert_eq!(take(&unseen, Status::Unknown, SOON).await, Step::Begin);
    assert_eq!(take(&unseen, Status::Unknown, LATE).await, Step::Nothing);
    let away = provider(Err("away".to_owned()));
    assert_eq!(take(&away, Status::Unknown, SOON).await, Step::Nothing);
}

#[tokio::test]
async fn nothing_is_submitted_past_the_providers_memory() {
    let provider = provider(Ok(None));
    let step = take(&provider, Status::Submitting, LATE).await;
    assert_eq!(answer(&step), Some(Answer::Unknown));
    assert!(provider.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_submitted_payout_is_looked_up_until_it_is_paid_or_failed() {
    for (state, expected) in [
        (ProviderState::Accepted, None),
        (ProviderState::Paid, Some(Answer::Paid)),
        (ProviderState::Failed, Some(Answer::Failed)),
    ] {
        let provider = provider(Ok(Some(report(state))));
        let step = take(&provider, Status::Submitted, SOON).await;
        assert_eq!(answer(&step), expected);
    }
    // Forgotten after it was accepted is no reason to pay again.
    let forgotten = provider(Ok(None));
    assert_eq!(
        take(&forgotten, Status::Submitted, SOON).await,
        Step::Nothing
    );
}

#[tokio::test]
async fn erased_details_are_no_reason_to_give_money_back_in_doubt() {
    let provider = provider(Ok(None));
    let step = step(&provider, &payout(Status::Submitting), None, SOON).await;
    assert_eq!(answer(&step), Some(Answer::Unknown));
}
