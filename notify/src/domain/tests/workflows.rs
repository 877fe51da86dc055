use schemas::{
    EnrollmentAppliedV1, OnboardingChangedV1, WorkflowLinkAnsweredV1, WorkflowStepAnsweredV1,
};
use types::{
    CampaignId, Country, PartnerId, TermsVersion, WorkflowReason as Reason, WorkflowStatus,
    WorkflowStep as Step, WorkflowStepState as State,
};

use super::*;

const NOW: Micros = Micros(1_000_000);

fn place() -> Place {
    Place {
        time: NOW,
        position: 1,
    }
}

fn onboarding(approves: bool) -> Onboarding {
    let wants = OnboardingChangedV1 {
        enabled: true,
        approves,
        countries: Vec::new(),
        group_id: None,
        tags: Vec::new(),
        crm: true,
        sealed_manager: None,
        sealed_manager_mail: None,
    };
    Onboarding::evolve(None, &About::of(brand("mine"), wants), place())
}

fn campaign(id: &str) -> CampaignId {
    CampaignId::parse(id).unwrap()
}

fn partner() -> PartnerId {
    PartnerId::parse("partner1").unwrap()
}

fn apply(to: &str, event: u128, others: &[Workflow]) -> Vec<Event> {
    let application = EnrollmentAppliedV1 {
        partner_id: partner(),
        brand_id: brand("mine"),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    let ids = (Uuid::from_u128(event), Uuid::from_u128(1));
    let onboarding = onboarding(false);
    applied(
        ids,
        &campaign(to),
        &application,
        Some(&onboarding),
        others.iter(),
        NOW,
    )
}

fn fold(before: Option<Workflow>, events: &[Event]) -> Workflow {
    let after = events.iter().fold(before, |before, event| {
        Workflow::evolve(before, event, place())
    });
    after.unwrap()
}

fn checks_pass() -> WorkflowStepAnsweredV1 {
    WorkflowStepAnsweredV1 {
        brand_id: brand("mine"),
        partner_id: partner(),
        campaign_id: campaign("camp1"),
        step: Step::Checks,
        compensates: false,
        refusal: None,
        group_before: None,
        country: Country::parse("DE").ok(),
        sealed_name: Some(vec![1]),
    }
}

fn crm(workflow: Workflow, removes: bool) -> Workflow {
    let call = ConcludedCall {
        removes,
        reason: None,
        crm_status: None,
        generation: None,
        may_exist: false,
    };
    let command = WorkflowCommand::Conclude(call);
    let events = decide_workflow(Some(&workflow), None, command, &by("mine")).unwrap();
    fold(Some(workflow), &events)
}

/// It waits for the CRM.
fn at_the_crm() -> Workflow {
    let begun = fold(None, &apply("camp1", 7, &[]));
    let events = answered(&begun, &checks_pass(), NOW);
    let after = fold(Some(begun), &events);
    assert_eq!(after.step(Step::CrmContact), State::Running);
    after
}

#[test]
fn what_became_of_a_call_ends_no_other_one() {
    let waiting = at_the_crm();
    let call = ConcludedCall {
        removes: false,
        reason: Some(Reason::CrmRefused),
        crm_status: Some(422),
        generation: Some(1),
        may_exist: true,
    };
    let concluded = |ended_call| {
        let command = WorkflowCommand::Conclude(call);
        decide_workflow(Some(&waiting), ended_call, command, &by("mine"))
    };
    for other in [None, Some(2)] {
        let refused = concluded(other).unwrap_err();
        assert_eq!(refused.code.name, "workflow_step_not_waiting");
    }
    let failed = fold(Some(waiting.clone()), &concluded(Some(1)).unwrap());
    assert_eq!(failed.reason, Some(Reason::CrmRefused));
    let contact = failed.step(Step::CrmContact);
    assert_eq!(contact, State::Compensating, "it may be there");
}

#[test]
fn who_accepts_newer_terms_while_it_applies_is_onboarded_once() {
    let running = [at_the_crm()];
    assert_eq!(apply("camp1", 8, &running), []);
    let elsewhere = fold(None, &apply("camp2", 9, &running));
    assert_eq!(elsewhere.reason, Some(Reason::Duplicate));
}

#[test]
fn who_applies_again_while_its_onboarding_is_taken_back_is_onboarded_by_hand() {
    let waiting = at_the_crm();
    let events = decided(&waiting, false, NOW);
    let removing = [fold(Some(waiting), &events)];
    assert_eq!(removing[0].status, WorkflowStatus::Compensating);
    for campaign in ["camp1", "camp2"] {
        let again = fold(None, &apply(campaign, 9, &removing));
        assert_eq!(again.reason, Some(Reason::Duplicate), "{campaign}");
    }
}

#[test]
fn who_comes_back_while_the_crm_is_still_to_forget_it_is_onboarded_again() {
    let waiting = at_the_crm();
    let events = erased(&waiting, NOW);
    let forgetting = [fold(Some(waiting), &events)];
    assert_eq!(forgetting[0].status, WorkflowStatus::Compensating);
    for campaign in ["camp1", "camp2"] {
        let again = fold(None, &apply(campaign, 9, &forgetting));
        let stands = (again.status, again.reason);
        assert_eq!(stands, (WorkflowStatus::Running, None), "{campaign}");
    }
}

#[test]
fn who_was_let_in_and_leaves_while_a_step_waits_is_onboarded_no_further() {
    let waiting = at_the_crm();
    let events = decided(&waiting, true, NOW);
    let approved = fold(Some(waiting), &events);
    assert_eq!(approved.status, WorkflowStatus::Running);
    assert_eq!(decided(&approved, true, NOW), []);
    let events = decided(&approved, false, NOW);
    let left = fold(Some(approved), &events);
    assert_eq!(left.reason, Some(Reason::ApplicationEnded));
    assert_eq!(left.step(Step::CrmContact), State::Compensating);
}

#[test]
fn an_erasure_reaches_workflows_that_were_taken_back_and_what_is_answered_after_it() {
    let waiting = at_the_crm();
    let events = decided(&waiting, false, NOW);
    let removing = fold(Some(waiting), &events);
    let removed = crm(removing.clone(), true);
    assert_eq!(removed.status, WorkflowStatus::Compensated);
    for before in [removing, removed] {
        let events = erased(&before, NOW);
        let after = fold(Some(before), &events);
        assert_eq!((after.country, &after.sealed_name), (None, &None));
        let requested = events.iter().any(|event| {
            matches!(event, Event::StepStarted(it) if it.step == Step::CrmContact && it.compensates)
        });
        assert!(requested, "the CRM is asked to forget: {events:?}");
        assert_eq!(erased(&after, NOW), [], "once");
    }
    let begun = fold(None, &apply("camp1", 7, &[]));
    let events = erased(&begun, NOW);
    let gone = fold(Some(begun), &events);
    let events = answered(&gone, &checks_pass(), NOW);
    let after = fold(Some(gone), &events);
    assert_eq!((after.country, after.sealed_name), (None, None));
}

#[test]
fn the_link_comes_after_the_approval_and_what_is_answered_twice_counts_once() {
    let waiting = at_the_crm();
    let events = decided(&waiting, true, NOW);
    let approved = crm(fold(Some(waiting), &events), false);
    assert_eq!(approved.step(Step::Link), State::Running);
    let answer = WorkflowLinkAnsweredV1 {
        brand_id: brand("mine"),
        partner_id: partner(),
        campaign_id: campaign("camp1"),
        refusal: None,
        link_code: "lnk_1".parse().ok(),
    };
    let events = link_answered(&approved, &answer, NOW);
    let done = fold(Some(approved), &events);
    assert_eq!(done.status, WorkflowStatus::Completed);
    assert_eq!(done.link, answer.link_code);
    let welcome = events.last().unwrap();
    assert!(matches!(welcome, Event::WorkflowCompleted(it) if it.link_code == answer.link_code));
    assert_eq!(link_answered(&done, &answer, NOW), []);
}
