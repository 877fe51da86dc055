//! What is done with an application, step by step: a workflow, how events change it, and what follows.

mod answers;
mod commands;
mod next;
mod onboarding;

use schemas::{WorkflowStartedV1, WorkflowStepCompletedV1};
use serde::{Deserialize, Serialize};
use types::{
    Country, GroupId, LinkCode, Micros, WorkflowId, WorkflowReason, WorkflowStatus, WorkflowStep,
    WorkflowStepState,
};

use super::{Event, Place};
pub use answers::{answered, applied, banned, decided, erased, link_answered};
pub use commands::{ConcludedCall, WorkflowCommand, decide_workflow};
pub use next::followed;
pub use onboarding::{Onboarding, change_onboarding};

/// What is done with one application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Which.
    pub id: WorkflowId,
    /// Whose application, and what its brand wanted when it came.
    pub started: WorkflowStartedV1,
    /// How far it is.
    pub status: WorkflowStatus,
    /// Every step, in order.
    pub steps: Vec<StepRecord>,
    /// The group that the partner was in before it was moved.
    pub group_before: Option<GroupId>,
    /// Of which country the partner is, once that was looked at.
    pub country: Option<Country>,
    /// The partner's name, sealed under its own key.
    pub sealed_name: Option<Vec<u8>>,
    /// The link that the partner has for the campaign.
    pub link: Option<LinkCode>,
    /// The step that came to nothing.
    pub failed: Option<WorkflowStep>,
    /// Why what was done is taken back.
    pub reason: Option<WorkflowReason>,
    /// Whether the application went back to the partner.
    pub returned: bool,
    /// When it began.
    pub started_at: Micros,
    /// When something happened last.
    pub changed_at: Micros,
    /// When all was done, or taken back.
    pub ended_at: Option<Micros>,
    /// When it had ended before its partner was erased.
    pub ended_before: Option<Micros>,
    /// Where it stands in lists.
    pub position: i64,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which.
    pub step: WorkflowStep,
    /// How far.
    pub state: WorkflowStepState,
    /// Why it was left out, came to nothing, or could not be taken back.
    pub reason: Option<WorkflowReason>,
    /// What the CRM answered.
    pub crm_status: Option<i32>,
    /// Whether something was begun that may have had an effect.
    pub begun: bool,
    /// Whether it may have had an effect although it came to nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_exist: bool,
    /// When it came to be so.
    pub changed_at: Option<Micros>,
}

impl StepRecord {
    fn new(step: WorkflowStep) -> Self {
        Self {
            step,
            state: WorkflowStepState::Pending,
            reason: None,
            crm_status: None,
            begun: false,
            may_exist: false,
            changed_at: None,
        }
    }
}

impl Workflow {
    /// What an event makes of what was there before.
    pub fn evolve(before: Option<Self>, event: &Event, place: Place) -> Option<Self> {
        if let Event::WorkflowStarted(it) = event {
            return Some(Self::new(it.subject.clone(), it.record.clone(), place));
        }
        let mut after = before?;
        after.changed_at = place.time;
        match event {
            Event::StepRequested(it) => after.begin(it.step, it.compensates, place.time),
            Event::StepStarted(it) => after.begin(it.step, it.compensates, place.time),
            Event::StepCompleted(it) => after.complete(&it.record, place.time),
            Event::StepFailed(it) => {
                let failed = WorkflowStepState::Failed;
                after.put(it.step, failed, Some(it.reason), place.time);
                let record = after.record_mut(it.step);
                record.crm_status = it.crm_status;
                record.may_exist = it.may_exist.unwrap_or_default();
                after.take_back(Some(it.step), it.reason, place.time);
            }
            Event::StepCompensated(it) => {
                let compensated = WorkflowStepState::Compensated;
                after.put(it.step, compensated, it.failure, place.time);
            }
            Event::WorkflowCancelled(it) => after.take_back(None, it.reason, place.time),
            Event::WorkflowCompleted(_) => {
                after.status = WorkflowStatus::Completed;
                after.ended_at = Some(place.time);
            }
            Event::WorkflowCompensated(it) => {
                after.status = WorkflowStatus::Compensated;
                after.returned = it.returned;
                after.ended_at = Some(place.time);
            }
            _ => {}
        }
        Some(after)
    }

