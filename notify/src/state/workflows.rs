//! Onboarding and workflows of a batch: loaded, gone on with, and saved.

use std::collections::HashMap;

use runtime::States;
use schemas::{Body, Message};
use serde_json::{Value, json};
use sqlx::PgConnection;
use types::{
    BrandId, Micros, PartnerId, WorkflowId, WorkflowReason, WorkflowStatus, WorkflowStep,
    WorkflowStepState, ids,
};

use super::BatchState;
use crate::domain::{self, Event, Onboarding, Owner, Place, Workflow};
use crate::mail;
use crate::messages::{self, Concerns};
use crate::store::crm_calls::{self, NewCall};
use crate::store::mails::{Cause, NewMail};
use crate::store::{closed_campaigns, names, onboardings, workflows};

/// What a batch needs to know of workflows.
#[derive(Debug, Default)]
pub(super) struct WantedWorkflows {
    ids: Vec<String>,
    brands: Vec<String>,
    /// Pairs, side by side.
    of_brands: Vec<String>,
    of_partners: Vec<String>,
    /// Partners, of all brands.
    everywhere: Vec<String>,
    campaigns: Vec<String>,
}

impl WantedWorkflows {
    /// What a fact may go on with.
    pub(super) fn fact(&mut self, message: &Message) {
        match messages::concerns(message) {
            Some(Concerns::Workflow(id)) => self.ids.push(id.into_string()),
            Some(Concerns::Partner(brand, partner)) => {
                self.brands.push(brand.to_string());
                self.of_brands.push(brand.into_string());
                self.of_partners.push(partner.into_string());
                self.campaigns.push(message.header.key.clone());
            }
            Some(Concerns::Everywhere(partner)) => self.everywhere(&partner),
            None => {}
        }
    }

    /// What a command or an own event names.
    pub(super) fn named(&mut self, workflow: Option<&WorkflowId>, brand: Option<&BrandId>) {
        self.ids.extend(workflow.map(ToString::to_string));
        self.brands.extend(brand.map(ToString::to_string));
    }

    /// Those under way of a partner.
    pub(super) fn everywhere(&mut self, partner: &PartnerId) {
        self.everywhere.push(partner.to_string());
    }
}

/// Onboarding and workflows that a batch touches.
#[derive(Debug, Default)]
pub(super) struct Workflows {
    all: States<WorkflowId, Workflow>,
    onboardings: States<BrandId, Onboarding>,
    /// What campaigns are called of which workflows are.
    names: HashMap<String, String>,
    calls: HashMap<WorkflowId, NewCall>,
    dropped_calls: Vec<String>,
    /// Calls that have ended, by their generation.
    ended_calls: HashMap<String, i64>,
    closed: Vec<String>,
    mails: Vec<NewMail>,
}

impl Workflows {
    /// With the mail addresses of whom they may be told of.
    pub(super) async fn load(
        connection: &mut PgConnection,
        wanted: WantedWorkflows,
        contacts: &mut Vec<String>,
    ) -> Result<Self, sqlx::Error> {
        let pairs = (&*wanted.of_brands, &*wanted.of_partners);
        let ids = &*wanted.ids;
        let all = workflows::load(&mut *connection, ids, pairs, &wanted.everywhere).await?;
        let onboardings = onboardings::load(&mut *connection, &wanted.brands).await?;
        let mut campaigns = wanted.campaigns;
        campaigns.extend(all.iter().map(|it| it.started.campaign_id.to_string()));
        let names = names::load(&mut *connection, &campaigns).await?;
        let ended_calls = crm_calls::ended(connection, ids).await?;
        let pairs = wanted.of_brands.into_iter().zip(wanted.of_partners);
        let recipients = pairs
            .map(|(brand, partner)| (brand.parse().ok(), partner.parse().ok()))
            .chain(all.iter().map(|it| {
                let started = &it.started;
                (
                    Some(started.brand_id.clone()),
                    Some(started.partner_id.clone()),
                )
            }));
        for (brand, partner) in recipients {
            let owners = [brand.map(Owner::Brand), partner.map(Owner::Partner)];
            let owners = owners.into_iter().flatten();
            contacts.extend(owners.map(|it| it.contact().into_string()));
        }
        Ok(Self {
            all: States::new(all, |it| &it.id),
            onboardings: States::new(onboardings, |it| &it.brand),
            names,
            ended_calls: ended_calls.into_iter().collect(),
            ..Self::default()
        })
    }

    pub(super) fn get(&self, id: &WorkflowId) -> Option<&Workflow> {
        self.all.get(id)
    }

    pub(super) fn ended_call(&self, id: &WorkflowId) -> Option<i64> {
        self.ended_calls.get(id.as_str()).copied()
    }

