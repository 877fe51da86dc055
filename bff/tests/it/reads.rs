//! The read models, as front ends see them.

use messaging::Answer;
use runtime::testing::{brand, operator, partner};
use schemas::{
    Body, ClaimAcceptedV1, ClaimDeclinedV1, ClaimSettledV1, CommissionApprovedV1,
    CommissionReversedV1, ConversionClaimedV1, EnrollmentAppliedV1, EnrollmentApprovedV1,
    EnrollmentEndedV1, EnrollmentRejectedV1, PartnerBannedV1, PartnerUnbannedV1, PayoutFailedV1,
    PayoutPaidV1, PayoutSubmittedV1, PayoutSubmittingV1, Topic,
};
use serde_json::json;
use types::{
    BrandId, ConversionId, DeclineReason, EarningStatus, EnrollmentStatus, PartnerId, PayoutId,
    PayoutMethod, RefusalReason, TermsVersion,
};
use uuid::Uuid;

use crate::app::{
    bff, calculated, claimed, count, facts, partner123, payout_requested, posted, submitted, usd,
};
use crate::reads_of_programmes::{created, of_campaign};

#[tokio::test]
async fn a_commission_is_followed_from_its_hold_to_its_reversal() {
    let app = bff().await;
    let topic = Topic::CommissionEvents;
    let path = "/api/v1/commissions/conv1";
    let held = calculated("partner123", "brand1", 1_000, "held");
    facts(&app, topic, &[("conv1", "conv1", held)]).await;
    let (_, body) = app.get(path, &partner123()).await;
    assert_eq!(body["status"], "held");
    assert_eq!(
        (&body["amount"], &body["currency"]),
        (&json!("10.00"), &json!("USD"))
    );
    assert_eq!(body["calculation"]["base"]["amount"], "100.00");
    assert_eq!(body["calculation"]["rate_bps"], 1_000);
    assert_eq!(body["hold_until"], "2030-03-17T17:46:40Z");
    assert_eq!(body["approved_at"], json!(null));

    let partner_id = PartnerId::parse("partner123").unwrap();
    let brand_id = BrandId::parse("brand1").unwrap();
    let approved = CommissionApprovedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        amount: usd(1_000),
    };
    facts(&app, topic, &[("conv1", "conv1", approved.into())]).await;
    let (_, body) = app.get(path, &partner123()).await;
    assert_eq!(body["status"], "approved");
    assert!(body["approved_at"].is_string());

    let reversed = |minor, total| CommissionReversedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        amount: usd(minor),
        reversed_total: usd(total),
        from: EarningStatus::Payable,
    };
    facts(
        &app,
        topic,
        &[("conv1", "conv1", reversed(333, 333).into())],
    )
    .await;
    let (_, body) = app.get(path, &partner123()).await;
    assert_eq!(
        (&body["status"], &body["net"]),
        (&json!("approved"), &json!("6.67"))
    );
    facts(
        &app,
        topic,
        &[("conv1", "conv1", reversed(667, 1_000).into())],
    )
    .await;
    let (_, body) = app.get(path, &partner123()).await;
    assert_eq!(
        (&body["status"], &body["net"]),
        (&json!("reversed"), &json!("0.00"))
    );
}

#[tokio::test]
async fn a_commission_that_an_operator_must_decide_says_so() {
    let app = bff().await;
    let suspended = calculated("partner123", "brand1", 0, "suspended_flat_currency");
    facts(&app, Topic::CommissionEvents, &[("c", "c", suspended)]).await;
    let (_, body) = app.get("/api/v1/commissions/c", &partner123()).await;
    assert_eq!(body["status"], "suspended");
    assert_eq!(body["suspense"], "flat_currency");
}

#[tokio::test]
async fn what_changes_a_commission_that_is_a_dead_letter_is_passed_by() {
    let app = bff().await;
    let approved = CommissionApprovedV1 {
        partner_id: PartnerId::parse("partner123").unwrap(),
        brand_id: BrandId::parse("brand1").unwrap(),
        amount: usd(1),
    };
    facts(
        &app,
        Topic::CommissionEvents,
        &[("c", "c", approved.into())],
    )
    .await;
    assert_eq!(count(&app, "commissions").await, 0);
}

