use std::path::Path;

use commission::Commission;
use runtime::testing::{
    TestService, brand, claims, mint, operator, partner, unmade_database, variables,
};
use schemas::Service;
use serde_json::Value;

use crate::app::{COMMISSIONS, attribute, publish, refund, refund_of, sale, start, ten_percent};

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

/// Six sales, of two partners and two brands, the first refunded.
async fn with_sales() -> TestService {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    for number in 0..6 {
        let mut sale = sale(10_000);
        sale.partner_id = format!("partner{}", number % 2).parse().unwrap();
        sale.brand_id = format!("brand{}", number % 3).parse().unwrap();
        attribute(&mut service, &format!("conv{number}"), sale).await;
    }
    refund_of(&mut service, "conv0", refund(10_000, 10_000, 10_000)).await;
    service
}

#[tokio::test]
async fn each_sees_its_own_newest_first() {
    let service = with_sales().await;
    let neither = mint(&claims("somebody").partner("partner9").brand("brand1"));
    for (token, expected) in [
        (
            operator(),
            vec!["conv5", "conv4", "conv3", "conv2", "conv1", "conv0"],
        ),
        (partner("partner0"), vec!["conv4", "conv2", "conv0"]),
        (brand("brand1"), vec!["conv4", "conv1"]),
        (neither, vec!["conv4", "conv1"]),
        (partner("partner9"), vec![]),
    ] {
        let (status, page) = service.get(COMMISSIONS, &token).await;
        assert_eq!(status, 200);
        assert_eq!(ids(&page), expected);
    }
    let (status, problem) = service.get(COMMISSIONS, &mint(&claims("nobody"))).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (403, &"forbidden".into())
    );
}

#[tokio::test]
async fn filters_narrow_what_one_may_see_and_never_widen_it() {
    let service = with_sales().await;
    for (query, token, expected) in [
        (
            "partner_id=partner1",
            operator(),
            vec!["conv5", "conv3", "conv1"],
        ),
        ("partner_id=partner1", partner("partner0"), vec![]),
        ("status=reversed", operator(), vec!["conv0"]),
        (
            "status=approved&partner_id=partner0",
            operator(),
            vec!["conv4", "conv2"],
        ),
        ("status=held", operator(), vec![]),
        ("event_type=lead", operator(), vec![]),
        (
            "campaign_id=camp123&event_type=purchase&limit=2",
            operator(),
            vec!["conv5", "conv4"],
        ),
        ("campaign_id=another", operator(), vec![]),
    ] {
        let (status, page) = service.get(&format!("{COMMISSIONS}?{query}"), &token).await;
        assert_eq!(status, 200, "{query}");
        assert_eq!(ids(&page), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_join_without_a_gap_or_a_repeat() {
    let service = with_sales().await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("{COMMISSIONS}?limit=4{cursor}");
        let (_, page) = service.get(&path, &operator()).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["conv5", "conv4", "conv3", "conv2", "conv1", "conv0"]);
}

#[tokio::test]
async fn anothers_commission_and_none_at_all_are_the_same_answer() {
    let service = with_sales().await;
    let path = format!("{COMMISSIONS}/conv0");
    for token in [operator(), partner("partner0"), brand("brand0")] {
        assert_eq!(service.get(&path, &token).await.0, 200);
    }
    let (_, none) = service
        .get(&format!("{COMMISSIONS}/conv99"), &partner("partner1"))
        .await;
    for token in [
        partner("partner1"),
        brand("brand1"),
        mint(&claims("nobody")),
    ] {
        let (status, problem) = service.get(&path, &token).await;
        assert_eq!(status, 404);
        assert_eq!(
            (&problem["code"], &problem["detail"]),
            (&none["code"], &none["detail"])
        );
    }
}

#[tokio::test]
async fn on_a_developers_machine_no_token_is_the_operator() {
    let mut variables = variables(Service::Commission, &unmade_database());
    variables.insert("DIRECT_HTTP_AUTH".to_owned(), "none".to_owned());
    let service = TestService::start_with::<Commission>(commission::define, variables).await;
    let request = service
        .client
        .get(format!("{}{COMMISSIONS}", service.base_url));
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_checked_in_document_is_the_one_that_is_served() {
    let service = start().await;
    let copy = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    chassis::openapi::compare_copy(&service.document, &copy).unwrap();
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_at_every_read() {
    let service = crate::app::start().await;
    service.pool().close().await;
    for path in [
        "/api/v1/commission/commissions",
        "/api/v1/commission/commissions/cnv_1",
        "/api/v1/commission/commands/0198c6b4-6a3e-7cc0-9a51-6f6b1f0c2d3e",
    ] {
        let (status, problem) = service.get(path, &runtime::testing::operator()).await;
        assert_eq!(status.as_u16(), 503, "{path}: {problem}");
        assert_eq!(problem["code"], "database_unavailable", "{path}");
    }
}
