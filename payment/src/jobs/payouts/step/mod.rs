//! One step of one payout: how far it is says what is asked of the provider.

use sealing::Details;
use types::Micros;

use super::provider::{PayoutProvider, ProviderState, Report, Submitted};
use crate::domain::{Answer, Begins, Next, Payout, Transitions};

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

/// Whether a payout of which the provider knows nothing may be handed to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handing {
    /// This is the first step of its intent, and it goes on no longer than until then: who has paused payouts for so long as a step may take may
    /// have decided about it.
    AllowedUntil(Micros),
    /// Nothing leaves.
    Paused,
    /// An earlier step of the same intent may have handed it over, and what that came to may be said yet. Each submission has an intent of its
    /// own, so that the answer to one is never taken for the answer to another.
    MayHaveBeen,
}

/// Does it; what may have been submitted is looked up whatever its `handing` is. Its key's lifetime counts from `handed_at` where that is earlier
/// than what is written. `now` is asked again before money leaves: a process can be frozen for hours between any two lines.
pub(super) async fn step(
    provider: &impl PayoutProvider,
    payout: &Payout,
    handed_at: Option<Micros>,
    details: Option<Details>,
    handing: Handing,
    now: impl Fn() -> Micros,
) -> Step {
    match Transitions::of(payout.status).next {
        Next::Begin => Step::Begin,
        Next::Submit => submit(provider, payout, handed_at, details, handing, now).await,
        Next::LookUp => look_up(provider, payout, handed_at, now).await,
        Next::Nothing => Step::Nothing,
    }
}

/// What a step without end comes to: if it was submitting, nobody knows how far it got.
pub(super) fn gave_up(payout: &Payout) -> Step {
    let reason = "the provider took too long";
    if Transitions::of(payout.status).next == Next::Submit {
        unknown(reason)
    } else {
        not_now(payout, reason)
    }
}

async fn look_up(
    provider: &impl PayoutProvider,
    payout: &Payout,
    handed_at: Option<Micros>,
    now: impl Fn() -> Micros,
) -> Step {
    let Transitions { begins, news, .. } = Transitions::of(payout.status);
    match provider.lookup(payout).await {
        Ok(Some(report)) if news.contains(&answer(report.state)) => responded(report),
        Ok(None) if begins == Begins::AgainWhileKeyLives => {
            let now = now();
            if !payout.key_is_alive_from(handed_at, now) {
                not_now(
                    payout,
                    "never seen, and submitting it again could pay twice",
                )
            } else if payout.may_begin_again(now) {
                Step::Begin
            } else {
                not_now(
                    payout,
                    "never seen, and the last attempt ended less than a minute ago",
                )
            }
        }
        Ok(_) => Step::Nothing,
        Err(indeterminate) => not_now(payout, &indeterminate),
    }
}

/// Looks first: an earlier run may have got as far as the call.
async fn submit(
    provider: &impl PayoutProvider,
    payout: &Payout,
    handed_at: Option<Micros>,
    details: Option<Details>,
    handing: Handing,
    now: impl Fn() -> Micros,
) -> Step {
    let until = match (provider.lookup(payout).await, handing) {
        (Ok(Some(report)), _) => return responded(report),
        (Ok(None), Handing::AllowedUntil(until)) => until,
        (Ok(None), Handing::Paused) => return Step::Nothing,
        (Ok(None), Handing::MayHaveBeen) => {
            return unknown("an earlier step may have submitted it");
        }
        (Err(indeterminate), _) => return unknown(indeterminate),
    };
    let Some(details) = details else {
        return unknown("the payment details were erased or cannot be decrypted");
    };
    let at = now();
    if !payout.key_is_alive_from(handed_at, at) {
        return unknown("submitting it again could pay twice");
    }
    if at >= until {
        return unknown("this step was held up before it could submit it");
    }
    match provider.submit(payout, &details).await {
        Ok(Submitted::Taken(report)) => responded(report),
        Ok(Submitted::Refused(reason)) => refused(provider, payout, reason, now()).await,
        Err(indeterminate) => unknown(indeterminate),
    }
}

/// A refusal may be that of a second submission whose first was taken ("this reference exists"): the money is given
/// back only when the provider does not have it, and an earlier one cannot be on its way there any more.
async fn refused(
    provider: &impl PayoutProvider,
    payout: &Payout,
    reason: String,
    now: Micros,
) -> Step {
    match provider.lookup(payout).await {
        Ok(Some(report)) => responded(report),
        Ok(None) if payout.may_be_on_its_way(now) => unknown(reason),
        Ok(None) => Step::Answer(Answer::Failed, None, Some(reason)),
        Err(indeterminate) => unknown(indeterminate),
    }
}

fn responded(report: Report) -> Step {
    Step::Answer(answer(report.state), report.provider_ref, report.reason)
}

fn answer(state: ProviderState) -> Answer {
    match state {
        ProviderState::Accepted => Answer::Accepted,
        ProviderState::Paid => Answer::Paid,
        ProviderState::Failed => Answer::Failed,
    }
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
