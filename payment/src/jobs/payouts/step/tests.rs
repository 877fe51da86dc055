//! One step at a time, with a provider made of values.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use sealing::Details;
use types::{Currency, Micros, Money, PartnerId, PayoutId, Uuid};

use super::{Handing, Step, gave_up, step};
use crate::domain::{Answer, KEY_LIFETIME_SECONDS, Method, Payout, Status};
use crate::jobs::payouts::provider::{
    Indeterminate, PayoutProvider, ProviderState, Report, Submitted,
};

/// The first step of its intent, which is not held up.
const ALLOWED: Handing = Handing::AllowedUntil(Micros(i64::MAX));

/// Answers as told, and notes what it was asked.
struct Scripted {
    /// One after the other; the last for good.
    lookups: Mutex<VecDeque<Looked>>,
    looked_up: AtomicBool,
    submit: Result<Submitted, Indeterminate>,
    submitted: Mutex<Vec<String>>,
}

impl Scripted {
    fn looked_up(&self) -> bool {
        self.looked_up.load(Ordering::Relaxed)
    }
}

type Looked = Result<Option<Report>, Indeterminate>;

impl PayoutProvider for Scripted {
    async fn submit(&self, payout: &Payout, _: &Details) -> Result<Submitted, Indeterminate> {
        let mut submitted = self.submitted.lock().unwrap();
        submitted.push(payout.id.to_string());
        self.submit.clone()
    }

    async fn lookup(&self, _: &Payout) -> Looked {
        self.looked_up.store(true, Ordering::Relaxed);
        let mut lookups = self.lookups.lock().unwrap();
        if lookups.len() > 1 {
            lookups.pop_front().unwrap()
        } else {
            lookups[0].clone()
        }
    }
}

fn report(state: ProviderState) -> Report {
    Report {
        state,
        provider_ref: Some("sim_1".to_owned()),
        reason: None,
    }
}

fn provider(lookup: Looked) -> Scripted {
    Scripted {
        lookups: Mutex::new([lookup].into()),
        looked_up: AtomicBool::new(false),
        submit: Ok(Submitted::Taken(report(ProviderState::Accepted))),
        submitted: Mutex::default(),
    }
}

/// Refuses what it is given, and is looked up before and after.
fn refusing(after: Looked) -> Scripted {
    Scripted {
        lookups: Mutex::new([Ok(None), after].into()),
        submit: Ok(Submitted::Refused("status 422".to_owned())),
        ..provider(Ok(None))
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
        last_event: Uuid::nil(),
    }
}