    fn new(id: WorkflowId, started: WorkflowStartedV1, place: Place) -> Self {
        Self {
            id,
            started,
            status: WorkflowStatus::Running,
            steps: WorkflowStep::ALL
                .iter()
                .map(|it| StepRecord::new(*it))
                .collect(),
            group_before: None,
            country: None,
            sealed_name: None,
            link: None,
            failed: None,
            reason: None,
            returned: false,
            started_at: place.time,
            changed_at: place.time,
            ended_at: None,
            ended_before: None,
            position: place.position,
        }
    }

    /// How far a step is.
    pub fn step(&self, step: WorkflowStep) -> WorkflowStepState {
        self.record(step)
            .map_or(WorkflowStepState::Pending, |it| it.state)
    }

    /// A step, as it stands.
    pub fn record(&self, step: WorkflowStep) -> Option<&StepRecord> {
        self.steps.iter().find(|it| it.step == step)
    }

    /// A step of a later build is one that has not begun.
    fn record_mut(&mut self, step: WorkflowStep) -> &mut StepRecord {
        let at = self.steps.iter().position(|it| it.step == step);
        let at = at.unwrap_or_else(|| {
            self.steps.push(StepRecord::new(step));
            self.steps.len() - 1
        });
        &mut self.steps[at]
    }

    fn put(
        &mut self,
        step: WorkflowStep,
        state: WorkflowStepState,
        reason: Option<WorkflowReason>,
        time: Micros,
    ) {
        let record = self.record_mut(step);
        record.state = state;
        record.reason = reason;
        record.changed_at = Some(time);
    }

    fn begin(&mut self, step: WorkflowStep, compensates: bool, time: Micros) {
        let state = if compensates {
            WorkflowStepState::Compensating
        } else {
            WorkflowStepState::Running
        };
        let reason = self.record(step).and_then(|it| it.reason);
        self.put(step, state, reason.filter(|_| compensates), time);
        self.record_mut(step).begun = true;
    }

    fn complete(&mut self, done: &WorkflowStepCompletedV1, time: Micros) {
        let state = if done.skipped.is_some() {
            WorkflowStepState::Skipped
        } else {
            WorkflowStepState::Completed
        };
        self.put(done.step, state, done.skipped, time);
        match done.step {
            WorkflowStep::Checks => {
                self.country = done.country;
                self.sealed_name.clone_from(&done.sealed_name);
            }
            WorkflowStep::Group => self.group_before.clone_from(&done.group_before),
            WorkflowStep::Link => self.link.clone_from(&done.link_code),
            _ => {}
        }
    }

    /// What was done is taken back from now on; whatever runs comes to nothing.
    fn take_back(&mut self, failed: Option<WorkflowStep>, reason: WorkflowReason, time: Micros) {
        self.status = WorkflowStatus::Compensating;
        self.failed = failed;
        self.reason = Some(reason);
        self.ended_before = self.ended_at.take().or(self.ended_before);
        if reason == WorkflowReason::PartnerErased {
            self.country = None;
            self.sealed_name = None;
            // What was removed, or is just being, may still be kept there: it is asked to forget.
            let contact = self.record_mut(WorkflowStep::CrmContact);
            let removed = [
                WorkflowStepState::Compensating,
                WorkflowStepState::Compensated,
            ];
            if removed.contains(&contact.state) {
                contact.state = WorkflowStepState::Failed;
                contact.reason = Some(reason);
                contact.changed_at = Some(time);
            }
        }
        for record in &mut self.steps {
            if record.state == WorkflowStepState::Running {
                record.state = WorkflowStepState::Failed;
                record.reason = Some(reason);
                record.changed_at = Some(time);
            }
        }
    }
}
