//! How commands end: the first event of a command's transaction, or its rejection, names the command.

use runtime::CommandState;
use schemas::{Body, EngineCode, Message, Service};
use uuid::Uuid;

use super::BatchState;
use crate::store::outcomes::Outcome;

/// Longer texts are cut: they are for people.
const MAX_DETAIL_LENGTH: usize = 1_000;

/// The command that the message says something about, when it may have been asked elsewhere: then it is worth a look.
pub(super) fn of_a_command_from_elsewhere(message: &Message) -> Option<Uuid> {
    command(message).filter(|command| !derived_from_a_client(message, *command))
}

/// A client that gave its `Idempotency-Key` to a service first may bring it here later: its command has the same id, and
/// its outcome must be known by then. Commands of the system (jobs) have derived ids too, but no actor.
fn derived_from_a_client(message: &Message, command: Uuid) -> bool {
    command.get_version_num() == 5 && message.header.actor.is_some()
}

fn command(message: &Message) -> Option<Uuid> {
    match message.body {
        Body::CommandStalledV1(_) => message.header.causation_id,
        _ => message.header.outcome_of,
    }
}

/// The kind of command that the message may be said of, by whoever says it: a service speaks of its own commands only, and
/// an event of those that it can end.
fn command_type(message: &Message) -> Option<&'static str> {
    let service = Service::parse(&message.header.source)?;
    let named = match &message.body {
        Body::CommandStalledV1(stalled) => stalled.command_type.as_str(),
        Body::CommandRejectedV1(rejected) => rejected.command_type.as_str(),
        _ => schemas::ends(&message.header.kind)?,
    };
    schemas::kind_on(service.commands_topic()?, named).map(|kind| kind.name)
}

/// Notes what the message says about its command.
pub(super) fn fold(state: &mut BatchState, message: &Message) {
    let Some((command_id, command_type)) = command(message).zip(command_type(message)) else {
        return;
    };
    if !state.submitted_here.contains(&command_id) && !derived_from_a_client(message, command_id) {
        return;
    }
    let outcome = outcome(command_id, command_type, message);
    let key = (command_id, command_type);
    match state.outcomes.get(&key) {
        // A stuck command may still end; an end stays.
        Some(earlier) if earlier.status != CommandState::NeedsAttention => {}
        _ => {
            state.outcomes.insert(key, outcome);
        }
    }
}

fn outcome(command_id: Uuid, command_type: &str, message: &Message) -> Outcome {
    let header = &message.header;
    let (status, code, detail, pointer) = match &message.body {
        // Why it is stuck is for operators: it may name what is inside.
        Body::CommandStalledV1(_) => (
            CommandState::NeedsAttention,
            None,
            Some("it cannot be handled for now; an operator has to look".to_owned()),
            None,
        ),
        Body::CommandRejectedV1(rejected) => (
            if rejected.code == EngineCode::DroppedByOperator.code().name {
                CommandState::Dropped
            } else {
                CommandState::Rejected
            },
            Some(rejected.code.clone()),
            Some(rejected.detail.chars().take(MAX_DETAIL_LENGTH).collect()),
            rejected.pointer.clone(),
        ),
        _ => (CommandState::Completed, None, None, None),
    };
    Outcome {
        command_id,
        command_type: command_type.to_owned(),
        status,
        event_id: header.id,
        event_type: header.kind.clone(),
        subject: header.subject.clone(),
        code,
        detail,
        pointer,
        decided_at: header.time,
    }
}
