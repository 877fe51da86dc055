//! By which version of the terms a click counts.

use chassis::time::now;
use runtime::testing::TestService;
use schemas::{
    Body, EnrollmentAppliedV1, EnrollmentApprovedV1, EnrollmentEndedV1, EnrollmentRejectedV1,
};
use tracking::{MIGRATIONS, Tracking};
use types::{BrandId, EnrollmentStatus, Micros, PartnerId, RefusalReason, TermsVersion};

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

/// This partner accepts that version.
async fn accept(service: &mut TestService, partner: &str, version: i32) {
    let Body::EnrollmentAcceptedV1(mut again) = accepted(partner) else {
        unreachable!()
    };
    again.terms_version = version.try_into().unwrap();
    let enrollment = enrollment(CAMPAIGN, partner);
    deliver(service, CAMPAIGN, &enrollment, again.into()).await;
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

    accept(&mut service, PARTNER, 4).await;
    assert_eq!(version(&service, "o6").await, 5);
    let tables = ["terms", "enrollments", "conversions"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn who_applies_again_and_is_not_let_in_keeps_what_it_accepted_for_its_earlier_clicks() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    let partner_id = PartnerId::parse(PARTNER).unwrap();
    let brand_id = BrandId::parse(BRAND).unwrap();
    let terms_version = TermsVersion::try_from(2).unwrap();
    let left = EnrollmentEndedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        status: EnrollmentStatus::Left,
        reason: None,
    };
    let applied = EnrollmentAppliedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        terms_version,
    };
    let rejected = EnrollmentRejectedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        reason: RefusalReason::Other,
    };
    let approved = EnrollmentApprovedV1 {
        partner_id,
        brand_id,
        terms_version,
    };
    let enrollment = enrollment(CAMPAIGN, PARTNER);
    publish(&mut service, 2, 10, 0, Some(true)).await;
    deliver(&mut service, CAMPAIGN, &enrollment, left.into()).await;
    deliver(&mut service, CAMPAIGN, &enrollment, applied.clone().into()).await;
    assert_eq!(version(&service, "o1").await, 1);
    deliver(&mut service, CAMPAIGN, &enrollment, rejected.into()).await;
    assert_eq!(version(&service, "o2").await, 1);
    // The log is folded in one batch there, and came in several.
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["enrollments"])
        .await;

    deliver(&mut service, CAMPAIGN, &enrollment, applied.into()).await;
    deliver(&mut service, CAMPAIGN, &enrollment, approved.into()).await;
    assert_eq!(version(&service, "o3").await, 2);
    service.stop().await;
}

#[tokio::test]
async fn who_applied_twice_by_two_versions_has_the_row_that_a_fold_in_one_batch_makes() {
    let mut service = start_with_link().await;
    let partner_id = PartnerId::parse("partner9").unwrap();
    let brand_id = BrandId::parse(BRAND).unwrap();
    let applied = |version: i32| EnrollmentAppliedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        terms_version: version.try_into().unwrap(),
    };
    let rejected = EnrollmentRejectedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        reason: RefusalReason::Other,
    };
    let enrollment = enrollment(CAMPAIGN, "partner9");
    deliver(&mut service, CAMPAIGN, &enrollment, applied(1).into()).await;
    deliver(&mut service, CAMPAIGN, &enrollment, rejected.into()).await;
    publish(&mut service, 2, 10, 0, Some(true)).await;
    deliver(&mut service, CAMPAIGN, &enrollment, applied(2).into()).await;
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &["enrollments"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn who_accepted_a_number_that_is_given_out_again_has_not_accepted_what_it_stands_for_now() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    publish(&mut service, 2, 40, 0, Some(true)).await;
    accept(&mut service, PARTNER, 2).await;
    publish(&mut service, 3, 50, 0, Some(false)).await;
    assert_eq!(version(&service, "o1").await, 3);

    // Campaign went back to a backup of before the second.
    publish(&mut service, 2, 20, 0, Some(true)).await;
    assert_eq!(version(&service, "o2").await, 1);
    publish(&mut service, 3, 60, 0, Some(false)).await;
    assert_eq!(version(&service, "o3").await, 1, "the second worsens");
    let applied = EnrollmentAppliedV1 {
        partner_id: PartnerId::parse(PARTNER).unwrap(),
        brand_id: BrandId::parse(BRAND).unwrap(),
        terms_version: TermsVersion::try_from(2).unwrap(),
    };
    let enrollment = enrollment(CAMPAIGN, PARTNER);
    deliver(&mut service, CAMPAIGN, &enrollment, applied.into()).await;
    assert_eq!(version(&service, "o4").await, 1, "it accepts nothing yet");
    accept(&mut service, PARTNER, 2).await;
    assert_eq!(version(&service, "o5").await, 3);

    // And once more, and then it worsens nothing.
    publish(&mut service, 2, 45, 3_600, Some(false)).await;
    assert_eq!(version(&service, "o6").await, 1, "not in force");
    service.advance_clock(3_600).await;
    assert_eq!(version(&service, "o7").await, 2);
    // The log is folded in one batch there, and came in several.
    let tables = ["terms", "enrollments", "conversions"];
    service
        .assert_state_is_the_fold_of_its_log(&Tracking, &MIGRATIONS, &tables)
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_version_that_another_took_the_place_of_never_holds() {
    let mut service = start_with_link().await;
    click(&service, "lnk_1", "user1").await;
    publish(&mut service, 2, 90, 3_600, Some(false)).await;
    publish(&mut service, 3, 20, 3_000, Some(true)).await;
    service.advance_clock(3_600).await;
    assert_eq!(version(&service, "o1").await, 1, "the third worsens");
    accept(&mut service, PARTNER, 3).await;
    publish(&mut service, 4, 40, 3_600, Some(false)).await;
    publish(&mut service, 5, 10, 7_200, Some(true)).await;
    publish(&mut service, 6, 50, 6_600, Some(false)).await;
    assert_eq!(version(&service, "o2").await, 4);
    service.advance_clock(3_600).await;
    assert_eq!(version(&service, "o3").await, 6);
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

#[tokio::test]
async fn a_later_click_whose_terms_give_it_less_time_hides_no_earlier_one_that_still_has_some() {
    let mut service = start_with_link().await;
    publish(&mut service, 2, 7, 0, Some(true)).await;
    accept(&mut service, "partner9", 2).await;
    create_link(&service, "lnk_9", CAMPAIGN, "partner9").await;
    click(&service, "lnk_1", "user1").await;
    click(&service, "lnk_9", "user1").await;
    click(&service, "lnk_9", "user2").await;
    let answer = report_as(&service, "attributed", &order("user1", "o1", "10")).await;
    assert_eq!(answer["partner_id"], "partner9");
    service.advance_clock(10 * 86_400).await;
    let answer = report_as(&service, "attributed", &order("user1", "o2", "10")).await;
    assert_eq!(answer["partner_id"], PARTNER);
    let answer = report_as(&service, "unattributed", &order("user2", "o3", "10")).await;
    assert_eq!(answer["reason"], "outside_window");
    // Of two campaigns the later click that counts, though a later one hides it.
    adopt(&mut service, "camp200", &["partner8"]).await;
    create_link(&service, "lnk_8", "camp200", "partner8").await;
    click(&service, "lnk_8", "user3").await;
    click(&service, "lnk_1", "user3").await;
    click(&service, "lnk_9", "user3").await;
    service.advance_clock(10 * 86_400).await;
    let answer = report_as(&service, "attributed", &order("user3", "o4", "10")).await;
    assert_eq!(answer["partner_id"], PARTNER);
    service.stop().await;
}
