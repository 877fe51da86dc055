//! What a workflow makes of what happened at campaign and tracking. None of it can be refused.

use schemas::{
    About, EnrollmentAppliedV1, WorkflowLinkAnsweredV1, WorkflowStartedV1, WorkflowStepAnsweredV1,
    WorkflowStepCompletedV1,
};
use types::{
    CampaignId, Micros, Uuid, WorkflowId, WorkflowReason as Reason, WorkflowStatus,
    WorkflowStep as Step, WorkflowStepState as State,
};

use super::super::{Event, Place};
use super::{Onboarding, Workflow, followed};

/// A partner applied to a campaign of a brand that wants something done about it. `others` are of that partner at that brand: where one is
/// under way for the same campaign, it accepted newer terms, and goes on.
pub fn applied<'a>(
    (event_id, correlation_id): (Uuid, Uuid),
    campaign: &CampaignId,
    applied: &EnrollmentAppliedV1,
    onboarding: Option<&Onboarding>,
    others: impl Iterator<Item = &'a Workflow>,
    now: Micros,
) -> Vec<Event> {
    let Some(onboarding) = onboarding.filter(|it| it.wants.enabled) else {
        return Vec::new();
    };
    let mut is_under_way = false;
    for other in others {
        match other.status {
            WorkflowStatus::Running if other.started.campaign_id == *campaign => {
                return Vec::new();
            }
            // Of it the CRM alone forgets the contact, before it is told anything else of the partner.
            WorkflowStatus::Compensating if other.reason == Some(Reason::PartnerErased) => {}
            // What is taken back of one would be taken back of the next.
            WorkflowStatus::Running | WorkflowStatus::Compensating => is_under_way = true,
            WorkflowStatus::Completed | WorkflowStatus::Compensated => {}
        }
    }
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
    if is_under_way {
        let place = Place {
            time: now,
            position: 0,
        };
        let begun = Workflow::evolve(None, &events[0], place);
        events.extend(begun.map(|it| it.failed(Step::Checks, Reason::Duplicate)));
    }
    followed(None, events, now)
}

/// Campaign did a step, or took it back, or refuses.
pub fn answered(workflow: &Workflow, answer: &WorkflowStepAnsweredV1, now: Micros) -> Vec<Event> {
    let step = answer.step;
    let state = workflow.step(step);
    let is_erased = workflow.reason == Some(Reason::PartnerErased);
    let event = match (answer.compensates, answer.refusal) {
        (true, failure) if state == State::Compensating => workflow.taken_back(step, failure),
        (false, Some(reason)) if state == State::Running => workflow.failed(step, reason),
        // One that was stopped meanwhile has had its effect all the same: it is known, and taken back.
        (false, None) if matches!(state, State::Running | State::Failed) => {
            workflow.about(WorkflowStepCompletedV1 {
                group_before: answer.group_before.clone(),
                country: answer.country.filter(|_| !is_erased),
                sealed_name: answer.sealed_name.clone().filter(|_| !is_erased),
                ..workflow.done_with(step)
            })
        }
        _ => return Vec::new(),
    };
    followed(Some(workflow), vec![event], now)
}

/// Tracking made the link, or refuses: then the partner is in without one.
pub fn link_answered(
    workflow: &Workflow,
    answer: &WorkflowLinkAnsweredV1,
    now: Micros,
) -> Vec<Event> {
    if workflow.step(Step::Link) != State::Running {
        return Vec::new();
    }
    let event = match answer.refusal {
        Some(reason) => workflow.left_out(Step::Link, reason),
        None => workflow.about(WorkflowStepCompletedV1 {
            link_code: answer.link_code.clone(),
            ..workflow.done_with(Step::Link)
        }),
    };
    followed(Some(workflow), vec![event], now)
}

/// The application was decided: the partner is in, or it is no application any more.
pub fn decided(workflow: &Workflow, is_in: bool, now: Micros) -> Vec<Event> {
    let approval = workflow.step(Step::Approval);
    let is_erased = workflow.reason == Some(Reason::PartnerErased);
    let event = match (workflow.status, approval, is_in) {
        (WorkflowStatus::Running, State::Pending | State::Running, true) => {
            workflow.done(Step::Approval)
        }
        // Who was let in may leave while another step still waits.
        (WorkflowStatus::Running, State::Pending | State::Running | State::Completed, false) => {
            workflow.failed(Step::Approval, Reason::ApplicationEnded)
        }
        // Nothing else changes by it: in the end the brand is mailed how the application stands.
        (
            WorkflowStatus::Compensating,
            State::Pending | State::Failed | State::Compensating,
            true,
        ) if !is_erased => workflow.done(Step::Approval),
        // What is being given back to the partner is rejected for that, which campaign answers.
        (
            WorkflowStatus::Compensating,
            State::Pending | State::Failed | State::Completed,
            false,
        ) if !is_erased => workflow.taken_back(Step::Approval, Some(Reason::ApplicationEnded)),
        _ => return Vec::new(),
    };
    followed(Some(workflow), vec![event], now)
}

/// The partner is banned: it is onboarded no further.
pub fn banned(workflow: &Workflow, now: Micros) -> Vec<Event> {
    if workflow.status != WorkflowStatus::Running {
        return Vec::new();
    }
    let event = workflow.cancelled(Reason::PartnerBanned);
    followed(Some(workflow), vec![event], now)
}

/// The partner was erased: it is onboarded no further, nothing of it is kept, and it is no contact of the CRM any more, also of a workflow
/// that had ended.
pub fn erased(workflow: &Workflow, now: Micros) -> Vec<Event> {
    if workflow.reason == Some(Reason::PartnerErased) {
        return Vec::new();
    }
    let contact = workflow.record(Step::CrmContact);
    let may_be_one = contact.is_some_and(|it| it.begun);
    let is_known = workflow.country.is_some() || workflow.sealed_name.is_some();
    if workflow.status != WorkflowStatus::Running && !may_be_one && !is_known {
        return Vec::new();
    }
    let event = workflow.cancelled(Reason::PartnerErased);
    followed(Some(workflow), vec![event], now)
}
