//! The desk that takes each payout one step further: it reads how far it is, does the I/O, and answers with a command
//! whose id derives from the payout's last event, so that doing it again is a duplicate.

use money::Micros;
use money::ids::effect_command_id;
use pipeline::timers::Timer;
use schemas::{BeginPayoutV1, Body, Header, Message, RecordPayoutAnswerV1, Service};
use sealing::{DataKey, Details};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::task::JoinSet;

use super::provider::{PayoutProvider, ProviderState, Report, Submission};
use crate::domain::{Answer, Payout, Status};
use crate::store::calls::{self, Due};

/// The name of the effect in ids and logs.
const NAME: &str = "payout";

/// Takes payouts further, those that are due, some at once.
pub struct PayoutDesk<P> {
    provider: Arc<P>,
    data_key: Arc<DataKey>,
}

/// What one step came to.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Hand it to the provider: for the first time, or because it was never seen there.
    Begin,
    /// The provider, or the lack of its answer, says this.
    Answer(Answer, Option<String>, Option<String>),
    /// Nothing new: look again later.
    Nothing,
}

impl<P: PayoutProvider> PayoutDesk<P> {
    /// A desk with this provider.
    pub fn new(provider: P, data_key: Arc<DataKey>) -> Self {
        Self {
            provider: Arc::new(provider),
            data_key,
        }
    }
}

impl<P: PayoutProvider> Timer for PayoutDesk<P> {
    const NAME: &'static str = NAME;

    async fn due(&self, pool: &PgPool, now: Micros) -> Result<Vec<Message>, sqlx::Error> {
        let mut steps = JoinSet::new();
        for due in calls::take_due(pool, now).await? {
            let provider = Arc::clone(&self.provider);
            let details = self.details(&due);
            steps.spawn(async move {
                let step = step(&*provider, &due.stored.payout, details, now).await;
                message(&due, step, now)
            });
        }
        let mut messages = Vec::new();
        while let Some(message) = steps.join_next().await {
            messages.extend(message.ok().flatten());
        }
        Ok(messages)
    }
}

impl<P> PayoutDesk<P> {
    fn details(&self, due: &Due) -> Option<Details> {
        let encrypted = due.details.as_deref()?;
        let id = due.stored.payout.id.as_str();
        let json = self.data_key.decrypt(id, encrypted).ok()?;
        Details::parse(&json).ok()
    }
}

async fn step(
    provider: &impl PayoutProvider,
    payout: &Payout,
    details: Option<Details>,
    now: Micros,
) -> Step {
    match payout.status {
        Status::Requested => Step::Begin,
        Status::Submitting => submit(provider, payout, details, now).await,
        Status::Submitted => match provider.lookup(payout.id.as_str()).await {
            Ok(Some(report)) if report.state != ProviderState::Accepted => said(report),
            Ok(_) => Step::Nothing,
            Err(doubt) => not_now(payout, &doubt),
        },
        Status::Unknown => match provider.lookup(payout.id.as_str()).await {
            Ok(Some(report)) => said(report),
            Ok(None) if payout.key_is_alive(now) => Step::Begin,
            Ok(None) => not_now(
                payout,
                "never seen, and submitting it again could pay twice",
            ),
            Err(doubt) => not_now(payout, &doubt),
        },
        Status::Paid | Status::Failed => Step::Nothing,
    }
}

/// Looks first: an earlier run may have got as far as the call.
async fn submit(
    provider: &impl PayoutProvider,
    payout: &Payout,
    details: Option<Details>,
    now: Micros,
) -> Step {
    let unknown = |reason: String| Step::Answer(Answer::Unknown, None, Some(reason));
    match provider.lookup(payout.id.as_str()).await {
        Ok(Some(report)) => return said(report),
        Ok(None) if !payout.key_is_alive(now) => {
            return unknown("submitting it again could pay twice".to_owned());
        }
        Ok(None) => {}
        Err(doubt) => return unknown(doubt),
    }
    let Some(details) = details else {
        return unknown("the payment details were erased or cannot be decrypted".to_owned());
    };
    let submission = Submission {
        reference: payout.id.to_string(),
        amount: payout.amount,
        method: payout.method,
        details,
    };
    match provider.submit(&submission).await {
        Ok(report) => said(report),
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

fn not_now(payout: &Payout, reason: &str) -> Step {
    tracing::warn!(payout = %payout.id, status = payout.status.name(), reason, "nothing new of a payout; it is looked up again");
    Step::Nothing
}

fn message(due: &Due, step: Step, now: Micros) -> Option<Message> {
    let event = due.stored.last_event;
    let (kind, step_name, body) = match step {
        Step::Nothing => return None,
        Step::Begin => (
            "payment.begin_payout.command.v1",
            "begin",
            Body::from(BeginPayoutV1 {
                requested_event_id: event.to_string(),
            }),
        ),
        Step::Answer(answer, provider_ref, reason) => (
            "payment.record_payout_answer.command.v1",
            answer.name(),
            Body::from(RecordPayoutAnswerV1 {
                answer: answer.name().to_owned(),
                provider_ref,
                reason,
            }),
        ),
    };
    let id = effect_command_id(NAME, event, step_name);
    let payout = &due.stored.payout;
    let header = Header {
        id,
        kind: kind.to_owned(),
        source: Service::Payment.name().to_owned(),
        subject: payout.id.to_string(),
        key: payout.partner.to_string(),
        time: now,
        epoch: None,
        sequence: None,
        correlation_id: due.correlation_id.unwrap_or(id),
        causation_id: Some(event),
        outcome_of: None,
        actor: None,
        traceparent: due.traceparent.clone(),
    };
    Some(Message { header, body })
}

#[cfg(test)]
mod tests;
