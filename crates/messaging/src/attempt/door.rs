//! What is refused before it is looked at, for who sent it.

use schemas::{Body, CommandRejectedV1, DoorCode, Reach, Rejection, Service};

use super::Failure;
use super::about::{mark, refused, reject, settle};
use super::plan::Plan;
use crate::inbound::{Answer, Content, Inbound};
use crate::inbox;
use crate::retry_queue::State;
use crate::trust::Sender;
use crate::tx::{Lock, NewMessage, WriteTx};

/// What a refusal names where the message says no known kind.
const NO_KIND: &str = "unknown";

/// What follows from who sent it alone; nothing for what is to be looked at.
pub(super) fn judge(inbound: &Inbound) -> Option<Plan> {
    match &inbound.sender {
        Sender::Here => None,
        Sender::Service(service) => of_service(*service, inbound),
        Sender::Producer(_) => of_producer(inbound),
        Sender::Unknown { .. } if inbound.is_from_retry_queue() => Some(of_nobody_before(inbound)),
        Sender::Unknown { answered: true } => Some(Plan::TurnAway(of_nobody(inbound))),
        Sender::Unknown { answered: false } => Some(Plan::Answer(Answer::Unauthenticated)),
    }
}

/// Commands come from the bff, which has seen who asks.
fn of_service(service: Service, inbound: &Inbound) -> Option<Plan> {
    let asks = inbound.topic.is_commands();
    (asks && service != Service::Bff).then(|| {
        let reason = format!("it is a command, and {service} sends none");
        Plan::Park(State::Dead, reason)
    })
}

fn of_producer(inbound: &Inbound) -> Option<Plan> {
    let turn_away = |code, detail: String| Some(Plan::TurnAway(Rejection::new(code, detail)));
    match &inbound.content {
        // What this build cannot read any more is ours to mend.
        Content::Malformed { reason, .. } if inbound.is_from_retry_queue() => {
            Some(Plan::Park(State::Dead, format!("malformed: {reason}")))
        }
        Content::Unreadable { reason, .. } if inbound.is_from_retry_queue() => {
            Some(Plan::Park(State::Dead, format!("unreadable: {reason}")))
        }
        Content::Malformed { reason, .. } | Content::Unreadable { reason, .. } => {
            turn_away(DoorCode::MalformedMessage, reason.clone())
        }
        Content::UnknownKind(_) if inbound.kind().is_some() => turn_away(
            DoorCode::MalformedMessage,
            "the field of its payload that its type names is null".to_owned(),
        ),
        // Kept for a build that knows it, it would be an alarm that whoever has a key can raise.
        Content::UnknownKind(header) => turn_away(
            DoorCode::NotPermitted,
            format!("{} is not taken from outside", header.kind),
        ),
        // A service's alone.
        Content::Undecoded(_) => None,
        Content::Message(message) => {
            let public = inbound
                .kind()
                .is_some_and(|kind| kind.command && kind.reach == Reach::Public);
            if !public {
                let kind = &message.header.kind;
                return turn_away(
                    DoorCode::NotPermitted,
                    format!("{kind} is not taken from outside"),
                );
            }
            let detail = "its actor must be null, or what its key stands for";
            inbound
                .overstated
                .then(|| Plan::TurnAway(Rejection::new(DoorCode::NotPermitted, detail.to_owned())))
        }
    }
}

/// What went to the retry queue when a message's word was still taken: who asked gets a refusal, and what nobody asked
/// stays there.
fn of_nobody_before(inbound: &Inbound) -> Plan {
    if inbound.kind().is_some_and(|kind| kind.command) {
        Plan::TurnAway(of_nobody(inbound))
    } else {
        Plan::Park(State::Dead, "nobody known sent it".to_owned())
    }
}

fn of_nobody(inbound: &Inbound) -> Rejection {
    if let Content::Malformed { reason, .. } = &inbound.content {
        return Rejection::new(DoorCode::MalformedMessage, reason.clone());
    }
    let detail = format!("no key of a producer {} signed it", inbound.source);
    Rejection::new(DoorCode::ProducerUnknown, detail)
}

/// Whether it ends in a refusal that the inbox remembers.
pub(super) fn is_turned_away(inbound: &Inbound) -> bool {
    matches!(judge(inbound), Some(Plan::TurnAway(_)))
}

/// Refuses it. What a known sender asked ends so, as every command ends. What nobody known asked, or what cannot be read,
/// is only said to have its id: it is answered under one that is derived from it, and is found by its correlation id.
pub(super) fn turn_away(
    tx: &mut WriteTx,
    inbound: &Inbound,
    index: usize,
    rejection: Rejection,
) -> Result<Answer, Failure> {
    let is_command = inbound.kind().is_some_and(|kind| kind.command);
    let is_known = inbound.is_from_retry_queue() || matches!(inbound.sender, Sender::Producer(_));
    if is_command && is_known {
        return reject(tx, inbound, index, rejection);
    }
    if tx.lock() != Lock::Log {
        return Ok(Answer::Unauthenticated);
    }
    let (kind, position) = report_refusal(tx, inbound, &rejection)
        .map_err(|reason| Failure::Suspect { index, reason })?;
    let subject = inbound.subject().unwrap_or_default().to_owned();
    let (now, rejected) = (tx.now().0, inbox::State::Rejected);
    tx.mark(inbox::Mark {
        kind,
        subject,
        // Whatever it says.
        actor: None,
        caller: None,
        ..mark(inbound, now, rejected, Some(rejection.code.name), position)
    });
    settle(tx, inbound);
    Ok(refused(rejection))
}

/// The kind that it names, and where in the log it is reported.
fn report_refusal(
    tx: &mut WriteTx,
    inbound: &Inbound,
    rejection: &Rejection,
) -> Result<(String, Option<i64>), String> {
    let (Some(topic), Some(claimed)) = (tx.service().events_topic(), inbound.claimed_id()) else {
        return Ok((NO_KIND.to_owned(), None));
    };
    let (kind, correlation_id) = match (inbound.header(), &inbound.content) {
        (Some(header), _) => {
            let known = schemas::kind_on(inbound.topic, &header.kind);
            (known.map(|kind| kind.name), header.correlation_id)
        }
        (None, Content::Malformed { claim, .. }) => {
            let claim = claim.as_ref();
            let correlation_id = claim.and_then(|claim| claim.correlation_id);
            (
                claim.and_then(|claim| claim.kind),
                correlation_id.unwrap_or(claimed),
            )
        }
        (None, _) => (None, claimed),
    };
    let kind = kind.unwrap_or(NO_KIND).to_owned();
    let claimed = claimed.to_string();
    // A stranger's command may name no subject, and no message of ours is about nothing: followers could not read it.
    let subject = inbound.subject().filter(|subject| !subject.is_empty());
    let body = CommandRejectedV1 {
        command_type: kind.clone(),
        code: rejection.code.name.to_owned(),
        detail: format!("message {claimed}: {}", rejection.detail),
        pointer: None,
    };
    let (_, position) = tx
        .append(NewMessage {
            id: tx.event_id(inbound.id, 0),
            topic,
            key: claimed.clone(),
            subject: subject.map_or(claimed, str::to_owned),
            body: Body::CommandRejectedV1(body),
            correlation_id,
            causation_id: Some(inbound.id),
            outcome_of: Some(inbound.id),
            actor: None,
            traceparent: None,
        })
        .map_err(|error| error.to_string())?;
    Ok((kind, Some(position)))
}
