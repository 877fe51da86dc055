//! What follows on how far a workflow is.

use schemas::{
    About, WorkflowCancelledV1, WorkflowCompensatedV1, WorkflowCompletedV1,
    WorkflowStepCompensatedV1, WorkflowStepCompletedV1, WorkflowStepFailedV1,
    WorkflowStepRequestedV1, WorkflowStepStartedV1,
};
use types::{
    Micros, WorkflowReason as Reason, WorkflowStatus, WorkflowStep as Step,
    WorkflowStepState as State,
};

use super::super::{Event, Place};
use super::Workflow;

/// These events of a workflow, and what follows on them until something must be waited for. `before` is `None` where they begin it.
pub fn followed(before: Option<&Workflow>, mut events: Vec<Event>, now: Micros) -> Vec<Event> {
    let place = Place {
        time: now,
        position: 0,
    };
    let mut workflow = before.cloned();
    let mut seen = 0;
    loop {
        while let Some(event) = events.get(seen) {
            workflow = Workflow::evolve(workflow, event, place);
            seen += 1;
        }
        // Each step of it comes to an end: an event that follows is not followed by itself.
        match workflow.as_ref().and_then(Workflow::next) {
            Some(event) => events.push(event),
            None => return events,
        }
    }
}

impl Workflow {
    /// What is to happen now; `None`: something is waited for, or all is done.
    fn next(&self) -> Option<Event> {
        match self.status {
            WorkflowStatus::Running => self.forward(),
            WorkflowStatus::Completed => None,
            WorkflowStatus::Compensating | WorkflowStatus::Compensated => self.backward(),
        }
    }

    fn forward(&self) -> Option<Event> {
        let is_open =
            |step: &&Step| !matches!(self.step(**step), State::Completed | State::Skipped);
        let Some(step) = Step::ALL.iter().find(is_open) else {
            return Some(self.completed());
        };
        if self.step(*step) != State::Pending {
            return None;
        }
        let wants = &self.started;
        Some(match step {
            Step::Checks | Step::Link => self.requested(*step, false),
            Step::Group if wants.group_id.is_some() => self.requested(*step, false),
            Step::Manager if wants.sealed_manager.is_some() => self.done(*step),
            Step::CrmContact if wants.crm => self.begun(*step, false),
            Step::Approval if wants.approves => self.requested(*step, false),
            Step::Approval => self.begun(*step, false),
            Step::Group | Step::Manager | Step::CrmContact => {
                self.left_out(*step, Reason::NotWanted)
            }
        })
    }

    /// What was done last is taken back first.
    fn backward(&self) -> Option<Event> {
        for step in Step::ALL.iter().rev() {
            if self.step(*step) == State::Compensating {
                return None;
            }
            if self.has_effect(*step) {
                return Some(match step {
                    Step::CrmContact => self.begun(*step, true),
                    _ => self.requested(*step, true),
                });
            }
        }
        (self.status == WorkflowStatus::Compensating).then(|| self.compensated())
    }

    /// Whether there is, or may be, something to take back of a step.
    fn has_effect(&self, step: Step) -> bool {
        let Some(record) = self.record(step) else {
            return false;
        };
        let is_erased = self.reason == Some(Reason::PartnerErased);
        match (step, record.state) {
            (_, State::Compensated) => false,
            // A call that was begun may have been taken, unless each attempt was refused.
            (Step::CrmContact, _) => {
                let none_made = [Reason::CrmRefused, Reason::NotConfigured];
                let none_made = record.reason.is_some_and(|it| none_made.contains(&it));
                record.begun && (record.may_exist || !none_made)
            }
            (Step::Group, State::Completed) => self.group_before.is_some() && !is_erased,
            // The partner can mend what it lacks and apply again; all else is for the brand to see.
            (Step::Approval, State::Pending) => {
                let theirs = [Reason::CountryUnknown, Reason::CountryNotAllowed];
                self.reason.is_some_and(|reason| theirs.contains(&reason))
            }
            _ => false,
        }
    }

    /// Another service is to do a step, or to take it back.
    pub(super) fn requested(&self, step: Step, compensates: bool) -> Event {
        let wanted = (step == Step::Group).then(|| self.started.group_id.clone());
        let wanted = wanted.flatten();
        let (group_id, from_group_id) = if compensates {
            let before = self.group_before.clone();
            (before.filter(|_| step == Step::Group), wanted)
        } else {
            (wanted, None)
        };
        let is_checked = step == Step::Checks && !compensates;
        let countries = self.started.countries.iter().filter(|_| is_checked);
        self.about(WorkflowStepRequestedV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            step,
            compensates,
            countries: countries.copied().collect(),
            group_id,
            from_group_id,
        })
    }

    pub(super) fn begun(&self, step: Step, compensates: bool) -> Event {
        self.about(WorkflowStepStartedV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            step,
            compensates,
        })
    }

    /// A step that is done, and says nothing more.
    pub(super) fn done_with(&self, step: Step) -> WorkflowStepCompletedV1 {
        WorkflowStepCompletedV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            step,
            skipped: None,
            group_before: None,
            country: None,
            sealed_name: None,
            link_code: None,
        }
    }

    pub(super) fn done(&self, step: Step) -> Event {
        self.about(self.done_with(step))
    }

    pub(super) fn left_out(&self, step: Step, reason: Reason) -> Event {
        self.about(WorkflowStepCompletedV1 {
            skipped: Some(reason),
            ..self.done_with(step)
        })
    }

    /// A step that came to nothing, of which nobody outside said anything.
    pub(super) fn failed_with(&self, step: Step, reason: Reason) -> WorkflowStepFailedV1 {
        WorkflowStepFailedV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            step,
            reason,
            crm_status: None,
            may_exist: None,
        }
    }

    pub(super) fn failed(&self, step: Step, reason: Reason) -> Event {
        self.about(self.failed_with(step, reason))
    }

    pub(super) fn taken_back(&self, step: Step, failure: Option<Reason>) -> Event {
        self.about(WorkflowStepCompensatedV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            step,
            failure,
        })
    }

    pub(super) fn cancelled(&self, reason: Reason) -> Event {
        self.about(WorkflowCancelledV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            reason,
        })
    }

    fn completed(&self) -> Event {
        self.about(WorkflowCompletedV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            sealed_manager: self.started.sealed_manager.clone(),
            link_code: self.link.clone(),
        })
    }

    fn compensated(&self) -> Event {
        let approval = self.record(Step::Approval);
        let returned =
            approval.is_some_and(|it| it.state == State::Compensated && it.reason.is_none());
        self.about(WorkflowCompensatedV1 {
            brand_id: self.started.brand_id.clone(),
            partner_id: self.started.partner_id.clone(),
            campaign_id: self.started.campaign_id.clone(),
            step: self.failed,
            reason: self.reason.unwrap_or(Reason::Cancelled),
            returned,
        })
    }

    pub(super) fn about<R>(&self, record: R) -> Event
    where
        R: schemas::Record<Key = types::WorkflowId, Subject = types::WorkflowId>,
        Event: From<About<R>>,
    {
        About::of(self.id.clone(), record).into()
    }
}
