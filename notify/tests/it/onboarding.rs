//! What is done with applications: every step, what is taken back where one comes to nothing, and what people ask of it.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, unmade_database, until};
use schemas::{
    Body, CampaignClosedV1, EnrollmentAppliedV1, EnrollmentApprovedV1, EnrollmentRejectedV1,
    PartnerBannedV1, PartnerErasedV1, Topic, WorkflowLinkAnsweredV1, WorkflowStepAnsweredV1,
};
use sealing::personal::PersonalKey;
use sealing::texts;
use serde_json::{Value, json};
use types::{
    BanId, Country, EnrollmentId, GroupId, RefusalReason, TermsVersion, WorkflowReason,
    WorkflowStep as Step, clock,
};

use crate::app;
use crate::crm::{CrmStandIn, TOKEN};

const ONBOARDING: &str = "/api/v1/notify/onboarding";
const WORKFLOWS: &str = "/api/v1/notify/workflows";
const CONTACTS: &str = "/api/v1/notify/contacts/mail";
const GROUP: &str = "grp_gold";
const BEFORE: &str = "grp_before";

/// A notify that calls this CRM by this interface.
async fn start(crm: Option<(&CrmStandIn, &str)>) -> TestService {
    start_beside(crm, []).await
}

/// The same, with keys of partners at the bff and at campaign.
async fn start_beside<const N: usize>(
    crm: Option<(&CrmStandIn, &str)>,
    keys: [(&str, Vec<PersonalKey>); N],
) -> TestService {
    let mut services = Vec::new();
    for (name, keys) in keys {
        services.push((name, app::with_keys(keys).await));
    }
    start_among(crm, services).await
}

