use commission::Commission;
use schemas::Plan;
use types::{ConversionType, TermsVersion};

use crate::app::{
    attribute, held_for, publish, refund, refund_of, sale, start, ten_percent, usd, wait_for,
};

#[tokio::test]
async fn the_tables_are_the_fold_of_the_log() {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    publish(&mut service, 2, held_for(10)).await;
    let flat = Plan {
        sale_bps: None,
        sale_flat: Some(usd(700).into()),
        lead_flat: Some(usd(50).into()),
        ..held_for(1)
    };
    publish(&mut service, 3, flat).await;
    for (number, version) in (1..=3).cycle().take(9).enumerate() {
        let mut sale = sale(9_999);
        sale.terms_version = TermsVersion::new(version).unwrap();
        attribute(&mut service, &format!("conv{number}"), sale).await;
    }
    let mut suspended = sale(-1);
    suspended.order_id = None;
    attribute(&mut service, "conv9", suspended).await;
    let mut lead = sale(0);
    (lead.event_type, lead.amount) = (ConversionType::Lead, None);
    attribute(&mut service, "conv10", lead).await;
    for conversion in ["conv0", "conv1", "conv2", "conv9", "conv10"] {
        refund_of(&mut service, conversion, refund(3_333, 3_333, 9_999)).await;
    }
    service.advance_clock(86_400).await;
    wait_for(&service, "commission.approved.v1").await;
    refund_of(&mut service, "conv2", refund(6_666, 9_999, 9_999)).await;

    let tables = ["plans", "commissions", "reversals"];
    service
        .assert_state_is_the_fold_of_its_log(&Commission, commission::migrations(), &tables)
        .await;
    service
        .assert_replay_finds_and_mends_what_hands_changed::<Commission>()
        .await;
}
