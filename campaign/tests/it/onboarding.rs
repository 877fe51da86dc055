//! Campaign does what notify wants for a workflow, and answers.

use axum::http::StatusCode;
use campaign::{CampaignDomain, MIGRATIONS};
use runtime::testing::{self, TestService};
use schemas::{Body, Topic, WorkflowStepAnsweredV1, WorkflowStepRequestedV1};
use serde_json::json;
use types::{Country, GroupId, WorkflowReason, WorkflowStep as Step};

use crate::app::{self, CAMPAIGNS};

const ENROLLMENTS: &str = "/api/v1/campaign/enrollments";

/// Asks for a step, and returns what campaign answers.
async fn request(
    service: &mut TestService,
    (step, compensates): (Step, bool),
    group: Option<(&GroupId, Option<&GroupId>)>,
) -> WorkflowStepAnsweredV1 {
    let requested = WorkflowStepRequestedV1 {
        brand_id: "brand1".parse().unwrap(),
        partner_id: "partner1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        step,
        compensates,
        countries: Country::parse("DE").into_iter().collect(),
        group_id: group.map(|(to, _)| to.clone()),
        from_group_id: group.and_then(|(_, from)| from.cloned()),
    };
    let (topic, id) = (Topic::NotifyEvents, "wfl_1");
    let (_, answer) = service.deliver(topic, id, id, requested.into()).await;
    assert_eq!(answer.name(), "done", "{answer:?}");
    let log = service.log().await;
    let Body::WorkflowStepAnsweredV1(answered) = &log.last().unwrap().body else {
        panic!("{:?}", log.last());
    };
    answered.clone()
}

#[tokio::test]
async fn an_applicant_is_checked_comes_into_the_group_and_out_of_it_and_is_let_in() {
    let mut service = app::start().await;
    let (brand, partner) = (testing::brand("brand1"), testing::partner("partner1"));
    app::active_campaign(&service, "camp1").await;
    let path = format!("{CAMPAIGNS}/camp1");
    let join = json!({"join": "approval"});
    let (status, answer) = service.patch(&path, &brand, &join).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let accept = format!("{path}/accept");
    app::post(
        &service,
        &accept,
        &partner,
        &app::yes(),
        StatusCode::CREATED,
    )
    .await;

    let unknown = request(&mut service, (Step::Checks, false), None).await;
    assert_eq!(unknown.refusal, Some(WorkflowReason::CountryUnknown));
    let record = json!({"name": "Sole Reviews", "country": "DE"});
    let own = "/api/v1/campaign/partners/partner1";
    let (status, answer) = service.patch(own, &partner, &record).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let checked = request(&mut service, (Step::Checks, false), None).await;
    assert_eq!(
        (checked.refusal, checked.country),
        (None, Country::parse("DE").ok())
    );
    assert!(checked.sealed_name.is_some());

    let groups = "/api/v1/campaign/groups";
    let gold = json!({"name": "Gold"});
    let gold = app::post(&service, groups, &brand, &gold, StatusCode::CREATED).await;
    let gold: GroupId = gold["group_id"].as_str().unwrap().parse().unwrap();
    let answer = request(&mut service, (Step::Group, false), Some((&gold, None))).await;
    let before = answer.group_before.unwrap();
    assert_eq!(before, GroupId::default_of(&"brand1".parse().unwrap()));
    let back = Some((&before, Some(&gold)));
    let back = request(&mut service, (Step::Group, true), back).await;
    assert_eq!(back.refusal, None);

    let approved = request(&mut service, (Step::Approval, false), None).await;
    assert_eq!(approved.refusal, None);
    let list = app::get(&service, ENROLLMENTS, &brand).await;
    assert_eq!(list["items"][0]["status"], "enrolled");
    let kinds = app::log_kinds(&service).await;
    let of_moves = kinds.iter().filter(|kind| *kind == "partner.moved.v1");
    assert_eq!(of_moves.count(), 2);
    let tables = [
        "campaigns",
        "enrollments",
        "memberships",
        "partners",
        "groups",
    ];
    service
        .assert_state_is_the_fold_of_its_log(&CampaignDomain, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_link_is_not_campaigns_to_make_and_not_answered() {
    let mut service = app::start().await;
    let requested = WorkflowStepRequestedV1 {
        brand_id: "brand1".parse().unwrap(),
        partner_id: "partner1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        step: Step::Link,
        compensates: false,
        countries: Vec::new(),
        group_id: None,
        from_group_id: None,
    };
    let before = service.log().await.len();
    let (topic, id) = (Topic::NotifyEvents, "wfl_1");
    let (_, answer) = service.deliver(topic, id, id, requested.into()).await;
    assert_eq!(answer.name(), "done", "{answer:?}");
    assert_eq!(service.log().await.len(), before);
    service.stop().await;
}
