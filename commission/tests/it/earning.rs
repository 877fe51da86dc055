use commission::Commission;
use messaging::Answer;
use runtime::testing::{message, until};
use schemas::{Plan, Topic, WireMoney};
use serde_json::json;
use types::{ConversionType, Currency, Money};

use crate::app::{
    CAMPAIGN, attribute, calculated, held_for, kinds, publish, retry_queue, sale, see, start,
    ten_percent, terms, usd,
};

#[tokio::test]
async fn a_sale_earns_by_the_plan_that_its_partner_had_accepted() {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    let later = Plan {
        sale_bps: Some(5_000),
        ..ten_percent()
    };
    publish(&mut service, 2, later).await;
    attribute(&mut service, "conv1", sale(10_000)).await;

    let body = calculated(&service).await;
    assert_eq!(body.amount, usd(1_000));
    assert_eq!((body.plan_version.get(), body.rate_bps), (1, Some(1_000)));
    assert_eq!(body.base, Some(usd(10_000)));
    assert_eq!((body.status.as_str(), body.hold_until), ("approved", None));
    assert_eq!(
        kinds(&service).await,
        [
            "plan.adopted.v1",
            "plan.adopted.v1",
            "commission.calculated.v1"
        ]
    );
    let log = service.log().await;
    assert_eq!(log[0].header.sequence, None, "an own event stays here");
    assert_eq!(log[2].header.sequence, Some(1));
    assert_eq!(
        (log[2].header.key.as_str(), log[2].header.subject.as_str()),
        ("conv1", "conv1")
    );
}

/// Campaign went back behind the first and gave its number out again.
#[tokio::test]
async fn a_version_that_is_published_again_pays_as_it_was_published_last() {
    let mut service = start().await;
    let lost = Plan {
        sale_bps: Some(2_000),
        ..held_for(30)
    };
    publish(&mut service, 1, lost.clone()).await;
    publish(&mut service, 1, ten_percent()).await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    let body = calculated(&service).await;
    assert_eq!((body.amount, body.rate_bps), (usd(1_000), Some(1_000)));
    assert_eq!(body.hold_until, None);

    // Both of another campaign come at once.
    let twice = [(3, lost), (4, ten_percent())].map(|(sequence, plan)| {
        message(
            Topic::CampaignEvents,
            "camp2",
            "camp2",
            terms(1, plan),
            Some(sequence),
        )
    });
    let answers = service.deliver_all(Topic::CampaignEvents, twice.to_vec());
    for answer in answers.await {
        assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
    }
    let mut other = sale(10_000);
    other.campaign_id = "camp2".parse().unwrap();
    attribute(&mut service, "conv2", other).await;
    let seen = see(&service, "conv2").await;
    assert_eq!(
        (&seen["amount"], &seen["status"]),
        (&json!("10.00"), &json!("approved"))
    );
    service
        .assert_state_is_the_fold_of_its_log(&Commission, commission::migrations(), &["plans"])
        .await;
}

#[tokio::test]
async fn a_commission_explains_its_amount() {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    attribute(&mut service, "conv1", sale(10_000)).await;

    let seen = see(&service, "conv1").await;
    assert_eq!(seen["amount"], "10.00");
    assert_eq!(
        (&seen["reversed"], &seen["net"]),
        (&json!("0.00"), &json!("10.00"))
    );
    assert_eq!(
        (&seen["status"], &seen["currency"]),
        (&json!("approved"), &json!("USD"))
    );
    let calculation = &seen["calculation"];
    assert_eq!(
        calculation["base"],
        json!({ "amount": "100.00", "currency": "USD" })
    );
    assert_eq!(
        (&calculation["rate_bps"], &calculation["flat"]),
        (&json!(1_000), &json!(null))
    );
    assert_eq!(
        (&calculation["plan_version"], &calculation["rounding"]),
        (&json!(1), &json!("half_even"))
    );
    assert_eq!(
        calculation["explanation"],
        "10.00 % of 100.00 USD by version 1 of the plan, rounded half-even"
    );
    assert_eq!(seen["reversals"], json!([]));
}

#[tokio::test]
async fn a_flat_plan_pays_the_same_for_every_lead() {
    let mut service = start().await;
    let plan = Plan {
        lead_flat: Some(usd(300).into()),
        ..ten_percent()
    };
    publish(&mut service, 1, plan).await;
    let mut lead = sale(0);
    lead.event_type = ConversionType::Lead;
    lead.amount = None;
    attribute(&mut service, "conv1", lead).await;

    let seen = see(&service, "conv1").await;
    assert_eq!(
        (&seen["amount"], &seen["event_type"]),
        (&json!("3.00"), &json!("lead"))
    );
    assert_eq!(
        seen["calculation"]["explanation"],
        "3.00 USD flat by version 1 of the plan"
    );
}

#[tokio::test]
async fn a_lead_that_the_plan_does_not_pay_is_an_event_of_nothing() {
    let mut service = start().await;
    publish(&mut service, 1, held_for(30)).await;
    let mut lead = sale(0);
    lead.event_type = ConversionType::Lead;
    lead.amount = None;
    attribute(&mut service, "conv1", lead).await;

    let body = calculated(&service).await;
    assert_eq!((body.amount, body.status.as_str()), (usd(0), "approved"));
    let seen = see(&service, "conv1").await;
    assert_eq!(
        seen["calculation"]["explanation"],
        "a lead earns nothing by version 1 of the plan"
    );
}