    pub(super) fn onboarding(&self, brand: &BrandId) -> Option<&Onboarding> {
        self.onboardings.get(brand)
    }

    /// A partner's, at one brand or at all, in the order in which they began.
    fn of(&self, brand: Option<&BrandId>, partner: &PartnerId) -> Vec<&Workflow> {
        let all = self.all.values().filter(|it| {
            it.started.partner_id == *partner && brand.is_none_or(|of| it.started.brand_id == *of)
        });
        let mut all: Vec<_> = all.collect();
        all.sort_unstable_by_key(|it| it.position);
        all
    }

    pub(super) fn erased(&self, partner: &PartnerId, now: Micros) -> Vec<Event> {
        let all = self.of(None, partner).into_iter();
        all.flat_map(|it| domain::erased(it, now)).collect()
    }

    /// What follows on what happened at campaign and tracking.
    pub(super) fn react(&self, message: &Message, now: Micros) -> Vec<Event> {
        let header = &message.header;
        let decided = |brand: &BrandId, partner: &PartnerId, is_in: bool| {
            let all = self.of(Some(brand), partner).into_iter();
            let of_campaign = all.filter(|it| it.started.campaign_id.as_str() == header.key);
            of_campaign
                .flat_map(|it| domain::decided(it, is_in, now))
                .collect()
        };
        match &message.body {
            Body::WorkflowStepAnsweredV1(answer) => {
                let id = header.subject.parse::<WorkflowId>().ok();
                let workflow = id.and_then(|id| self.all.get(&id));
                workflow.map_or_else(Vec::new, |it| domain::answered(it, answer, now))
            }
            Body::WorkflowLinkAnsweredV1(answer) => {
                let id = header.subject.parse::<WorkflowId>().ok();
                let workflow = id.and_then(|id| self.all.get(&id));
                workflow.map_or_else(Vec::new, |it| domain::link_answered(it, answer, now))
            }
            Body::EnrollmentAppliedV1(it) => {
                let Ok(campaign) = header.key.parse() else {
                    return Vec::new();
                };
                let others = self.of(Some(&it.brand_id), &it.partner_id);
                let onboarding = self.onboardings.get(&it.brand_id);
                let ids = (header.id, header.correlation_id);
                let others = others.into_iter();
                domain::applied(ids, &campaign, it, onboarding, others, now)
            }
            Body::EnrollmentApprovedV1(it) => decided(&it.brand_id, &it.partner_id, true),
            // The campaign is open by now, and it accepted the terms once more.
            Body::EnrollmentAcceptedV1(it) => match &it.brand_id {
                Some(brand) => decided(brand, &it.partner_id, true),
                None => Vec::new(),
            },
            Body::EnrollmentRejectedV1(it) => decided(&it.brand_id, &it.partner_id, false),
            Body::EnrollmentEndedV1(it) => decided(&it.brand_id, &it.partner_id, false),
            Body::PartnerBannedV1(it) => {
                let Ok(partner) = header.key.parse() else {
                    return Vec::new();
                };
                let all = self.of(it.brand_id.as_ref(), &partner).into_iter();
                all.flat_map(|it| domain::banned(it, now)).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn apply(&mut self, event: &Event, place: Place) {
        if let Event::OnboardingChanged(changed) = event {
            let id = &changed.subject;
            let after = Onboarding::evolve(self.onboardings.get(id), changed, place);
            self.onboardings.put(id, after);
        }
        if let Some(id) = event.workflow() {
            self.all.evolve(id, |it| Workflow::evolve(it, event, place));
        }
    }

    /// Whether onboarding lets in who applied, as a fact says: its brand has nothing to decide.
    pub(super) fn lets_in(&self, fact: &Message) -> bool {
        let Body::EnrollmentAppliedV1(applied) = &fact.body else {
            return false;
        };
        let all = self.of(Some(&applied.brand_id), &applied.partner_id);
        all.into_iter().any(|it| {
            it.started.campaign_id.as_str() == fact.header.key
                && it.started.approves
                && it.status == WorkflowStatus::Running
        })
    }

    /// Has what is done with applications to a campaign end that was closed.
    pub(super) fn close(&mut self, campaign: &str) {
        self.closed.push(campaign.to_owned());
    }

    /// Has the CRM called where an own event says that it is.
    fn call(&mut self, event: &Event) {
        match event {
            Event::StepStarted(it) if it.step == WorkflowStep::CrmContact => {
                let Some(workflow) = self.all.get(&it.subject) else {
                    return;
                };
                let call = NewCall {
                    workflow: it.subject.clone(),
                    partner: workflow.started.partner_id.clone(),
                    removes: it.compensates,
                    erases: workflow.reason == Some(WorkflowReason::PartnerErased),
                    correlation_id: workflow.started.correlation_id,
                };
                self.ended_calls.remove(it.subject.as_str());
                self.calls.insert(it.subject.clone(), call);
            }
            Event::StepCompleted(it) if it.step == WorkflowStep::CrmContact => {
                self.end_call(&it.subject);
            }
            Event::StepCompensated(it) if it.step == WorkflowStep::CrmContact => {
                self.end_call(&it.subject);
            }
            Event::StepFailed(it) if it.step == WorkflowStep::CrmContact => {
                self.end_call(&it.subject);
            }
            _ => {}
        }
    }

    /// Nobody wants to know any more what becomes of a workflow's call, also of one that this batch would make.
    fn end_call(&mut self, workflow: &WorkflowId) {
        self.calls.remove(workflow);
        self.ended_calls.remove(workflow.as_str());
        self.dropped_calls.push(workflow.to_string());
    }

    pub(super) async fn save(
        self,
        connection: &mut PgConnection,
        now: Micros,
    ) -> Result<Vec<NewMail>, sqlx::Error> {
        workflows::save(connection, &self.all.changed()).await?;
        onboardings::save(connection, &self.onboardings.changed()).await?;
        closed_campaigns::insert(connection, &self.closed, now).await?;
        crm_calls::drop_calls(connection, &self.dropped_calls, now).await?;
        let calls: Vec<NewCall> = self.calls.into_values().collect();
        crm_calls::insert(connection, &calls, now).await?;
        Ok(self.mails)
    }
}

impl BatchState {
    /// What an own event of a workflow has called and mailed.
    pub(super) fn send_workflow(&mut self, cause: &Message, event: &Event) {
        self.workflows.call(event);
        let (body, kind) = match event {
            Event::WorkflowCompleted(it) => {
                (Body::from(it.record.clone()), "workflow.completed.v1")
            }
            Event::WorkflowCompensated(it) => {
                (Body::from(it.record.clone()), "workflow.compensated.v1")
            }
            _ => return,
        };
        let (Some(kind), Some(workflow)) = (mail::kind_of(kind), event.workflow()) else {
            return;
        };
        let workflow = self.workflows.all.get(workflow);
        // Of one that had ended its brand was told then.
        let Some(workflow) = workflow.filter(|it| it.ended_before.is_none()) else {
            return;
        };
        let started = &workflow.started;
        let owner = match kind.to {
            mail::To::Brand => Owner::Brand(started.brand_id.clone()),
            mail::To::Partner | mail::To::Owner | mail::To::Enrolled => {
                Owner::Partner(started.partner_id.clone())
            }
        };
        let Some(contact) = self.contacts.get(&owner.contact()) else {
            return;
        };
        let campaign = started.campaign_id.as_str();
        let name = self.workflows.names.get(campaign).map_or(campaign, |it| it);
        let shown = schemas::show_payload(&body);
        let mut data = mail::data(shown, workflow.id.as_str(), Some(name));
        if let Some(sealed) = &started.sealed_manager {
            mail::keep_manager(&mut data, sealed);
        }
        let approval = workflow.step(WorkflowStep::Approval);
        data["is_in"] = (approval == WorkflowStepState::Completed).into();
        data["is_over"] = (approval == WorkflowStepState::Compensated).into();
        data["kept"] = kept(workflow);
        let link = workflow.link.as_ref();
        if let Some(url) = link.and_then(|code| api::link_url::of(code.as_str())) {
            data["link"] = url.into();
        }
        // It comes to one end of a kind at most: each address is told once.
        let end = ids::derive(&[kind.event, workflow.id.as_str()]);
        let cause = Cause {
            of: end,
            programme: Some(&started.brand_id),
            ..Cause::of(cause, cause.header.id)
        };
        let mails = NewMail::to_each(kind, contact, cause, &data.to_string());
        self.workflows.mails.extend(mails);
    }
}

/// The steps that could not be taken back, each with why. Without the application's own, which
/// has its place in the mail; of whoever was erased none, since operators see to these.
fn kept(workflow: &Workflow) -> Value {
    if workflow.reason == Some(WorkflowReason::PartnerErased) {
        return json!([]);
    }
    let kept = workflow.steps.iter().filter_map(|it| {
        let is_kept =
            it.state == WorkflowStepState::Compensated && it.step != WorkflowStep::Approval;
        let reason = it.reason.filter(|_| is_kept)?;
        Some(json!({"step": it.step.name(), "reason": reason.name()}))
    });
    kept.collect()
}
