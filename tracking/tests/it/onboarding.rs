//! The link that onboarding makes: also where the request comes before what it is decided by.

use runtime::testing::{TestService, until};
use schemas::{Body, Topic, WorkflowLinkAnsweredV1, WorkflowStepRequestedV1};
use types::WorkflowStep;

use crate::app::*;

async fn requests(service: &mut TestService, step: WorkflowStep) -> String {
    let requested = WorkflowStepRequestedV1 {
        brand_id: BRAND.parse().unwrap(),
        partner_id: PARTNER.parse().unwrap(),
        campaign_id: CAMPAIGN.parse().unwrap(),
        step,
        compensates: false,
        countries: Vec::new(),
        group_id: None,
        from_group_id: None,
    };
    let (topic, id) = (Topic::NotifyEvents, "wfl_1");
    let (_, answer) = service.deliver(topic, id, id, requested.into()).await;
    answer.name().to_owned()
}

async fn answers(service: &TestService) -> Vec<WorkflowLinkAnsweredV1> {
    let log = service.log().await.into_iter();
    let answers = log.filter_map(|it| match it.body {
        Body::WorkflowLinkAnsweredV1(it) => Some(it),
        _ => None,
    });
    answers.collect()
}

#[tokio::test]
async fn a_request_waits_for_the_enrollment_and_a_second_one_is_answered_with_the_same_link() {
    let mut service = start().await;
    requests(&mut service, WorkflowStep::Link).await;
    assert_eq!(answers(&service).await, []);
    adopt(&mut service, CAMPAIGN, &[PARTNER]).await;
    until("the request is answered", || async {
        answers(&service).await.len() == 1
    })
    .await;
    let code = answers(&service).await.remove(0).link_code.unwrap();
    requests(&mut service, WorkflowStep::Link).await;
    requests(&mut service, WorkflowStep::Group).await;
    let all = answers(&service).await;
    assert_eq!(all.len(), 2, "what is campaign's is not answered");
    assert_eq!(all[1].link_code.as_ref(), Some(&code));
    let links = service.log().await;
    let links = links
        .iter()
        .filter(|it| matches!(it.body, Body::LinkCreatedV1(_)));
    assert_eq!(links.count(), 1);
    let url = format!("{}/c/{code}", service.base_url);
    let response = service.client.get(url).send().await.unwrap();
    let location = response.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("https://shop.example/"), "{location}");
    service.stop().await;
}