/// The same, with these other services.
async fn start_among(
    crm: Option<(&CrmStandIn, &str)>,
    services: Vec<(&str, String)>,
) -> TestService {
    let database = unmade_database();
    let mut variables = app::variables(&database);
    if let Some((crm, api)) = crm {
        for (name, value) in [
            ("CRM_API", api),
            ("CRM_URL", &crm.url),
            ("CRM_TOKEN", TOKEN),
            ("CRM_TIMEOUT_MS", "20000"),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    for (name, url) in services {
        variables.insert(name.to_owned(), url);
    }
    let mut service = TestService::start_with::<Notify>(notify::define, variables).await;
    app::campaign(&mut service, "camp1", "brand1").await;
    service
}

async fn put(service: &TestService, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
    let url = format!("{}{path}", service.base_url);
    let request = service.client.put(url).bearer_auth(token).json(body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// What `brand1` wants: all of it, with what this says otherwise.
async fn wants(service: &TestService, more: Value) {
    wanted_by(service, "brand1", more).await;
}

async fn wanted_by(service: &TestService, brand: &str, more: Value) {
    let mut body = json!({
        "enabled": true, "approves": true, "countries": ["DE"], "group_id": GROUP, "tags": ["newcomer"],
        "manager": {"name": "Mia Meier", "email": "mia@example.com"},
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let brand = testing::brand(brand);
    let (status, answer) = put(service, ONBOARDING, &brand, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

async fn with_addresses(service: &TestService) {
    for (token, address) in [
        (testing::brand("brand1"), "brand@example.com"),
        (testing::partner("partner1"), "ann@example.com"),
    ] {
        let body = json!({"addresses": [{"address": address}]});
        let (status, answer) = put(service, CONTACTS, &token, &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
}

fn enrollment(campaign: &str, partner: &str) -> String {
    let of = (campaign.parse().unwrap(), partner.parse().unwrap());
    EnrollmentId::of(&of.0, &of.1).into_string()
}

/// `partner1` applies; its workflow, if one begins.
async fn applies(service: &mut TestService, campaign: &str) {
    application(service, campaign, ("partner1", "brand1")).await;
}

async fn application(service: &mut TestService, campaign: &str, (partner, brand): (&str, &str)) {
    let applied = EnrollmentAppliedV1 {
        partner_id: partner.parse().unwrap(),
        brand_id: brand.parse().unwrap(),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    let enrollment = enrollment(campaign, partner);
    service
        .deliver(Topic::CampaignEvents, campaign, &enrollment, applied.into())
        .await;
}

async fn newest(service: &TestService) -> Value {
    newest_of(service, "brand1").await
}

async fn newest_of(service: &TestService, brand: &str) -> Value {
    let list = app::get(service, WORKFLOWS, &testing::brand(brand)).await;
    list["items"][0].clone()
}

fn state(workflow: &Value, step: &str) -> String {
    let steps = workflow["steps"].as_array().unwrap();
    let step = steps.iter().find(|it| it["step"] == step).unwrap();
    step["state"].as_str().unwrap().to_owned()
}

async fn until_step(service: &TestService, step: &str, wanted: &str) -> Value {
    until(&format!("{step} is {wanted}"), || async {
        state(&newest(service).await, step) == wanted
    })
    .await;
    newest(service).await
}

async fn until_status(service: &TestService, status: &str) -> Value {
    until(&format!("the workflow is {status}"), || async {
        newest(service).await["status"] == status
    })
    .await;
    newest(service).await
}

/// Campaign answers of the newest workflow.
async fn answers(service: &mut TestService, step: (Step, bool), refusal: Option<WorkflowReason>) {
    answered(service, answer(step, refusal)).await;
}

async fn answered(service: &mut TestService, answer: WorkflowStepAnsweredV1) {
    let workflow = newest(service).await;
    let id = workflow["id"].as_str().unwrap().to_owned();
    service
        .deliver(Topic::CampaignEvents, &id, &id, answer.into())
        .await;
}

fn answer(
    (step, compensates): (Step, bool),
    refusal: Option<WorkflowReason>,
) -> WorkflowStepAnsweredV1 {
    let group = (step == Step::Group && !compensates).then(|| GroupId::parse(BEFORE).unwrap());
    WorkflowStepAnsweredV1 {
        brand_id: "brand1".parse().unwrap(),
        partner_id: "partner1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        step,
        compensates,
        refusal,
        group_before: group.filter(|_| refusal.is_none()),
        country: (step == Step::Checks).then(|| Country::parse("DE").unwrap()),
        sealed_name: None,
    }
}

/// Tracking answers with `lnk_1`, or refuses.
async fn link_answers(service: &mut TestService, refusal: Option<WorkflowReason>) {
    let id = newest(service).await["id"].as_str().unwrap().to_owned();
    let answer = WorkflowLinkAnsweredV1 {
        brand_id: "brand1".parse().unwrap(),
        partner_id: "partner1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        refusal,
        link_code: refusal.is_none().then(|| "lnk_1".parse().unwrap()),
    };
    service
        .deliver(Topic::TrackingEvents, &id, &id, answer.into())
        .await;
}

/// The brand decides by itself.
async fn decides(service: &mut TestService, decision: Body) {
    let id = enrollment("camp1", "partner1");
    service
        .deliver(Topic::CampaignEvents, "camp1", &id, decision)
        .await;
}

/// The brand lets the partner in by itself.
async fn is_approved(service: &mut TestService) {
    let approved = EnrollmentApprovedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    decides(service, approved.into()).await;
}

async fn is_rejected(service: &mut TestService) {
    let rejected = EnrollmentRejectedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        reason: RefusalReason::NotTheRightFit,
    };
    decides(service, rejected.into()).await;
}

/// Applied, checked and in its group: what comes next is the CRM.
async fn until_crm(service: &mut TestService) {
    applies(service, "camp1").await;
    answers(service, (Step::Checks, false), None).await;
    answers(service, (Step::Group, false), None).await;
}

/// What notify asked campaign for, as step and whether it is to be taken back.
async fn requested(service: &TestService) -> Vec<(Step, bool)> {
    let log = service.log().await.into_iter();
    let requested = log.filter_map(|message| match message.body {
        Body::WorkflowStepRequestedV1(it) => Some((it.step, it.compensates)),
        _ => None,
    });
    requested.collect()
}

async fn mailed(service: &TestService, kind: &str) -> Vec<Value> {
    let operator = testing::operator();
    let list = app::get(service, "/api/v1/notify/mailbox", &operator).await;
    let items = list["items"].as_array().unwrap().iter();
    items.filter(|it| it["kind"] == kind).cloned().collect()
}

/// How many mails of a kind there are, sent or not.
async fn queued(service: &TestService, kind: &str) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM mails WHERE kind = $1").bind(kind);
    count.fetch_one(service.pool()).await.unwrap()
}

/// The one mail by which the brand is told that an onboarding was stopped.
async fn mail_to_the_brand(service: &TestService) -> Value {
    let kind = "workflow.compensated.v1";
    until("the brand is told", || async {
        mailed(service, kind).await.len() == 1
    })
    .await;
    mailed(service, kind).await.remove(0)
}

async fn assert_folds(service: &mut TestService) {
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["onboardings", "workflows"])
        .await;
}

#[tokio::test]
async fn an_endpoint_that_is_sent_everything_is_sent_nothing_of_onboarding() {
    let mut service = start(None).await;
    wants(&service, json!({})).await;
    let (brand, url) = (testing::brand("brand1"), "https://hooks.example.com/all");
    app::endpoint(&service, &brand, url, &[]).await;
    applies(&mut service, "camp1").await;
    answers(&mut service, (Step::Checks, false), None).await;
    until_step(&service, "checks", "completed").await;
    link_answers(&mut service, None).await;
    is_approved(&mut service).await;
    let kinds: Vec<String> =
        sqlx::query_scalar("SELECT kind FROM webhook_deliveries ORDER BY position")
            .fetch_all(service.pool())
            .await
            .unwrap();
    assert_eq!(kinds, ["enrollment.applied.v1", "enrollment.approved.v1"]);
    service.stop().await;
}

#[tokio::test]
async fn an_application_is_taken_through_every_step_to_a_welcome_and_one_request_has_it_all() {
    for api in ["contacts", "hubspot"] {
        let crm = CrmStandIn::start().await;
        let mut service = start(Some((&crm, api))).await;
        with_addresses(&service).await;
        wants(&service, json!({})).await;
        until_crm(&mut service).await;
        let workflow = until_step(&service, "crm_contact", "completed").await;
        assert_eq!(state(&workflow, "manager"), "completed");
        assert_eq!(workflow["country"], "DE");
        let contact = crm.contact("partner1").unwrap();
        assert_eq!(contact["email"], "ann@example.com");
        assert_eq!(contact["country"], "DE");
        if api == "hubspot" {
            assert_eq!(contact["hubspot_owner_id"], "77");
            assert_eq!(contact["tributary_tags"], "newcomer");
        } else {
            assert_eq!(contact["tags"], json!(["newcomer"]));
            let owner = json!({"name": "Mia Meier", "email": "mia@example.com"});
            assert_eq!(contact["owner"], owner);
        }
        until_step(&service, "approval", "running").await;
        answers(&mut service, (Step::Approval, false), None).await;
        link_answers(&mut service, None).await;
        let workflow = until_status(&service, "completed").await;
        until("the partner is welcomed", || async {
            mailed(&service, "workflow.completed.v1").await.len() == 1
        })
        .await;
        let welcome = mailed(&service, "workflow.completed.v1").await.remove(0);
        assert_eq!(welcome["subject"], "Welcome to Summer");
        let programme = "SELECT programme_brand_id FROM mails WHERE kind = 'workflow.completed.v1'";
        let programme: Option<String> = sqlx::query_scalar(programme)
            .fetch_one(service.pool())
            .await
            .unwrap();
        assert_eq!(programme.as_deref(), Some("brand1"));
        let text = welcome["text"].as_str().unwrap();
        assert!(text.contains("Mia Meier looks after you"), "{text}");
        assert!(
            text.contains("\n\nhttp://127.0.0.1:9/c/lnk_1\n\n"),
            "{text}"
        );
        for part in ["Mia Meier", "mia@example.com", "ann@example.com"] {
            let holding = service.tables_holding(part).await;
            let shown = part == "Mia Meier";
            let expected: &[&str] = if shown { &["public.mailbox"] } else { &[] };
            assert_eq!(holding, expected, "{part}");
        }
        // What the CRM came to follows on the application, and not on the job that called it.
        let log = service.log().await.into_iter();
        let mut made = log.filter(|it| {
            matches!(&it.body, Body::WorkflowStepCompletedV1(it) if it.step == Step::CrmContact)
        });
        let correlation = made.next().unwrap().header.correlation_id;
        assert_eq!(workflow["correlation_id"], correlation.to_string());
        assert_folds(&mut service).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn without_a_wish_nothing_begins_and_what_is_not_wanted_is_left_out() {
    let mut service = start(None).await;
    applies(&mut service, "camp1").await;
    assert_eq!(newest(&service).await, Value::Null);
    wants(
        &service,
        json!({"approves": false, "countries": [], "group_id": null, "manager": null}),
    )
    .await;
    applies(&mut service, "camp1").await;
    answers(&mut service, (Step::Checks, false), None).await;
    // No CRM is set: its step says so.
    let workflow = until_step(&service, "approval", "running").await;
    for (step, reason) in [
        ("group", "not_wanted"),
        ("manager", "not_wanted"),
        ("crm_contact", "not_configured"),
    ] {
        let steps = workflow["steps"].as_array().unwrap();
        let it = steps.iter().find(|it| it["step"] == step).unwrap();
        assert_eq!(
            (&it["state"], &it["reason"]),
            (&json!("skipped"), &json!(reason))
        );
    }
    // Nobody is let in without the brand.
    assert_eq!(requested(&service).await, [(Step::Checks, false)]);
    is_approved(&mut service).await;
    link_answers(&mut service, None).await;
    until_status(&service, "completed").await;
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn who_is_of_another_country_goes_back_and_nothing_else_is_done() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    with_addresses(&service).await;
    wants(&service, json!({})).await;
    applies(&mut service, "camp1").await;
    let refused = Some(WorkflowReason::CountryNotAllowed);
    answers(&mut service, (Step::Checks, false), refused).await;
    until_step(&service, "approval", "compensating").await;
    answers(&mut service, (Step::Approval, true), None).await;
    let workflow = until_status(&service, "compensated").await;
    assert_eq!(workflow["returned"], true);
    assert_eq!(workflow["reason"], "country_not_allowed");
    assert_eq!(workflow["failed"], "checks");
    assert_eq!(
        requested(&service).await,
        [(Step::Checks, false), (Step::Approval, true)]
    );
    assert!(crm.requests().is_empty());
    mail_to_the_brand(&service).await;
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn the_crm_is_sent_the_name_that_a_partner_gave_at_campaign() {
    let crm = CrmStandIn::start().await;
    let key = PersonalKey::random().unwrap();
    let of_partner = texts::of_partners_name(&"partner1".parse().unwrap());
    let name = key.seal(&of_partner, "Ann Example");
    let keys = [
        ("BFF_SERVICE_URL", vec![]),
        ("CAMPAIGN_SERVICE_URL", vec![key]),
    ];
    let mut service = start_beside(Some((&crm, "contacts")), keys).await;
    with_addresses(&service).await;
    wants(&service, json!({})).await;
    applies(&mut service, "camp1").await;
    let checks = WorkflowStepAnsweredV1 {
        sealed_name: Some(name),
        ..answer((Step::Checks, false), None)
    };
    answered(&mut service, checks).await;
    answers(&mut service, (Step::Group, false), None).await;
    until_step(&service, "crm_contact", "completed").await;
    assert_eq!(crm.contact("partner1").unwrap()["name"], "Ann Example");
    service.stop().await;
}

#[tokio::test]
async fn a_crm_that_refuses_has_the_group_taken_back_and_the_application_waits_for_the_brand() {
    for api in ["contacts", "hubspot"] {
        let crm = CrmStandIn::start().await;
        let mut service = start(Some((&crm, api))).await;
        with_addresses(&service).await;
        wants(&service, json!({})).await;
        crm.fail("PUT", 422);
        crm.fail("POST", 409);
        until_crm(&mut service).await;
        let workflow = until_step(&service, "group", "compensating").await;
        assert_eq!(state(&workflow, "crm_contact"), "failed");
        answers(&mut service, (Step::Group, true), None).await;
        let workflow = until_status(&service, "compensated").await;
        assert_eq!(workflow["reason"], "crm_refused");
        assert_eq!(workflow["returned"], false);
        let status = if api == "contacts" { 422 } else { 409 };
        assert_eq!(workflow["steps"][3]["crm_status"], status);
        assert_eq!(crm.contact("partner1"), None);
        let mail = mail_to_the_brand(&service).await;
        assert!(
            mail["text"].as_str().unwrap().contains("crm refused"),
            "{mail}"
        );
        assert_folds(&mut service).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_brand_is_not_told_that_an_application_waits_which_it_has_approved() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    with_addresses(&service).await;
    wants(&service, json!({})).await;
    crm.fail("PUT", 503);
    until_crm(&mut service).await;
    is_approved(&mut service).await;
    until_step(&service, "approval", "completed").await;
    crm.fail("PUT", 422);
    until_step(&service, "group", "compensating").await;
    answers(&mut service, (Step::Group, true), None).await;
    until_status(&service, "compensated").await;
    let mail = mail_to_the_brand(&service).await;
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("is in the campaign"), "{text}");
    assert!(!text.contains("waits for you"), "{text}");
    service.stop().await;
}

#[tokio::test]
async fn a_brand_is_not_told_that_an_application_waits_which_it_decides_while_all_is_taken_back() {
    for (is_in, stands) in [(true, "completed"), (false, "compensated")] {
        let mut service = start(None).await;
        with_addresses(&service).await;
        wants(&service, json!({"approves": false})).await;
        until_crm(&mut service).await;
        let workflow = until_step(&service, "approval", "running").await;
        let path = format!("{WORKFLOWS}/{}/cancel", workflow["id"].as_str().unwrap());
        let brand = testing::brand("brand1");
        app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
        until_step(&service, "group", "compensating").await;
        if is_in {
            is_approved(&mut service).await;
        } else {
            is_rejected(&mut service).await;
        }
        until_step(&service, "approval", stands).await;
        answers(&mut service, (Step::Group, true), None).await;
        let workflow = until_status(&service, "compensated").await;
        assert_eq!(workflow["reason"], "cancelled");
        assert_eq!(workflow["returned"], false);
        let mail = mail_to_the_brand(&service).await;
        let text = mail["text"].as_str().unwrap();
        assert_eq!(text.contains("is in the campaign"), is_in, "{text}");
        assert!(!text.contains("waits for you"), "{text}");
        assert_folds(&mut service).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_crm_that_is_away_is_waited_for_and_a_retry_goes_on_at_once() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({})).await;
    for status in [503, 401] {
        crm.fail("PUT", status);
        until_crm(&mut service).await;
        until(
            &format!("it was tried while it answers {status}"),
            || async { newest(&service).await["steps"][3]["crm_status"] == status },
        )
        .await;
        let workflow = newest(&service).await;
        assert_eq!(state(&workflow, "crm_contact"), "running");
        let id = workflow["id"].as_str().unwrap();
        let (brand, other) = (testing::brand("brand1"), testing::brand("brand2"));
        let path = format!("{WORKFLOWS}/{id}/retry");
        app::post(&service, &path, &other, &json!({}), StatusCode::NOT_FOUND).await;
        crm.mend();
        app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
        until_step(&service, "crm_contact", "completed").await;
        until_step(&service, "approval", "running").await;
        app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
        answers(&mut service, (Step::Approval, false), None).await;
        link_answers(&mut service, None).await;
        until_status(&service, "completed").await;
        app::post(&service, &path, &brand, &json!({}), StatusCode::CONFLICT).await;
    }
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_call_that_the_crm_does_not_take_is_as_old_as_it_is_and_one_that_was_put_off_is_not_counted()
 {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    let oldest =
        async |service: &TestService| app::oldest(service, "notify_crm_calls_oldest_seconds").await;
    assert_eq!(oldest(&service).await, 0, "nothing waits");
    wants(&service, json!({})).await;
    crm.fail("PUT", 401);
    until_crm(&mut service).await;
    until("it was tried", || async {
        newest(&service).await["steps"][3]["crm_status"] == 401
    })
    .await;
    // It was made two hours ago, and is tried again in ten.
    let waits = "UPDATE crm_calls SET created_at = created_at - 7200000000, next_at = next_at + 36000000000";
    sqlx::raw_sql(waits).execute(service.pool()).await.unwrap();
    let waited = oldest(&service).await;
    assert!(waited >= 7_200, "{waited}");
    sqlx::raw_sql("UPDATE crm_calls SET attempts = 0")
        .execute(service.pool())
        .await
        .unwrap();
    assert_eq!(oldest(&service).await, 0, "nobody was called");
    service.stop().await;
}

#[tokio::test]
async fn a_step_that_waits_is_left_out_and_only_that() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({})).await;
    crm.fail("PUT", 503);
    until_crm(&mut service).await;
    let workflow = until_step(&service, "crm_contact", "running").await;
    let path = format!("{WORKFLOWS}/{}/skip", workflow["id"].as_str().unwrap());
    let brand = testing::brand("brand1");
    let approval = json!({"step": "approval"});
    let problem = app::post(&service, &path, &brand, &approval, StatusCode::CONFLICT).await;
    assert_eq!(problem["code"], "workflow_step_not_waiting");
    let body = json!({"step": "crm_contact"});
    app::post(&service, &path, &brand, &body, StatusCode::OK).await;
    let workflow = until_step(&service, "approval", "running").await;
    assert_eq!(state(&workflow, "crm_contact"), "skipped");
    assert_eq!(workflow["steps"][3]["reason"], "left_out");
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_workflow_that_is_stopped_takes_back_contact_and_group_and_leaves_the_application() {
    for api in ["contacts", "hubspot"] {
        let crm = CrmStandIn::start().await;
        let mut service = start(Some((&crm, api))).await;
        wants(&service, json!({"approves": false})).await;
        until_crm(&mut service).await;
        let workflow = until_step(&service, "approval", "running").await;
        assert!(crm.contact("partner1").is_some());
        let path = format!("{WORKFLOWS}/{}/cancel", workflow["id"].as_str().unwrap());
        let brand = testing::brand("brand1");
        app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
        until_step(&service, "group", "compensating").await;
        assert_eq!(crm.contact("partner1"), None);
        assert!(crm.forgotten().is_empty(), "it is removed, and not erased");
        answers(&mut service, (Step::Group, true), None).await;
        let workflow = until_status(&service, "compensated").await;
        assert_eq!(workflow["reason"], "cancelled");
        assert_eq!(workflow["returned"], false);
        app::post(&service, &path, &brand, &json!({}), StatusCode::CONFLICT).await;
        assert_folds(&mut service).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_brand_is_told_of_a_contact_that_the_crm_does_not_remove() {
    let (lines, _listens) = testing::lines();
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    with_addresses(&service).await;
    wants(&service, json!({"approves": false})).await;
    until_crm(&mut service).await;
    let workflow = until_step(&service, "approval", "running").await;
    crm.fail("DELETE", 422);
    let path = format!("{WORKFLOWS}/{}/cancel", workflow["id"].as_str().unwrap());
    let brand = testing::brand("brand1");
    app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
    until_step(&service, "group", "compensating").await;
    answers(&mut service, (Step::Group, true), None).await;
    until_status(&service, "compensated").await;
    assert!(crm.contact("partner1").is_some());
    let mail = mail_to_the_brand(&service).await;
    let text = mail["text"].as_str().unwrap();
    assert!(
        text.contains("taken back, but for: crm contact (crm refused)."),
        "{text}"
    );
    let logged = lines.logged();
    assert!(logged.contains("the CRM does not remove"), "{logged}");
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_brand_is_mailed_of_an_application_where_it_decides_and_not_where_onboarding_does() {
    let mut service = start(None).await;
    with_addresses(&service).await;
    for (approves, count) in [(true, 0), (false, 2)] {
        wants(&service, json!({"approves": approves})).await;
        // The second time it accepts newer terms, and onboarding goes on.
        for _ in 0..2 {
            applies(&mut service, "camp1").await;
        }
        assert_eq!(queued(&service, "enrollment.applied.v1").await, count);
        is_rejected(&mut service).await;
        until_status(&service, "compensated").await;
    }
    service.stop().await;
}

#[tokio::test]
async fn a_contact_that_another_onboarding_is_only_about_to_make_is_removed() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    for brand in ["brand1", "brand2"] {
        wanted_by(&service, brand, json!({"group_id": null})).await;
    }
    app::campaign(&mut service, "camp2", "brand2").await;
    // The first one's was made, and nobody was told so.
    crm.misreport("PUT", 502);
    applies(&mut service, "camp1").await;
    answers(&mut service, (Step::Checks, false), None).await;
    until("it was tried", || async {
        newest(&service).await["steps"][3]["crm_status"] == 502
    })
    .await;
    crm.fail("PUT", 503);
    application(&mut service, "camp2", ("partner1", "brand2")).await;
    let second = newest_of(&service, "brand2").await;
    let id = second["id"].as_str().unwrap();
    let checks = WorkflowStepAnsweredV1 {
        brand_id: "brand2".parse().unwrap(),
        campaign_id: "camp2".parse().unwrap(),
        ..answer((Step::Checks, false), None)
    };
    service
        .deliver(Topic::CampaignEvents, id, id, checks.into())
        .await;
    until("the second one's was tried", || async {
        newest_of(&service, "brand2").await["steps"][3]["crm_status"] == 503
    })
    .await;
    assert!(crm.contact("partner1").is_some());
    is_rejected(&mut service).await;
    until_step(&service, "crm_contact", "compensated").await;
    assert_eq!(crm.contact("partner1"), None);
    let path = format!("{WORKFLOWS}/{id}/skip");
    let (brand, body) = (testing::brand("brand2"), json!({"step": "crm_contact"}));
    app::post(&service, &path, &brand, &body, StatusCode::OK).await;
    assert_eq!(
        state(&newest_of(&service, "brand2").await, "crm_contact"),
        "skipped"
    );
    assert_eq!(crm.contact("partner1"), None);
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn what_campaign_did_for_a_stopped_workflow_is_taken_back_too() {
    let mut service = start(None).await;
    wants(&service, json!({})).await;
    applies(&mut service, "camp1").await;
    answers(&mut service, (Step::Checks, false), None).await;
    let workflow = until_step(&service, "group", "running").await;
    let path = format!("{WORKFLOWS}/{}/cancel", workflow["id"].as_str().unwrap());
    let brand = testing::brand("brand1");
    app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
    until_status(&service, "compensated").await;
    // The answer was on its way.
    answers(&mut service, (Step::Group, false), None).await;
    until_step(&service, "group", "compensating").await;
    answers(&mut service, (Step::Group, true), None).await;
    until_step(&service, "group", "compensated").await;
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_partner_is_onboarded_once_at_a_time() {
    let mut service = start(None).await;
    wants(&service, json!({})).await;
    app::campaign(&mut service, "camp2", "brand1").await;
    applies(&mut service, "camp1").await;
    applies(&mut service, "camp2").await;
    let list = app::get(&service, WORKFLOWS, &testing::brand("brand1")).await;
    let second = &list["items"][0];
    assert_eq!(second["campaign_id"], "camp2");
    assert_eq!(
        (&second["status"], &second["reason"]),
        (&json!("compensated"), &json!("duplicate"))
    );
    assert_eq!(second["returned"], false);
    assert_eq!(list["items"][1]["status"], "running");
    assert_folds(&mut service).await;
    service.stop().await;
}

/// An application is taken through all steps.
async fn until_completed(service: &mut TestService) {
    until_crm(service).await;
    until_step(service, "approval", "running").await;
    answers(service, (Step::Approval, false), None).await;
    link_answers(service, None).await;
    until_status(service, "completed").await;
}

#[tokio::test]
async fn the_crm_keeps_no_tag_and_no_owner_that_the_brand_has_no_more() {
    for api in ["contacts", "hubspot"] {
        let crm = CrmStandIn::start().await;
        let mut service = start(Some((&crm, api))).await;
        wants(&service, json!({})).await;
        until_completed(&mut service).await;
        app::campaign(&mut service, "camp2", "brand1").await;
        let another = json!({"name": "Nobody There", "email": "nobody@example.com"});
        wants(&service, json!({"tags": [], "manager": another})).await;
        applies(&mut service, "camp2").await;
        answers(&mut service, (Step::Checks, false), None).await;
        answers(&mut service, (Step::Group, false), None).await;
        until_step(&service, "crm_contact", "completed").await;
        let contact = crm.contact("partner1").unwrap();
        if api == "hubspot" {
            assert_eq!(contact["hubspot_owner_id"], "");
            assert_eq!(contact["tributary_tags"], "");
        } else {
            assert_eq!(contact["tags"], json!([]));
            assert_eq!(contact["owner"]["name"], "Nobody There");
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn whoever_is_erased_is_forgotten_by_the_crm() {
    for api in ["contacts", "hubspot"] {
        let crm = CrmStandIn::start().await;
        let mut service = start(Some((&crm, api))).await;
        with_addresses(&service).await;
        wants(&service, json!({})).await;
        until_completed(&mut service).await;
        let erased = PartnerErasedV1 {}.into();
        service
            .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
            .await;
        let workflow = until_status(&service, "compensated").await;
        assert_eq!(queued(&service, "workflow.compensated.v1").await, 0);
        assert_eq!(workflow["reason"], "partner_erased");
        assert_eq!(workflow["country"], Value::Null);
        assert_eq!(crm.contact("partner1"), None);
        assert_eq!(crm.forgotten(), ["partner1"]);
        assert_folds(&mut service).await;
        service.stop().await;
    }
}

/// Calls that wait for as many partners, whose names are sealed under a key that is not here.
async fn calls_that_need_keys(service: &TestService, partners: usize) {
    let of_partner = texts::of_partners_name(&"other1".parse().unwrap());
    let name = PersonalKey::random().unwrap().seal(&of_partner, "Ann");
    let workflows = "INSERT INTO workflows
                     SELECT (jsonb_populate_record(w, jsonb_build_object('id', left(id, 4) || md5(n::text), 'position', position + n,
                             'partner_id', 'other' || n, 'status', 'running'))).* FROM workflows w, generate_series(1, $1) n";
    let workflows = sqlx::query(workflows).bind(i32::try_from(partners).unwrap());
    workflows.execute(service.pool()).await.unwrap();
    let names = "UPDATE workflows SET sealed_name = $1 WHERE status = 'running'";
    let names = sqlx::query(names).bind(name);
    names.execute(service.pool()).await.unwrap();
    let calls = "INSERT INTO crm_calls (workflow_id, partner_id, removes, erases, correlation_id, created_at, next_at)
                 SELECT id, partner_id, false, false, correlation_id, $1, $1 FROM workflows WHERE status = 'running'";
    let calls = sqlx::query(calls).bind(clock::real().get() - 1_000_000);
    calls.execute(service.pool()).await.unwrap();
}

#[tokio::test]
async fn calls_whose_keys_cannot_be_had_keep_one_that_needs_none_not_waiting() {
    const PARTNERS: usize = 60;
    let crm = CrmStandIn::start().await;
    let (bff, questions) = app::without_answer().await;
    let services = vec![("BFF_SERVICE_URL", bff)];
    let mut service = start_among(Some((&crm, "contacts")), services).await;
    wants(&service, json!({})).await;
    until_completed(&mut service).await;
    calls_that_need_keys(&service, PARTNERS).await;
    // It goes behind all of them.
    let erased = PartnerErasedV1 {}.into();
    service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    until("the CRM has forgotten the partner", || async {
        crm.forgotten() == ["partner1"]
    })
    .await;
    let questions = questions.load(Ordering::Relaxed);
    assert!((1..PARTNERS).contains(&questions), "{questions}");
    assert_eq!(crm.contact("other1"), None, "none was made without a name");
    service.stop().await;
}

#[tokio::test]
async fn hubspot_forgets_those_too_that_were_removed_before() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "hubspot"))).await;
    wants(&service, json!({"approves": false})).await;
    for _ in 0..2 {
        until_crm(&mut service).await;
        let workflow = until_step(&service, "approval", "running").await;
        let path = format!("{WORKFLOWS}/{}/cancel", workflow["id"].as_str().unwrap());
        let brand = testing::brand("brand1");
        app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
        until_step(&service, "group", "compensating").await;
        answers(&mut service, (Step::Group, true), None).await;
        until_status(&service, "compensated").await;
    }
    assert_eq!(crm.contact("partner1"), None);
    assert!(crm.forgotten().is_empty(), "both can be restored");
    let erased = PartnerErasedV1 {}.into();
    service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    until("the CRM was told to forget it", || async {
        let workflow = newest(&service).await;
        workflow["reason"] == "partner_erased" && workflow["status"] == "compensated"
    })
    .await;
    assert_eq!(crm.forgotten(), ["partner1", "partner1"]);
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn an_erasure_takes_what_very_many_ended_workflows_know_a_few_at_a_time() {
    const WITH_TRACES: &str = "SELECT count(*) FROM workflows
                                WHERE country IS NOT NULL OR sealed_name IS NOT NULL OR reason IS DISTINCT FROM 'partner_erased'";
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({})).await;
    until_completed(&mut service).await;
    // As many once more, of whose applications it went.
    sqlx::raw_sql(
        "CREATE TEMPORARY TABLE more ON COMMIT DROP AS SELECT w.*, n FROM workflows w, generate_series(1, 250) n;
         UPDATE more SET id = left(id, -3) || lpad(n::text, 3, '0'), position = position + n,
                         status = CASE n % 2 WHEN 0 THEN 'completed' ELSE 'compensated' END;
         ALTER TABLE more DROP COLUMN n;
         INSERT INTO workflows SELECT * FROM more",
    )
    .execute(service.pool())
    .await
    .unwrap();
    let pool = service.pool().clone();
    let left = async |sql: &'static str| {
        let left = sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool);
        left.await.unwrap()
    };
    assert_eq!(left(WITH_TRACES).await, 251);
    let erased = PartnerErasedV1 {}.into();
    let (fact, _) = service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    let at_once = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM pipeline.message_log WHERE causation_id = $1",
    );
    let at_once = at_once.bind(fact.header.id).fetch_one(service.pool());
    assert_eq!(at_once.await.unwrap(), 0, "each ends by itself");
    until("none knows anything", || async {
        left(WITH_TRACES).await == 0
    })
    .await;
    until("it is done with", || async {
        left("SELECT count(*) FROM erased_partners").await == 0
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn the_crm_is_told_to_forget_somebody_until_it_does_whatever_the_brand_wants() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({})).await;
    until_completed(&mut service).await;
    crm.fail("DELETE", 422);
    let erased = PartnerErasedV1 {}.into();
    service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    let often = |times| {
        let crm = &crm;
        move || async move {
            let requests = crm.requests();
            let deletes = requests.iter().filter(|it| it.starts_with("DELETE "));
            deletes.count() >= times
        }
    };
    until("it refuses", often(1)).await;
    until("that is noted", || async {
        newest(&service).await["steps"][3]["crm_status"] == 422
    })
    .await;
    let id = newest(&service).await["id"].as_str().unwrap().to_owned();
    let path = format!("{WORKFLOWS}/{id}/skip");
    let (brand, body) = (testing::brand("brand1"), json!({"step": "crm_contact"}));
    let problem = app::post(&service, &path, &brand, &body, StatusCode::CONFLICT).await;
    assert_eq!(problem["code"], "workflow_step_not_waiting");
    let only = "only an operator may leave out that the CRM forgets whoever was erased";
    assert_eq!(problem["detail"], only);
    service.advance_clock(23 * 3_600).await;
    service.advance_clock(2 * 3_600).await;
    until("it is told again", often(2)).await;
    crm.mend();
    service.advance_clock(25 * 3_600).await;
    let workflow = until_status(&service, "compensated").await;
    assert_eq!(workflow["reason"], "partner_erased");
    assert_eq!(crm.forgotten(), ["partner1"]);
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn who_comes_back_before_the_crm_has_forgotten_it_is_a_contact_in_the_end() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({})).await;
    until_completed(&mut service).await;
    crm.fail("DELETE", 422);
    let erased = PartnerErasedV1 {}.into();
    service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    until("it refuses", || async {
        newest(&service).await["steps"][3]["crm_status"] == 422
    })
    .await;
    app::campaign(&mut service, "camp2", "brand2").await;
    wanted_by(&service, "brand2", json!({"group_id": null})).await;
    application(&mut service, "camp2", ("partner1", "brand2")).await;
    let workflow = newest_of(&service, "brand2").await;
    let id = workflow["id"].as_str().unwrap();
    let checks = WorkflowStepAnsweredV1 {
        brand_id: "brand2".parse().unwrap(),
        campaign_id: "camp2".parse().unwrap(),
        ..answer((Step::Checks, false), None)
    };
    service
        .deliver(Topic::CampaignEvents, id, id, checks.into())
        .await;
    let contact = state(&newest_of(&service, "brand2").await, "crm_contact");
    assert_ne!(contact, "pending");
    crm.mend();
    service.advance_clock(25 * 3_600).await;
    until_status(&service, "compensated").await;
    until("it is a contact once more", || async {
        state(&newest_of(&service, "brand2").await, "crm_contact") == "completed"
    })
    .await;
    assert_eq!(crm.forgotten(), ["partner1"]);
    assert!(crm.contact("partner1").is_some());
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn an_operator_who_had_the_crm_forget_somebody_ends_that_it_is_told_to() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({})).await;
    until_completed(&mut service).await;
    crm.fail("DELETE", 422);
    let erased = PartnerErasedV1 {}.into();
    service
        .deliver(Topic::CampaignEvents, "partner1", "partner1", erased)
        .await;
    let workflow = until_step(&service, "crm_contact", "compensating").await;
    let path = format!("{WORKFLOWS}/{}/skip", workflow["id"].as_str().unwrap());
    let (operator, body) = (testing::operator(), json!({"step": "crm_contact"}));
    app::post(&service, &path, &operator, &body, StatusCode::OK).await;
    let workflow = until_status(&service, "compensated").await;
    assert_eq!(workflow["steps"][3]["reason"], "left_out");
    assert_eq!(workflow["reason"], "partner_erased");
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn that_a_crm_which_is_set_no_more_is_to_forget_somebody_is_logged() {
    let (lines, _listens) = testing::lines();
    let service = start(None).await;
    let calls = "INSERT INTO crm_calls (workflow_id, partner_id, removes, erases, correlation_id, created_at, next_at)
                 SELECT 'wfl_' || md5(n::text), 'partner' || n, true, true, gen_random_uuid(), 1, 1 FROM generate_series(1, 2) n";
    sqlx::raw_sql(calls).execute(service.pool()).await.unwrap();
    until("both are put off", || async {
        let off = "SELECT count(*) FROM crm_calls WHERE next_at > 1 AND leased_until = 0";
        let off: i64 = sqlx::query_scalar(off)
            .fetch_one(service.pool())
            .await
            .unwrap();
        off == 2
    })
    .await;
    let logged = lines.logged();
    assert_eq!(logged.matches("no CRM is set").count(), 1, "{logged}");
    service.stop().await;
}

#[tokio::test]
async fn replaying_the_log_calls_no_crm() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({})).await;
    until_crm(&mut service).await;
    until_step(&service, "approval", "running").await;
    let requests = crm.requests();
    assert_eq!(requests, ["PUT /contacts/partner1"]);
    assert_folds(&mut service).await;
    let calls: i64 = sqlx::query_scalar("SELECT count(*) FROM crm_calls")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(calls, 0, "what the log has is no call any more");
    assert_eq!(crm.requests(), requests);
    service.stop().await;
}

#[tokio::test]
async fn who_gets_no_link_is_welcomed_without_one_and_nothing_is_taken_back() {
    let mut service = start(None).await;
    with_addresses(&service).await;
    wants(&service, json!({})).await;
    for left_out in [false, true] {
        until_crm(&mut service).await;
        until_step(&service, "approval", "running").await;
        answers(&mut service, (Step::Approval, false), None).await;
        let workflow = until_step(&service, "link", "running").await;
        if left_out {
            let path = format!("{WORKFLOWS}/{}/skip", workflow["id"].as_str().unwrap());
            let (brand, body) = (testing::brand("brand1"), json!({"step": "link"}));
            app::post(&service, &path, &brand, &body, StatusCode::OK).await;
            // What is answered after that is too late.
            link_answers(&mut service, None).await;
        } else {
            link_answers(&mut service, Some(WorkflowReason::CampaignClosed)).await;
        }
        let workflow = until_status(&service, "completed").await;
        let reason = if left_out {
            "left_out"
        } else {
            "campaign_closed"
        };
        assert_eq!(workflow["steps"][5]["reason"], reason, "{workflow}");
        assert_eq!(state(&workflow, "group"), "completed");
        let count = 1 + usize::from(left_out);
        until("the partner is welcomed", || async {
            mailed(&service, "workflow.completed.v1").await.len() == count
        })
        .await;
        for welcome in mailed(&service, "workflow.completed.v1").await {
            let text = welcome["text"].as_str().unwrap();
            assert!(text.contains("Make your first link"), "{text}");
            assert!(!text.contains("/c/"), "{text}");
        }
    }
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_contact_that_an_attempt_without_an_answer_may_have_made_is_removed_when_the_crm_refuses_it()
 {
    for api in ["contacts", "hubspot"] {
        let crm = CrmStandIn::start().await;
        let mut service = start(Some((&crm, api))).await;
        wants(&service, json!({"group_id": null})).await;
        // It does what it is asked, and says that it broke.
        crm.misreport("PUT", 502);
        crm.misreport("POST", 502);
        applies(&mut service, "camp1").await;
        answers(&mut service, (Step::Checks, false), None).await;
        until("it was tried", || async {
            newest(&service).await["steps"][3]["crm_status"] == 502
        })
        .await;
        assert!(crm.contact("partner1").is_some());
        crm.mend();
        for method in ["PUT", "PATCH"] {
            crm.fail(method, 422);
        }
        service.advance_clock(3_600).await;
        let workflow = until_status(&service, "compensated").await;
        assert_eq!(workflow["reason"], "crm_refused");
        assert_eq!(workflow["steps"][3]["state"], "compensated");
        assert_eq!(crm.contact("partner1"), None);
        assert_folds(&mut service).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn a_call_that_is_left_out_while_it_is_under_way_keeps_its_partner_until_it_has_ended() {
    let crm = CrmStandIn::start().await;
    let mut service = start(Some((&crm, "contacts"))).await;
    wants(&service, json!({"approves": false})).await;
    crm.hold(true);
    until_crm(&mut service).await;
    until("the CRM is called", || async { crm.requests().len() == 1 }).await;
    let id = newest(&service).await["id"].as_str().unwrap().to_owned();
    let brand = testing::brand("brand1");
    let path = format!("{WORKFLOWS}/{id}/skip");
    let body = json!({"step": "crm_contact"});
    app::post(&service, &path, &brand, &body, StatusCode::OK).await;
    let under_way = || async {
        let call = "SELECT state, leased_until > 0 FROM crm_calls WHERE workflow_id = $1";
        let call = sqlx::query_as::<_, (String, bool)>(call).bind(&id);
        call.fetch_optional(service.pool()).await.unwrap()
    };
    assert_eq!(under_way().await, Some(("dropped".to_owned(), true)));
    // What is asked next waits for it, or would be overtaken.
    let path = format!("{WORKFLOWS}/{id}/cancel");
    app::post(&service, &path, &brand, &json!({}), StatusCode::OK).await;
    assert_eq!(under_way().await, Some(("pending".to_owned(), true)));
    crm.hold(false);
    until_step(&service, "group", "compensating").await;
    let requests = ["PUT /contacts/partner1", "DELETE /contacts/partner1"];
    assert_eq!(crm.requests(), requests);
    assert_eq!(crm.contact("partner1"), None);
    assert_folds(&mut service).await;
    service.stop().await;
}

/// Each workflow's campaign, partner, status and reason, oldest first.
async fn workflows(service: &TestService) -> Vec<(String, String, String, Option<String>)> {
    let all = "SELECT campaign_id, partner_id, status, reason FROM workflows ORDER BY position";
    let all = sqlx::query_as(all).fetch_all(service.pool()).await;
    all.unwrap()
}

#[tokio::test]
async fn a_campaign_that_is_closed_ends_all_of_its_workflows_and_no_others() {
    // More than the job ends at once.
    const MANY: usize = 105;
    let mut service = start(None).await;
    with_addresses(&service).await;
    wants(&service, json!({})).await;
    app::campaign(&mut service, "camp2", "brand1").await;
    for partner in 0..MANY {
        let partner = format!("partner{partner}");
        application(&mut service, "camp1", (&partner, "brand1")).await;
    }
    application(&mut service, "camp2", ("another", "brand1")).await;
    let closed = CampaignClosedV1 {
        brand_id: "brand1".parse().unwrap(),
    };
    service
        .deliver(Topic::CampaignEvents, "camp1", "camp1", closed.into())
        .await;
    until("all are ended", || async {
        let all = workflows(&service).await.into_iter();
        all.filter(|(.., status, _)| status == "compensated")
            .count()
            == MANY
    })
    .await;
    let all = workflows(&service).await;
    assert_eq!(all.len(), MANY + 1);
    for (campaign, partner, status, reason) in all {
        let expected = if campaign == "camp1" {
            ("compensated", Some("campaign_closed"))
        } else {
            ("running", None)
        };
        assert_eq!((&*status, reason.as_deref()), expected, "{partner}");
    }
    until("the campaign is kept no longer", || async {
        let kept = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM closed_campaigns");
        kept.fetch_one(service.pool()).await.unwrap() == 0
    })
    .await;
    until("the brand is told", || async {
        !mailed(&service, "workflow.compensated.v1").await.is_empty()
    })
    .await;
    let mail = mailed(&service, "workflow.compensated.v1").await.remove(0);
    let text = mail["text"].as_str().unwrap();
    assert!(text.contains("campaign closed"), "{text}");
    assert!(!text.contains("waits for you"), "{text}");
    assert_folds(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn the_link_is_followed_where_nobody_has_an_address_or_an_endpoint() {
    let mut service = start(None).await;
    wants(&service, json!({})).await;
    until_completed(&mut service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_ban_ends_the_workflows_of_its_partner_where_it_holds() {
    let mut service = start(None).await;
    for brand in ["brand1", "brand2"] {
        wanted_by(&service, brand, json!({})).await;
    }
    app::campaign(&mut service, "camp2", "brand2").await;
    let states = |all: Vec<(String, String, String, Option<String>)>| {
        let all = all.into_iter();
        all.map(|(_, _, status, reason)| (status, reason.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let running = || ("running".to_owned(), String::new());
    let banned = || ("compensated".to_owned(), "partner_banned".to_owned());
    applies(&mut service, "camp1").await;
    application(&mut service, "camp2", ("partner1", "brand2")).await;
    application(&mut service, "camp2", ("another", "brand2")).await;
    for (brand, expected) in [
        (Some("brand1"), [banned(), running(), running()]),
        (None, [banned(), banned(), running()]),
    ] {
        let brand = brand.map(|id| id.parse().unwrap());
        let id = BanId::of(brand.as_ref(), &"partner1".parse().unwrap()).into_string();
        let ban = PartnerBannedV1 {
            brand_id: brand,
            reason: RefusalReason::TermsViolated,
        };
        service
            .deliver(Topic::CampaignEvents, "partner1", &id, ban.into())
            .await;
        assert_eq!(states(workflows(&service).await), expected);
    }
    assert_folds(&mut service).await;
    service.stop().await;
}
