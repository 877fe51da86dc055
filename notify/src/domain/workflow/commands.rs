//! What a workflow is asked: by people, and by the job that calls the CRM.

use schemas::WorkflowStepFailedV1;
use types::{
    WorkflowReason as Reason, WorkflowStatus, WorkflowStep as Step, WorkflowStepState as State,
};

use super::super::{Actor, Code, Context, Event, Owner, Rejection};
use super::{Workflow, erased, followed};

/// What became of a call to the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcludedCall {
    /// Whether the contact was to be removed.
    pub removes: bool,
    /// Why nothing was done; absent: it was.
    pub reason: Option<Reason>,
    /// What the CRM answered.
    pub crm_status: Option<i32>,
    /// Which call of the workflow's; absent: a build before this one does not say.
    pub generation: Option<i64>,
    /// Whether the contact may have been made all the same, by an attempt that was not answered.
    pub may_exist: bool,
}

/// What is asked of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkflowCommand {
    /// What waits is to be tried now.
    Retry,
    /// A step that waits is to be left out.
    Skip(Step),
    /// What was done is to be taken back.
    Cancel,
    /// The CRM answered.
    Conclude(ConcludedCall),
    /// What it is about is no more.
    End(Reason),
}

/// What becomes of it. People ask for their own brand's. `ended_call` is the generation of the workflow's call to the CRM that has ended:
/// one that was made anew meanwhile is not ended by what became of the one before.
pub fn decide_workflow(
    workflow: Option<&Workflow>,
    ended_call: Option<i64>,
    command: WorkflowCommand,
    context: &Context,
) -> Result<Vec<Event>, Rejection> {
    let is_theirs = |it: &&Workflow| {
        let owner = Owner::Brand(it.started.brand_id.clone());
        let is_ours = matches!(
            command,
            WorkflowCommand::Conclude(_) | WorkflowCommand::End(_)
        );
        is_ours || context.actor.is(&owner)
    };
    let workflow = workflow.filter(is_theirs).ok_or_else(unknown)?;
    let event = match command {
        WorkflowCommand::Retry => retried(workflow)?,
        WorkflowCommand::Skip(step) => left_out(workflow, step, &context.actor)?,
        WorkflowCommand::Cancel => stopped(workflow, Reason::Cancelled)?,
        WorkflowCommand::End(Reason::PartnerErased) => {
            let events = erased(workflow, context.now);
            return if events.is_empty() {
                Err(ended())
            } else {
                Ok(events)
            };
        }
        WorkflowCommand::End(reason) => stopped(workflow, reason)?,
        WorkflowCommand::Conclude(call)
            if call.generation.is_some() && call.generation != ended_call =>
        {
            return Err(not_waiting());
        }
        WorkflowCommand::Conclude(call) => concluded(workflow, call)?,
    };
    Ok(followed(Some(workflow), vec![event], context.now))
}

fn stopped(workflow: &Workflow, reason: Reason) -> Result<Event, Rejection> {
    if workflow.status == WorkflowStatus::Running {
        return Ok(workflow.cancelled(reason));
    }
    Err(ended())
}

fn ended() -> Rejection {
    let detail = "the workflow has ended, or what it did is being taken back";
    Rejection::new(Code::WorkflowEnded, detail)
}

fn unknown() -> Rejection {
    Rejection::new(Code::WorkflowUnknown, "there is no such workflow")
}

fn not_waiting() -> Rejection {
    let detail = "the step does not wait for anything that this would change";
    Rejection::new(Code::WorkflowStepNotWaiting, detail)
}

/// What is under way, once more; where the brand is to decide, nothing is.
fn retried(workflow: &Workflow) -> Result<Event, Rejection> {
    let under_way = |state| matches!(state, State::Running | State::Compensating);
    let mut steps = workflow.steps.iter();
    let record = steps
        .find(|it| under_way(it.state))
        .ok_or_else(not_waiting)?;
    let compensates = record.state == State::Compensating;
    match record.step {
        Step::CrmContact => Ok(workflow.begun(record.step, compensates)),
        Step::Approval if !compensates && !workflow.started.approves => Err(not_waiting()),
        step => Ok(workflow.requested(step, compensates)),
    }
}

/// Of what waits for somebody outside, and the link, without which a partner is in as well: what campaign does is done at once, and without it
/// nobody is let in. That the CRM forgets whoever was erased only operators leave out: the CRM is theirs, and so is what it still keeps.
fn left_out(workflow: &Workflow, step: Step, actor: &Actor) -> Result<Event, Rejection> {
    let forgets = workflow.reason == Some(Reason::PartnerErased);
    match (step, workflow.step(step)) {
        (Step::CrmContact | Step::Link, State::Running) => {
            Ok(workflow.left_out(step, Reason::LeftOut))
        }
        (Step::CrmContact, State::Compensating) if actor.operator || !forgets => {
            Ok(workflow.taken_back(step, Some(Reason::LeftOut)))
        }
        (Step::CrmContact, State::Compensating) => {
            let detail = "only an operator may leave out that the CRM forgets whoever was erased";
            Err(Rejection::new(Code::WorkflowStepNotWaiting, detail))
        }
        _ => Err(not_waiting()),
    }
}

fn concluded(workflow: &Workflow, call: ConcludedCall) -> Result<Event, Rejection> {
    let step = Step::CrmContact;
    match (call.removes, call.reason, workflow.step(step)) {
        (true, failure, State::Compensating) => Ok(workflow.taken_back(step, failure)),
        (false, None, State::Running) => Ok(workflow.done(step)),
        (false, Some(Reason::NotConfigured), State::Running) => {
            Ok(workflow.left_out(step, Reason::NotConfigured))
        }
        (false, Some(reason), State::Running) => {
            let failed = workflow.failed_with(step, reason);
            Ok(workflow.about(WorkflowStepFailedV1 {
                crm_status: call.crm_status,
                may_exist: call.may_exist.then_some(true),
                ..failed
            }))
        }
        _ => Err(not_waiting()),
    }
}
