//! What campaign does for a workflow of notify's, in the name of the brand that wants it. It cannot be refused: campaign answers what came
//! of it.

use schemas::{About, WorkflowStepAnsweredV1, WorkflowStepRequestedV1};
use types::{
    EnrollmentStatus, GroupId, Micros, RefusalReason, WorkflowId, WorkflowReason as Reason,
    WorkflowStep as Step,
};

use super::{Actor, Change, Code, Command, Context, Event, Rejection, View, decide};

/// What is asked for a workflow.
pub type Requested = About<WorkflowStepRequestedV1>;

/// The command that a request comes to, if to one.
pub fn command_of(requested: &Requested) -> Command {
    let (campaign, partner) = (requested.campaign_id.clone(), requested.partner_id.clone());
    let change = |change| Command::Change {
        campaign: campaign.clone(),
        partner: partner.clone(),
        change,
    };
    match (requested.step, requested.compensates, &requested.group_id) {
        (Step::Group, _, Some(group)) => Command::MovePartner {
            brand: requested.brand_id.clone(),
            partner: partner.clone(),
            group: group.clone(),
        },
        (Step::Approval, false, _) => change(Change::Approve),
        _ => change(Change::Reject(RefusalReason::NeedsMoreDetail)),
    }
}

/// Does what is asked, and answers.
pub fn answer(requested: &Requested, view: View, now: Micros) -> Vec<Event> {
    let command = command_of(requested);
    let context = Context {
        now,
        requested_at: now,
        actor: Actor {
            brand: Some(requested.brand_id.clone()),
            ..Actor::default()
        },
    };
    let before = group_before(requested, view);
    match requested.step {
        Step::Group if requested.group_id.is_none() => {
            vec![answered(requested, Some(Reason::Refused), None, view)]
        }
        Step::Checks => vec![answered(requested, checked(requested, view), None, view)],
        // The brand has moved the partner elsewhere meanwhile: there it stays.
        Step::Group if requested.from_group_id.is_some() && requested.from_group_id != before => {
            vec![answered(requested, None, None, view)]
        }
        Step::Group | Step::Approval => match decide(view, &command, &context) {
            Ok(event) => {
                let before = before.filter(|_| requested.step == Step::Group);
                vec![event, answered(requested, None, before, view)]
            }
            Err(rejection) => {
                let refusal = refusal(requested, view, &rejection);
                vec![answered(requested, refusal, None, view)]
            }
        },
        Step::Manager | Step::CrmContact | Step::Link => {
            vec![answered(requested, Some(Reason::Refused), None, view)]
        }
    }
}

/// Whether the partner may be onboarded. What is banned, or applies no more, is no application to go on with.
fn checked(requested: &Requested, view: View) -> Option<Reason> {
    if view.banned {
        return Some(Reason::PartnerBanned);
    }
    let status = view.enrollment.map(|it| it.status);
    let applies = [EnrollmentStatus::Applied, EnrollmentStatus::Enrolled];
    if !status.is_some_and(|it| applies.contains(&it)) {
        return Some(Reason::ApplicationEnded);
    }
    if requested.countries.is_empty() {
        return None;
    }
    match view.partner.and_then(|it| it.country) {
        None => Some(Reason::CountryUnknown),
        Some(country) if requested.countries.contains(&country) => None,
        Some(_) => Some(Reason::CountryNotAllowed),
    }
}

fn group_before(requested: &Requested, view: View) -> Option<GroupId> {
    let default = || GroupId::default_of(&requested.brand_id);
    let group = view.membership.map(|it| it.group.clone());
    (requested.step == Step::Group).then(|| group.unwrap_or_else(default))
}

/// Why nothing is done; `None`: it is so already.
fn refusal(requested: &Requested, view: View, rejection: &Rejection) -> Option<Reason> {
    let is_in = view.enrollment.map(|it| it.status) == Some(EnrollmentStatus::Enrolled);
    let is = |code: Code| rejection.code == schemas::RejectionCode::from(code);
    let reasons = [
        (Code::NotApplied, Reason::ApplicationEnded),
        (Code::GroupUnknown, Reason::GroupUnknown),
        (Code::GroupArchived, Reason::GroupArchived),
        (Code::CampaignClosed, Reason::CampaignClosed),
        (Code::PartnerBanned, Reason::PartnerBanned),
    ];
    let is_so = is(Code::AlreadyInGroup) || is(Code::NotApplied) && is_in && !requested.compensates;
    let reason = reasons.into_iter().find(|(code, _)| is(*code));
    (!is_so).then(|| reason.map_or(Reason::Refused, |(_, reason)| reason))
}

fn answered(
    requested: &Requested,
    refusal: Option<Reason>,
    group_before: Option<GroupId>,
    view: View,
) -> Event {
    let checked = view.partner.filter(|_| requested.step == Step::Checks);
    let record = WorkflowStepAnsweredV1 {
        brand_id: requested.brand_id.clone(),
        partner_id: requested.partner_id.clone(),
        campaign_id: requested.campaign_id.clone(),
        step: requested.step,
        compensates: requested.compensates,
        refusal,
        group_before,
        country: checked.and_then(|it| it.country),
        sealed_name: checked.and_then(|it| it.sealed_name.clone()),
    };
    let workflow: WorkflowId = requested.subject.clone();
    About::of(workflow, record).into()
}