#[tokio::test]
async fn a_claim_is_read_by_its_partner_and_its_brand_and_says_what_became_of_it() {
    let app = bff().await;
    let topic = Topic::TrackingEvents;
    let ids = ["clm_open", "clm_settled", "clm_accepted", "clm_declined"];
    let begun = ids.map(|id| {
        (
            id,
            id,
            ConversionClaimedV1 {
                sale: claimed(),
                user_hash: None,
            }
            .into(),
        )
    });
    facts(&app, topic, &begun).await;
    let conversion_id = ConversionId::parse("c1").unwrap();
    let settled = ClaimSettledV1 {
        sale: claimed(),
        conversion_id: conversion_id.clone(),
    };
    let accepted = ClaimAcceptedV1 {
        conversion_id,
        partner_id: None,
        brand_id: None,
    };
    let declined = ClaimDeclinedV1 {
        reason: DeclineReason::OrderUnknown,
        partner_id: None,
        brand_id: None,
    };
    let decided = [
        ("clm_settled", "clm_settled", settled.clone().into()),
        ("clm_accepted", "clm_accepted", accepted.into()),
        ("clm_declined", "clm_declined", declined.into()),
        // What is accepted stays so.
        ("clm_accepted", "clm_accepted", settled.into()),
    ];
    facts(&app, topic, &decided).await;

    for token in [partner123(), brand("brand1"), operator()] {
        let (_, body) = app.get("/api/v1/claims", &token).await;
        let items = body["items"].as_array().unwrap();
        let statuses: Vec<_> = items.iter().map(|item| &item["status"]).collect();
        assert_eq!(statuses, ["declined", "accepted", "settled", "open"]);
        assert_eq!(items[0]["reason"], "order_unknown");
        assert_eq!(items[1]["conversion_id"], "c1");
        assert_eq!(items[3]["decided_at"], json!(null));
    }
    for (query, expected) in [
        ("status=open", 1),
        ("campaign_id=camp123", 4),
        ("campaign_id=camp9", 0),
        ("partner_id=partner123", 4),
        ("partner_id=partner9", 0),
        ("brand_id=brand1", 4),
        ("brand_id=brand9", 0),
        ("order_id=o1", 4),
        ("order_id=o2", 0),
        ("order_id=o1&status=open", 1),
    ] {
        let (_, body) = app
            .get(&format!("/api/v1/claims?{query}"), &operator())
            .await;
        let found = body["items"].as_array().unwrap().len();
        assert_eq!(found, expected, "{query}: {body}");
    }
    let (_, body) = app.get("/api/v1/claims/clm_open", &partner123()).await;
    assert_eq!(
        (&body["amount"], &body["order_id"]),
        (&json!("100.00"), &json!("o1"))
    );

    for stranger in [partner("partner9"), brand("brand9")] {
        let (_, body) = app.get("/api/v1/claims", &stranger).await;
        assert_eq!(body["items"], json!([]));
        let (status, _) = app.get("/api/v1/claims/clm_open", &stranger).await;
        assert_eq!(status, 404);
    }
}

#[tokio::test]
async fn only_a_brand_or_an_operator_decides_upon_a_claim() {
    let app = bff().await;
    for path in [
        "/api/v1/claims/clm_1/accept",
        "/api/v1/claims/clm_1/decline",
    ] {
        let body = if path.ends_with("decline") {
            json!({"reason": "order_unknown"})
        } else {
            json!({})
        };
        let (status, problem) = app.post(path, &partner123(), &body).await;
        assert_eq!(status, 403, "{problem}");
        let command = submitted(&app, &brand("brand1"), path, &body).await;
        assert_eq!(command.header.subject, "clm_1");
    }
    let path = "/api/v1/claims/clm_1/decline";
    let (status, problem) = app
        .post(path, &brand("brand1"), &json!({"reason": ""}))
        .await;
    assert_eq!(
        (status.as_u16(), &problem["errors"][0]["pointer"]),
        (422, &json!("/reason"))
    );
}

