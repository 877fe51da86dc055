//! What only the leader runs.

mod closing;
mod crm;
mod dispatcher;
mod erasing;
mod keeping;
mod keys;
mod noting;
mod outbound;
mod pause;
mod resends;
mod schedule;
mod sender;
mod terms;
mod under_way;

use std::time::Duration;

use messaging::job::timer_command;
use schemas::{EndWorkflowV1, Message, Service};
use types::{Micros, WorkflowReason, ids};

pub(crate) use closing::EndClosed;
pub(crate) use crm::CrmCalls;
pub(crate) use dispatcher::{Dispatcher, OWN_TEXTS_FAILED, Way};
pub(crate) use erasing::EraseRest;
pub(crate) use keeping::{ForgetRemoved, KeepBounds};
pub(crate) use outbound::Mails;
pub(crate) use resends::Resends;
pub(crate) use sender::Sender;
pub(crate) use terms::MailTerms;

use crate::store::workflows::Ending;

/// So long a job goes on with its steps before it looks about.
const STEP: Duration = Duration::from_secs(1);
/// So long, in microseconds, until keys are asked for again that could not be had.
const KEYS_AGAIN: i64 = 5 * 1_000_000;

/// Commands of one step that end workflows: there may be very many of them, and each ends by itself.
const MAX_ENDED: i64 = 100;

/// Has a job end a workflow, with the correlation of its application.
fn end_workflow(ending: Ending, job: &str, reason: WorkflowReason, now: Micros) -> Message {
    let id = ids::timer_command_id(&ending.id, job, Micros(ending.due_at));
    let kind = "notify.end_workflow.command.v1";
    let body = EndWorkflowV1 {
        reason: reason.name().to_owned(),
    };
    let mut command = timer_command(Service::Notify, kind, id, ending.id, now, body);
    command.header.correlation_id = ending.correlation_id;
    command
}
