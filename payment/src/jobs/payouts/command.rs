//! The command that a step came to. Its id derives from the payout's last event, so that doing it again is a duplicate,
//! and it names that event, so that it is refused when the payout has moved on meanwhile.

use schemas::{BeginPayoutV1, Body, Header, Message, RecordPayoutAnswerV1, Service};
use types::Micros;
use types::ids::effect_command_id;

use super::NAME;
use super::step::Step;
use crate::domain::Answer;
use crate::store::calls::Due;

pub(super) fn of(due: &Due, step: Step, now: Micros) -> Option<Message> {
    let payout = &due.stored.payout;
    let event = payout.last_event;
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
            match answer {
                // An earlier step's may have been dropped; what this one found is news all the same.
                Answer::Unknown if due.taken_before => "unknown_again",
                _ => answer.name(),
            },
            Body::from(RecordPayoutAnswerV1 {
                answer: answer.name().to_owned(),
                provider_ref,
                reason,
            }),
        ),
    };
    let id = effect_command_id(NAME, event, step_name);
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