async fn take(provider: &Scripted, status: Status, now: Micros) -> Step {
    let details = Details::parse(br#"{"email":"user@example.com"}"#).ok();
    step(provider, &payout(status), None, details, ALLOWED, || now).await
}

async fn take_submitting(provider: &Scripted, handing: Handing) -> Step {
    let details = Details::parse(br#"{"email":"user@example.com"}"#).ok();
    let submitting = payout(Status::Submitting);
    step(provider, &submitting, None, details, handing, || SOON).await
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
async fn while_payouts_are_paused_a_look_up_answers_and_nothing_is_submitted() {
    let paid = provider(Ok(Some(report(ProviderState::Paid))));
    let step = take_submitting(&paid, Handing::Paused).await;
    assert_eq!(answer(&step), Some(Answer::Paid));
    let unseen = provider(Ok(None));
    assert_eq!(
        take_submitting(&unseen, Handing::Paused).await,
        Step::Nothing
    );
    assert!(unseen.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_an_earlier_step_may_have_handed_over_is_looked_up_and_not_submitted_under_the_same_intent()
 {
    let paid = provider(Ok(Some(report(ProviderState::Paid))));
    let step = take_submitting(&paid, Handing::MayHaveBeen).await;
    assert_eq!(answer(&step), Some(Answer::Paid));
    let unseen = provider(Ok(None));
    let step = take_submitting(&unseen, Handing::MayHaveBeen).await;
    assert_eq!(answer(&step), Some(Answer::Unknown));
    assert!(unseen.submitted.lock().unwrap().is_empty());
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
async fn indeterminate_only_a_definite_never_seen_begins_again_and_only_while_the_key_lives() {
    let unseen = provider(Ok(None));
    assert_eq!(take(&unseen, Status::Unknown, SOON).await, Step::Begin);
    assert_eq!(take(&unseen, Status::Unknown, LATE).await, Step::Nothing);
    let away = provider(Err("away".to_owned()));
    assert_eq!(take(&away, Status::Unknown, SOON).await, Step::Nothing);
}

#[tokio::test]
async fn what_was_handed_over_while_the_log_was_ahead_is_begun_again_only_as_long_as_the_clock_allows()
 {
    const HOUR: i64 = 3_600_000_000;
    let unseen = provider(Ok(None));
    let ahead = Micros(20 * HOUR);
    for (hours, expected) in [(22, Step::Begin), (23, Step::Nothing)] {
        let now = ahead.max(Micros(hours * HOUR));
        let mut handed = payout(Status::Unknown);
        handed.first_attempt_at = Some(ahead);
        let handed_at = Some(Micros(now.get() - hours * HOUR));
        let step = step(&unseen, &handed, handed_at, None, ALLOWED, || now).await;
        assert_eq!(step, expected, "after {hours} hours");
    }
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
async fn erased_details_are_no_reason_to_give_indeterminate_money_back() {
    let provider = provider(Ok(None));
    let step = step(
        &provider,
        &payout(Status::Submitting),
        None,
        None,
        ALLOWED,
        || SOON,
    )
    .await;
    assert_eq!(answer(&step), Some(Answer::Unknown));
}

#[tokio::test]
async fn a_refusal_gives_the_money_back_only_when_the_provider_does_not_have_it() {
    for (after, expected) in [
        (Ok(None), Answer::Failed),
        (Ok(Some(report(ProviderState::Paid))), Answer::Paid),
        (Ok(Some(report(ProviderState::Accepted))), Answer::Accepted),
        (Err("away".to_owned()), Answer::Unknown),
    ] {
        let step = take(&refusing(after), Status::Submitting, SOON).await;
        assert_eq!(answer(&step), Some(expected));
    }
}

#[tokio::test]
async fn a_refusal_is_final_once_no_earlier_submission_can_be_on_its_way() {
    let minutes = |minutes: i64| Micros(minutes * 60_000_000);
    for (attempt, now, expected) in [
        (2, SOON, Answer::Unknown),
        (9, minutes(9), Answer::Unknown),
        (9, minutes(10), Answer::Failed),
        // The one before may have timed out a second ago, however long none was made before that.
        (3, minutes(15), Answer::Unknown),
        (8, minutes(15), Answer::Unknown),
    ] {
        let again = Payout {
            attempt,
            ..payout(Status::Submitting)
        };
        let details = Details::parse(br#"{"email":"user@example.com"}"#).ok();
        let refusing = refusing(Ok(None));
        let step = step(&refusing, &again, None, details, ALLOWED, || now).await;
        assert_eq!(answer(&step), Some(expected), "{attempt} {now:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_final_for_a_clock_that_was_behind_when_it_was_handed_over() {
    let now = Micros(4 * 60_000_000);
    let again = Payout {
        attempt: 9,
        ..payout(Status::Submitting)
    };
    let details = Details::parse(br#"{"email":"user@example.com"}"#).ok();
    let refusing = refusing(Ok(None));
    let handed_at = Some(Micros(now.get() - 16 * 60_000_000));
    let step = step(&refusing, &again, handed_at, details, ALLOWED, || now).await;
    assert_eq!(*refusing.submitted.lock().unwrap(), ["pay_1"]);
    assert_eq!(answer(&step), Some(Answer::Unknown));
}

#[tokio::test]
async fn another_late_attempt_begins_a_minute_after_the_one_before() {
    let since = Micros(3_600_000_000);
    let after = |seconds: i64| Micros(since.get() + seconds * 1_000_000);
    for (attempt, now, expected) in [
        (7, after(1), Step::Begin),
        // What an operator has looked up at once is due at once.
        (8, after(1), Step::Nothing),
        (8, after(59), Step::Nothing),
        (8, after(60), Step::Begin),
        (20, after(59), Step::Nothing),
        // By a clock that was ahead.
        (20, after(-1), Step::Begin),
    ] {
        let again = Payout {
            attempt,
            updated_at: since,
            ..payout(Status::Unknown)
        };
        let unseen = provider(Ok(None));
        let step = step(&unseen, &again, None, None, ALLOWED, || now).await;
        assert_eq!(step, expected, "{attempt} {now:?}");
    }
}

#[tokio::test]
async fn a_process_frozen_after_its_look_up_does_not_submit_when_it_thaws() {
    let details = Details::parse(br#"{"email":"user@example.com"}"#).ok();
    let unseen = provider(Ok(None));
    let payout = payout(Status::Submitting);
    let frozen_in_look_up = || if unseen.looked_up() { LATE } else { SOON };
    let step = step(&unseen, &payout, None, details, ALLOWED, frozen_in_look_up).await;
    assert_eq!(answer(&step), Some(Answer::Unknown));
    assert!(unseen.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_step_that_is_held_up_for_as_long_as_one_may_take_submits_nothing() {
    for (until, expected) in [(1, Answer::Accepted), (0, Answer::Unknown)] {
        let details = Details::parse(br#"{"email":"user@example.com"}"#).ok();
        let unseen = provider(Ok(None));
        let handing = Handing::AllowedUntil(Micros(SOON.get() + until));
        let payout = payout(Status::Submitting);
        let step = step(&unseen, &payout, None, details, handing, || SOON).await;
        assert_eq!(answer(&step), Some(expected), "{until}");
        let submitted = unseen.submitted.lock().unwrap();
        assert_eq!(submitted.is_empty(), expected == Answer::Unknown, "{until}");
    }
}

#[test]
fn a_step_without_end_is_indeterminate_only_where_something_may_have_been_submitted() {
    let indeterminate = gave_up(&payout(Status::Submitting));
    assert_eq!(answer(&indeterminate), Some(Answer::Unknown));
    for status in [Status::Submitted, Status::Unknown] {
        assert_eq!(gave_up(&payout(status)), Step::Nothing);
    }
}
