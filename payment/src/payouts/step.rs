//! One step of one payout: how far it is says what is asked of the provider.

use money::Micros;
use planted::Fault;
use sealing::Details;

use super::provider::{PayoutProvider, ProviderState, Report, Submission, Submitted};
use crate::domain::{Answer, Payout, Status};

/// What one step came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Hand it to the provider: for the first time, or because it was never seen there.
    Begin,
    /// The provider, or the lack of its answer, says this.
    Answer(Answer, Option<String>, Option<String>),
    /// Nothing new: look again later.
    Nothing,
}

/// Does it; while payouts are `paused` nothing is submitted, and what may have been is looked up all the same. `now` is asked
/// again before money leaves: a process can be frozen for hours between any two lines.
pub(super) async fn step(
    provider: &impl PayoutProvider,
    payout: &Payout,
    details: Option<Details>,
    paused: bool,
    now: impl Fn() -> Micros,
) -> Step {
    match payout.status {
        Status::Requested => {
            if planted::is(Fault::EffectBeforeIntent) {
                submit_again(provider, payout, details).await;
            }
            Step::Begin
        }
        Status::Submitting => submit(provider, payout, details, paused, now).await,
        Status::Submitted => match provider.lookup(payout.id.as_str()).await {
            Ok(Some(report)) if report.state != ProviderState::Accepted => said(report),
            Ok(_) => Step::Nothing,
            Err(doubt) => not_now(payout, &doubt),
        },
        Status::Unknown => match provider.lookup(payout.id.as_str()).await {
            Ok(Some(report)) => said(report),
            Ok(None) if payout.key_is_alive(now()) => Step::Begin,
            Ok(None) => not_now(
                payout,
                "never seen, and submitting it again could pay twice",
            ),
            Err(doubt) => not_now(payout, &doubt),
        },
        Status::Paid | Status::Failed => Step::Nothing,
    }
}

/// What a step without end comes to: if it was submitting, nobody knows how far it got.
pub(super) fn gave_up(payout: &Payout) -> Step {
    let reason = "the provider took too long";
    if payout.status == Status::Submitting {
        unknown(reason)
    } else {
        not_now(payout, reason)
    }
}

/// Looks first: an earlier run may have got as far as the call.
async fn submit(
    provider: &impl PayoutProvider,
    payout: &Payout,
    details: Option<Details>,
    paused: bool,
    now: impl Fn() -> Micros,
) -> Step {
    match provider.lookup(payout.id.as_str()).await {
        Ok(Some(report)) => return said(report),
        Ok(None) if paused => return Step::Nothing,
        Ok(None) => {}
        Err(doubt) => return unknown(doubt),
    }
    let Some(details) = details else {
        return unknown("the payment details were erased or cannot be decrypted");
    };
    let submission = Submission {
        reference: payout.id.to_string(),
        amount: payout.amount,
        method: payout.method,
        details,
    };
    if !payout.key_is_alive(now()) {
        return unknown("submitting it again could pay twice");
    }
    match provider.submit(&submission).await {
        Ok(Submitted::Taken(report)) => said(report),
        Ok(Submitted::Refused(reason)) => refused(provider, payout, reason).await,
        Err(doubt) => {
            if planted::is(Fault::SecondSubmitAfterDoubt) {
                submit_again(provider, payout, Some(submission.details.clone())).await;
            }
            unknown(doubt)
        }
    }
}

/// As it must not be: under a reference that no look-up will ask for.
async fn submit_again(provider: &impl PayoutProvider, payout: &Payout, details: Option<Details>) {
    let Some(details) = details else { return };
    let submission = Submission {
        reference: format!("{}-again", payout.id),
        amount: payout.amount,
        method: payout.method,
        details,
    };
    let _ = provider.submit(&submission).await;
}

/// A refusal may be that of a second submission whose first was taken ("this reference exists"): the money is given
/// back only when the provider does not have it.
async fn refused(provider: &impl PayoutProvider, payout: &Payout, reason: String) -> Step {
    match provider.lookup(payout.id.as_str()).await {
        Ok(Some(report)) => said(report),
        Ok(None) => Step::Answer(Answer::Failed, None, Some(reason)),
        Err(doubt) => unknown(doubt),
    }
}

fn said(report: Report) -> Step {
    let answer = match report.state {
        ProviderState::Accepted => Answer::Accepted,
        ProviderState::Paid => Answer::Paid,
        ProviderState::Failed => Answer::Failed,
    };
    Step::Answer(answer, report.provider_ref, report.reason)
}

fn unknown(reason: impl Into<String>) -> Step {
    Step::Answer(Answer::Unknown, None, Some(reason.into()))
}

fn not_now(payout: &Payout, reason: &str) -> Step {
    tracing::warn!(payout = %payout.id, status = payout.status.name(), reason, "nothing new of a payout; it is looked up again");
    Step::Nothing
}

#[cfg(test)]
mod tests;