#[tokio::test]
async fn commissions_are_listed_newest_first_in_pages_and_by_filters() {
    let app = bff().await;
    let one_entry: Vec<(String, _)> = (0..7)
        .map(|n| {
            let status = if n % 2 == 0 { "approved" } else { "held" };
            (
                format!("c{n}"),
                calculated("partner123", "brand1", 100 + n, status),
            )
        })
        .collect();
    let rows: Vec<_> = one_entry
        .iter()
        .map(|(id, body)| (id.as_str(), id.as_str(), body.clone()))
        .collect();
    facts(&app, Topic::CommissionEvents, &rows).await;
    let ids = |body: &serde_json::Value| -> Vec<String> {
        let items = body["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (_, first) = app.get("/api/v1/commissions?limit=4", &partner123()).await;
    assert_eq!(ids(&first), ["c6", "c5", "c4", "c3"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("/api/v1/commissions?limit=4&cursor={cursor}");
    let (_, second) = app.get(&path, &partner123()).await;
    assert_eq!(ids(&second), ["c2", "c1", "c0"]);
    assert_eq!(second["next_cursor"], json!(null));
    let (_, held) = app
        .get("/api/v1/commissions?status=held", &brand("brand1"))
        .await;
    assert_eq!(ids(&held), ["c5", "c3", "c1"]);
    let (_, none) = app
        .get("/api/v1/commissions?campaign_id=other", &operator())
        .await;
    assert_eq!(ids(&none), Vec::<String>::new());
}

#[tokio::test]
async fn a_commission_that_is_calculated_anew_after_a_restore_is_shown_as_it_is_now() {
    let app = bff().await;
    let first = calculated("partner123", "brand1", 100, "suspended_flat_currency");
    let again = calculated("partner456", "brand2", 250, "approved");
    facts(&app, Topic::CommissionEvents, &[("c1", "c1", first)]).await;
    facts(&app, Topic::CommissionEvents, &[("c1", "c1", again)]).await;
    let (_, none) = app.get("/api/v1/commissions", &partner123()).await;
    assert_eq!(none["items"], json!([]));
    let (_, all) = app.get("/api/v1/commissions", &brand("brand2")).await;
    let shown = &all["items"][0];
    assert_eq!(
        (&shown["partner_id"], &shown["amount"], &shown["status"]),
        (&json!("partner456"), &json!("2.50"), &json!("approved"))
    );
}

#[tokio::test]
async fn a_payout_moves_the_balance_to_paid_out_or_back() {
    let app = bff().await;
    let topic = Topic::PaymentEvents;
    let earned = posted("brand:brand1:funds", "partner:partner123:payable", 20_000);
    let pending = posted("brand:brand1:funds", "partner:partner123:pending", 700);
    facts(
        &app,
        topic,
        &[
            ("partner123", "partner123", earned),
            ("partner123", "partner123", pending),
            ("partner123", "pay_1", payout_requested(15_000)),
            ("partner123", "pay_2", payout_requested(5_000)),
        ],
    )
    .await;
    let (_, body) = app.get("/api/v1/balances", &partner123()).await;
    let accounts =
        json!({"pending": "7.00", "payable": "0.00", "in_transit": "200.00", "paid_out": "0.00"});
    assert_eq!(body["items"][0]["accounts"], accounts, "{body}");

    let submitting = PayoutSubmittingV1 {
        attempt: 1,
        reference: PayoutId::parse("pay_1").unwrap(),
        amount: usd(15_000),
        method: PayoutMethod::Paypal,
    };
    let submitted = PayoutSubmittedV1 {
        amount: usd(15_000),
        provider_ref: Some("ref1".to_owned()),
        reason: None,
    };
    let paid = PayoutPaidV1 {
        amount: usd(15_000),
        transfer_id: Uuid::now_v7(),
        provider_ref: None,
    };
    let failed = PayoutFailedV1 {
        amount: usd(5_000),
        transfer_id: Uuid::now_v7(),
        provider_ref: None,
        reason: Some("account closed".to_owned()),
    };
    facts(
        &app,
        topic,
        &[
            ("partner123", "pay_1", submitting.into()),
            ("partner123", "pay_1", submitted.into()),
            ("partner123", "pay_1", paid.into()),
            ("partner123", "pay_2", failed.into()),
        ],
    )
    .await;
    let (_, body) = app.get("/api/v1/balances", &partner123()).await;
    let accounts =
        json!({"pending": "7.00", "payable": "50.00", "in_transit": "0.00", "paid_out": "150.00"});
    assert_eq!(body["items"][0]["accounts"], accounts, "{body}");
    let (_, body) = app.get("/api/v1/balances", &brand("brand1")).await;
    assert_eq!(
        body["items"][0]["accounts"],
        json!({"funds": "-207.00"}),
        "{body}"
    );

    let (_, body) = app.get("/api/v1/payouts", &partner123()).await;
    let items = body["items"].as_array().unwrap();
    assert_eq!(items[0]["id"], "pay_2");
    assert_eq!(
        (&items[0]["status"], &items[0]["reason"]),
        (&json!("failed"), &json!("account closed"))
    );
    assert_eq!(items[1]["status"], "paid");
    assert_eq!(items[1]["amount"], "150.00");
    assert_eq!(items[1]["provider_ref"], "ref1");
    assert_eq!(items[1]["destination"], "u***@example.com");
    let (_, body) = app.get("/api/v1/payouts?status=paid", &partner123()).await;
    assert_eq!(body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn money_that_has_no_place_shows_as_suspense() {
    let app = bff().await;
    let odd = posted("brand:brand1:funds", "partner:partner123:suspense", 42);
    facts(&app, Topic::PaymentEvents, &[("p", "p", odd)]).await;
    let (_, body) = app.get("/api/v1/balances", &partner123()).await;
    assert_eq!(body["items"][0]["accounts"]["suspense"], "0.42", "{body}");
}

#[tokio::test]
async fn a_posting_to_an_account_that_is_unknown_here_is_in_no_balance_until_it_is_mended() {
    let mut app = bff().await;
    let topic = Topic::PaymentEvents;
    let odd = posted("brand:brand1:funds", "partner:partner123:escrow", 1_000);
    let fact = app
        .assert_dead_letter(
            topic,
            "partner123",
            odd,
            &[],
            "is no account that is known here",
        )
        .await;
    let good = posted("brand:brand1:funds", "partner:partner9:payable", 500);
    let (_, answer) = app.deliver(topic, "partner9", "partner9", good).await;
    assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
    let funds = async || {
        let (_, body) = app.get("/api/v1/balances", &brand("brand1")).await;
        body["items"][0]["accounts"]["funds"].clone()
    };
    assert_eq!(funds().await, "-5.00", "of the odd one nothing is counted");

    app.mend(&fact, |payload| {
        payload["transfers"][0]["credit"] = json!("partner:partner123:payable");
    })
    .await;
    assert_eq!(funds().await, "-15.00");
    let (_, body) = app.get("/api/v1/balances", &partner123()).await;
    assert_eq!(body["items"][0]["accounts"]["payable"], "10.00");
}

#[tokio::test]
async fn an_enrollment_is_read_by_its_partner_and_its_brand_and_says_where_the_partner_stands() {
    let app = bff().await;
    of_campaign(&app, created(None)).await;
    let partner_id = PartnerId::parse("partner123").unwrap();
    let brand_id = BrandId::parse("brand1").unwrap();
    let terms_version = TermsVersion::FIRST;
    let applied = EnrollmentAppliedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        terms_version,
    };
    let rejected = EnrollmentRejectedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        reason: RefusalReason::NeedsMoreDetail,
    };
    let approved = EnrollmentApprovedV1 {
        partner_id: partner_id.clone(),
        brand_id: brand_id.clone(),
        terms_version,
    };
    let ended = EnrollmentEndedV1 {
        partner_id,
        brand_id,
        status: EnrollmentStatus::Removed,
        reason: Some(RefusalReason::TermsViolated),
    };
    let steps: [(Body, &str, Option<&str>); 5] = [
        (applied.clone().into(), "applied", None),
        (rejected.into(), "rejected", Some("needs_more_detail")),
        (applied.into(), "applied", None),
        (approved.into(), "enrolled", None),
        (ended.into(), "removed", Some("terms_violated")),
    ];
    for (event, status, reason) in steps {
        let topic = Topic::CampaignEvents;
        facts(&app, topic, &[("camp123", "enr_1", event)]).await;
        for who in [partner123(), brand("brand1"), operator()] {
            let (_, list) = app.get("/api/v1/enrollments", &who).await;
            let shown = &list["items"][0];
            let says = (&shown["status"], &shown["reason"], &shown["terms_version"]);
            assert_eq!(says, (&json!(status), &json!(reason), &json!(1)), "{list}");
            assert_eq!(list["items"].as_array().unwrap().len(), 1);
        }
    }
    for (path, who, count) in [
        ("/api/v1/enrollments", brand("brand2"), 0),
        ("/api/v1/enrollments", partner("partner456"), 0),
        ("/api/v1/enrollments?status=removed", partner123(), 1),
        ("/api/v1/enrollments?status=enrolled", partner123(), 0),
        ("/api/v1/enrollments?campaign_id=camp9", partner123(), 0),
    ] {
        let (_, list) = app.get(path, &who).await;
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_ban_is_read_by_its_partner_and_its_brand_and_an_operators_by_no_brand() {
    let app = bff().await;
    let brand_id = || Some(BrandId::parse("brand1").unwrap());
    let reason = RefusalReason::TermsViolated;
    let banned = |brand_id| Body::from(PartnerBannedV1 { brand_id, reason });
    let unbanned = PartnerUnbannedV1 {
        brand_id: brand_id(),
    };
    let topic = Topic::CampaignEvents;
    let steps: [(&str, Body, &str, Option<&str>); 3] = [
        (
            "ban_1",
            banned(brand_id()),
            "banned",
            Some("terms_violated"),
        ),
        ("ban_1", unbanned.into(), "active", None),
        (
            "ban_1",
            banned(brand_id()),
            "banned",
            Some("terms_violated"),
        ),
    ];
    for (subject, event, status, reason) in steps {
        facts(&app, topic, &[("partner123", subject, event)]).await;
        for who in [partner123(), brand("brand1"), operator()] {
            let (_, list) = app.get("/api/v1/bans", &who).await;
            let shown = &list["items"][0];
            let says = (&shown["status"], &shown["reason"], &shown["partner_id"]);
            assert_eq!(says, (&json!(status), &json!(reason), &json!("partner123")));
            assert_eq!(list["items"].as_array().unwrap().len(), 1);
        }
    }
    facts(&app, topic, &[("partner123", "ban_2", banned(None))]).await;
    for (path, who, count) in [
        ("/api/v1/bans", brand("brand1"), 1),
        ("/api/v1/bans", brand("brand2"), 0),
        ("/api/v1/bans", partner123(), 2),
        ("/api/v1/bans", partner("partner456"), 0),
        ("/api/v1/bans?status=active", operator(), 0),
        ("/api/v1/bans?partner_id=partner123", operator(), 2),
        ("/api/v1/bans?partner_id=partner456", operator(), 0),
        ("/api/v1/bans?brand_id=brand1", operator(), 1),
        ("/api/v1/bans?brand_id=brand2", operator(), 0),
        ("/api/v1/bans?brand_id=brand1", partner123(), 1),
        ("/api/v1/bans?brand_id=brand1", brand("brand2"), 0),
    ] {
        let (_, list) = app.get(path, &who).await;
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{path}");
    }
    app.stop().await;
}
