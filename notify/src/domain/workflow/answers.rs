//! What a workflow makes of what happened at campaign. None of it can be refused.

use schemas::{
    About, EnrollmentAppliedV1, WorkflowStartedV1, WorkflowStepAnsweredV1, WorkflowStepCompletedV1,
};
use types::{
    CampaignId, Micros, Uuid, WorkflowId, WorkflowReason as Reason, WorkflowStatus,
    WorkflowStep as Step, WorkflowStepState as State,
};

use super::super::{Event, Place};
use super::{Onboarding, Workflow, followed};

/// A partner applied to a campaign of a brand that wants something done about it. `others` are of that partner at that brand.
pub fn applied<'a>(
    (event_id, correlation_id): (Uuid, Uuid),
    campaign: &CampaignId,
    applied: &EnrollmentAppliedV1,
    onboarding: Option<&Onboarding>,
    mut others: impl Iterator<Item = &'a Workflow>,
    now: Micros,
) -> Vec<Event> {
    let Some(onboarding) = onboarding.filter(|it| it.wants.enabled) else {
        return Vec::new();
    };
    let wants = onboarding.wants.clone();
    let id = WorkflowId::of(event_id);
    let started = WorkflowStartedV1 {
        brand_id: applied.brand_id.clone(),
        partner_id: applied.partner_id.clone(),
        campaign_id: campaign.clone(),
        correlation_id,
        approves: wants.approves,
        countries: wants.countries,
        group_id: wants.group_id,
        tags: wants.tags,
        crm: wants.crm,
        sealed_manager: wants.sealed_manager,
        sealed_manager_mail: wants.sealed_manager_mail,
    };
    let mut events = vec![About::of(id, started).into()];
    if others.any(|other| other.status == WorkflowStatus::Running) {
        let place = Place {
            time: now,
            position: 0,
        };
        let begun = Workflow::evolve(None, &events[0], place);
        events.extend(begun.map(|it| it.failed(Step::Checks, Reason::Duplicate, None)));
    }
    followed(None, events, now)
}

/// Campaign did a step, or took it back, or refuses.
pub fn answered(workflow: &Workflow, answer: &WorkflowStepAnsweredV1, now: Micros) -> Vec<Event> {
    let step = answer.step;
    let state = workflow.step(step);
    let event = match (answer.compensates, answer.refusal) {
        (true, failure) if state == State::Compensating => workflow.taken_back(step, failure),
        (false, Some(reason)) if state == State::Running => workflow.failed(step, reason, None),
        // One that was stopped meanwhile has had its effect all the same: it is known, and taken back.
        (false, None) if matches!(state, State::Running | State::Failed) => {
            workflow.about(WorkflowStepCompletedV1 {
                group_before: answer.group_before.clone(),
                country: answer.country,
                sealed_name: answer.sealed_name.clone(),
                ..workflow.done_with(step)
            })
        }
        _ => return Vec::new(),
    };
    followed(Some(workflow), vec![event], now)
}

/// The application was decided: the partner is in, or it is no application any more.
pub fn decided(workflow: &Workflow, is_in: bool, now: Micros) -> Vec<Event> {
    let is_open = matches!(
        workflow.step(Step::Approval),
        State::Pending | State::Running
    );
    if workflow.status != WorkflowStatus::Running || !is_open {
        return Vec::new();
    }
    let event = if is_in {
        workflow.done(Step::Approval)
    } else {
        workflow.failed(Step::Approval, Reason::ApplicationEnded, None)
    };
    followed(Some(workflow), vec![event], now)
}

/// The partner was erased: it is onboarded no further, and is no contact of the CRM any more.
pub fn erased(workflow: &Workflow, now: Micros) -> Vec<Event> {
    let contact = workflow.record(Step::CrmContact);
    let may_be_one = contact.is_some_and(|it| it.begun && it.state != State::Compensated);
    let ends = match workflow.status {
        WorkflowStatus::Running => true,
        WorkflowStatus::Completed => may_be_one,
        WorkflowStatus::Compensating | WorkflowStatus::Compensated => false,
    };
    if !ends {
        return Vec::new();
    }
    let event = workflow.cancelled(Reason::PartnerErased);
    followed(Some(workflow), vec![event], now)
}