#[tokio::test]
async fn a_plan_that_contradicts_its_own_currency_suspends_by_name() {
    let mut service = start().await;
    let plan = Plan {
        sale_bps: None,
        sale_flat: Some(Money::new(500, Currency::EUR).into()),
        ..ten_percent()
    };
    publish(&mut service, 1, plan).await;
    attribute(&mut service, "conv1", sale(10_000)).await;

    let body = calculated(&service).await;
    assert_eq!(
        (body.amount, body.status.as_str()),
        (usd(0), "suspended_flat_currency")
    );
    let seen = see(&service, "conv1").await;
    assert_eq!(
        (&seen["status"], &seen["suspense"]),
        (&json!("suspended"), &json!("flat_currency"))
    );
}

#[tokio::test]
async fn a_sale_that_overtook_its_plan_waits_for_it() {
    let mut service = start().await;
    let answer = attribute(&mut service, "conv1", sale(10_000)).await;
    assert!(matches!(answer, Answer::InRetryQueue), "{answer:?}");
    assert_eq!(retry_queue(&service).await[0].1, "waits for plan:camp123:1");

    publish(&mut service, 1, ten_percent()).await;
    assert_eq!(calculated(&service).await.amount, usd(1_000));
    until("nothing is in the retry queue", || async {
        retry_queue(&service).await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_plan_in_the_same_entry_resumes_the_sale_before_it() {
    let service = start().await;
    let sale = message(
        Topic::TrackingEvents,
        "conv1",
        "conv1",
        sale(10_000).into(),
        Some(1),
    );
    let terms = message(
        Topic::CampaignEvents,
        CAMPAIGN,
        CAMPAIGN,
        terms(1, ten_percent()),
        Some(1),
    );
    let (first, second) = tokio::join!(
        service.deliver_all(Topic::TrackingEvents, vec![sale]),
        service.deliver_all(Topic::CampaignEvents, vec![terms])
    );
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(calculated(&service).await.amount, usd(1_000));
}

#[tokio::test]
async fn a_sale_whose_plan_never_comes_goes_dead_after_a_day_and_shows() {
    let mut service = start().await;
    attribute(&mut service, "conv1", sale(10_000)).await;
    service.advance_clock(86_399 - 60).await;
    assert_eq!(retry_queue(&service).await[0].0, "waiting");
    service.advance_clock(120).await;
    until("it is dead", || async {
        retry_queue(&service).await[0].0 == "dead"
    })
    .await;
    assert_eq!(kinds(&service).await, [""; 0]);
}

#[tokio::test]
async fn twins_of_a_sale_have_one_effect() {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    let sale = message(
        Topic::TrackingEvents,
        "conv1",
        "conv1",
        sale(10_000).into(),
        Some(1),
    );
    let twins = vec![sale.clone(), sale.clone()];
    let answers = service.deliver_all(Topic::TrackingEvents, twins).await;
    assert!(
        matches!(answers[..], [Answer::Done(_), Answer::Repeated]),
        "{answers:?}"
    );
    let answers = service.deliver_all(Topic::TrackingEvents, vec![sale]).await;
    assert!(matches!(answers[..], [Answer::Repeated]), "{answers:?}");
    assert_eq!(
        kinds(&service).await,
        ["plan.adopted.v1", "commission.calculated.v1"]
    );
}

/// A rate of a sale and a flat amount for it: well formed, and of no sense.
fn both() -> Plan {
    Plan {
        sale_flat: Some(usd(500).into()),
        ..ten_percent()
    }
}

#[tokio::test]
async fn a_plan_that_nobody_could_have_sent_becomes_a_dead_letter_with_its_reason() {
    let mut service = start().await;
    publish(&mut service, 1, ten_percent()).await;
    let flat = |minor, currency: &str| Plan {
        lead_flat: Some(WireMoney {
            minor,
            currency: currency.to_owned(),
        }),
        ..ten_percent()
    };
    let more_than_all = Plan {
        sale_bps: Some(10_001),
        ..ten_percent()
    };
    for (campaign, plan, reason) in [
        ("camp1", both(), "plan.sale: pays both a rate and a flat"),
        ("camp2", more_than_all, "plan.sale: a rate is no part"),
        (
            "camp3",
            flat(-1, "USD"),
            "plan.lead: pays less than nothing",
        ),
        (
            "camp4",
            flat(1, "XXX"),
            "plan.lead: is not a known ISO 4217",
        ),
        (
            "camp5",
            held_for(-1),
            "plan.hold_days: is no number of days",
        ),
    ] {
        let terms = terms(1, plan);
        let delivered = service.deliver(Topic::CampaignEvents, campaign, campaign, terms);
        let (_, answer) = delivered.await;
        assert!(matches!(answer, Answer::InRetryQueue), "{answer:?}");
        let (state, why) = retry_queue(&service).await.pop().unwrap();
        assert_eq!(state, "dead");
        assert!(why.starts_with(reason), "{why}");
    }
    attribute(&mut service, "conv1", sale(10_000)).await;
    assert_eq!(
        calculated(&service).await.amount,
        usd(1_000),
        "others go on"
    );
}

#[tokio::test]
async fn a_plan_that_cannot_be_used_is_adopted_once_it_is_mended() {
    let mut service = start().await;
    let odd = terms(1, both());
    let reason = "both a rate and a flat amount";
    let fact = service
        .assert_dead_letter(Topic::CampaignEvents, CAMPAIGN, odd, &[], reason)
        .await;
    let answer = attribute(&mut service, "conv1", sale(10_000)).await;
    assert!(matches!(answer, Answer::InRetryQueue), "{answer:?}");
    service
        .mend(&fact, |payload| payload["plan"]["sale_flat"] = json!(null))
        .await;
    assert_eq!(calculated(&service).await.amount, usd(1_000));
}
