//! What is asked of onboarding and of workflows, and what campaign and tracking say that matters to them.

use schemas::{
    About, Body, ChangeOnboardingV1, ConcludeCrmCallV1, EndWorkflowV1, Header, Message,
    OnboardingChangedV1, SkipWorkflowStepV1,
};
use types::{
    BrandId, Country, MAX_TAGS, PartnerId, WorkflowId, WorkflowReason, WorkflowStep, check_tag,
};

use super::{about, at, from_people};
use crate::domain::{Command, ConcludedCall, Rejection, WorkflowCommand};

/// The longest sealed name or address, in bytes.
const MAX_SEALED_BYTES: usize = 1_024;

pub(super) fn change_onboarding(
    header: &Header,
    wire: &ChangeOnboardingV1,
) -> Result<Command, Rejection> {
    from_people(header)?;
    about(header, &header.key)?;
    let brand: BrandId = header.key.parse().map_err(at("/brand_id"))?;
    let countries = wire.countries.iter().map(|code| Country::parse(code));
    let countries = countries.collect::<Result<_, _>>();
    if wire.tags.len() > MAX_TAGS {
        return Err(at("/tags")("are too many"));
    }
    for tag in &wire.tags {
        check_tag(tag).map_err(at("/tags"))?;
    }
    for sealed in [&wire.sealed_manager, &wire.sealed_manager_mail] {
        if sealed
            .as_ref()
            .is_some_and(|it| it.len() > MAX_SEALED_BYTES)
        {
            return Err(at("/manager")("is too long"));
        }
    }
    let group_id = wire.group_id.as_deref().map(str::parse).transpose();
    let new = OnboardingChangedV1 {
        enabled: wire.enabled,
        approves: wire.approves,
        countries: countries.map_err(at("/countries"))?,
        group_id: group_id.map_err(at("/group_id"))?,
        tags: wire.tags.clone(),
        crm: wire.crm,
        sealed_manager: wire.sealed_manager.clone(),
        sealed_manager_mail: wire.sealed_manager_mail.clone(),
    };
    Ok(Command::ChangeOnboarding(Box::new(About::of(brand, new))))
}

/// Something that people ask of a workflow.
pub(super) fn by_people(header: &Header, command: WorkflowCommand) -> Result<Command, Rejection> {
    from_people(header)?;
    of_workflow(header).map(|id| Command::Workflow(id, command))
}

pub(super) fn skip(header: &Header, wire: &SkipWorkflowStepV1) -> Result<Command, Rejection> {
    let step = WorkflowStep::parse(&wire.step).ok_or("is none that is known");
    by_people(header, WorkflowCommand::Skip(step.map_err(at("/step"))?))
}

pub(super) fn conclude(header: &Header, wire: &ConcludeCrmCallV1) -> Result<Command, Rejection> {
    let reason = wire.reason.as_deref();
    let reason = reason.map(|name| WorkflowReason::parse(name).ok_or("is none that is known"));
    let call = ConcludedCall {
        removes: wire.removes,
        reason: reason.transpose().map_err(at("/reason"))?,
        crm_status: wire.crm_status,
        generation: wire.generation,
        may_exist: wire.may_exist.unwrap_or_default(),
    };
    let id = of_workflow(header)?;
    Ok(Command::Workflow(id, WorkflowCommand::Conclude(call)))
}

pub(super) fn end(header: &Header, wire: &EndWorkflowV1) -> Result<Command, Rejection> {
    let reason = WorkflowReason::parse(&wire.reason).ok_or("is none that is known");
    let reason = reason.map_err(at("/reason"))?;
    let id = of_workflow(header)?;
    Ok(Command::Workflow(id, WorkflowCommand::End(reason)))
}

fn of_workflow(header: &Header) -> Result<WorkflowId, Rejection> {
    about(header, &header.key)?;
    header.key.parse().map_err(at("/workflow_id"))
}

/// Which workflows a fact may go on with.
pub(crate) enum Concerns {
    /// This one.
    Workflow(WorkflowId),
    /// Those of a partner at a brand.
    Partner(BrandId, PartnerId),
    /// Those of a partner everywhere.
    Everywhere(PartnerId),
}

/// Which workflows a fact may go on with, if any.
pub(crate) fn concerns(message: &Message) -> Option<Concerns> {
    let of = |brand: &BrandId, partner: &PartnerId| {
        Some(Concerns::Partner(brand.clone(), partner.clone()))
    };
    match &message.body {
        Body::WorkflowStepAnsweredV1(_) | Body::WorkflowLinkAnsweredV1(_) => {
            let id = message.header.subject.parse().ok()?;
            Some(Concerns::Workflow(id))
        }
        Body::EnrollmentAppliedV1(it) => of(&it.brand_id, &it.partner_id),
        Body::EnrollmentAcceptedV1(it) => of(it.brand_id.as_ref()?, &it.partner_id),
        Body::EnrollmentApprovedV1(it) => of(&it.brand_id, &it.partner_id),
        Body::EnrollmentRejectedV1(it) => of(&it.brand_id, &it.partner_id),
        Body::EnrollmentEndedV1(it) => of(&it.brand_id, &it.partner_id),
        Body::PartnerBannedV1(it) => {
            let partner = message.header.key.parse().ok()?;
            Some(match &it.brand_id {
                Some(brand) => Concerns::Partner(brand.clone(), partner),
                None => Concerns::Everywhere(partner),
            })
        }
        _ => None,
    }
}
