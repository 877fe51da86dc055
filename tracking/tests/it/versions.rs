//! By which version of the terms a click counts.

use chassis::time::now;
use runtime::testing::TestService;
use schemas::Body;
use tracking::{MIGRATIONS, Tracking};
use types::Micros;

use crate::app::*;

/// A version with a window of so many days, in force so many seconds from now.
async fn publish(
    service: &mut TestService,
    version: i32,
    window_days: i32,
    seconds: i64,
    worsens: Option<bool>,
) {
    let Body::TermsPublishedV1(mut published) = terms(version, "USD", window_days) else {
        unreachable!()
    };
    published.effective_at = Micros(now().get() + seconds * 1_000_000);
    published.worsens = worsens;
    deliver(service, CAMPAIGN, CAMPAIGN, published.into()).await;
}

/// The version by which a purchase is attributed now.
async fn version(service: &TestService, order_id: &str) -> i64 {
    let answer = report_as(service, "attributed", &order("user1", order_id, "10")).await;
    see(service, &answer).await["terms_version"]
        .as_i64()
        .unwrap()
}

#[tokio::test]
async fn who_accepted_terms_has_later_ones_by_itself_up_to_the_first_that_worsens() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    assert_eq!(version(&service, "o1").await, 1);
    publish(&mut service, 2, 40, 0, Some(false)).await;
    assert_eq!(version(&service, "o2").await, 2);
    publish(&mut service, 3, 50, 3_600, Some(false)).await;
    assert_eq!(version(&service, "o3").await, 2, "not in force");
    service.advance_clock(3_600).await;
    assert_eq!(version(&service, "o4").await, 3);
    publish(&mut service, 4, 10, 3_600, Some(true)).await;
    publish(&mut service, 5, 90, 3_600, Some(false)).await;
    assert_eq!(version(&service, "o5").await, 3, "the fourth worsens");

    let Body::EnrollmentAcceptedV1(mut again) = accepted(PARTNER) else {
        unreachable!()
    };
    again.terms_version = 4.try_into().unwrap();
    let enrollment = enrollment(CAMPAIGN, PARTNER);
    deliver(&mut service, CAMPAIGN, &enrollment, again.into()).await;
    assert_eq!(version(&service, "o6").await, 5);
    let tables = ["terms", "enrollments", "conversions"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn terms_that_do_not_say_whether_they_worsen_something_need_to_be_accepted() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    publish(&mut service, 2, 40, 0, None).await;
    assert_eq!(version(&service, "o1").await, 1);
    service.stop().await;
}
