//! Brands' money as front ends see it.

use axum::http::StatusCode;
use runtime::testing::{TestService, brand, operator, partner};
use schemas::{
    AccountOpenedV1, BillingChangedV1, Body, DepositAnnouncedV1, DepositClearedV1,
    EarningsFundedV1, FundsTransferredV1, FundsWarningChangedV1, LedgerPostedV1, SetFundsWarningV1,
    Topic, Transfer, WithdrawalFailedV1, WithdrawalRequestedV1, WithdrawalSettledV1,
};
use serde_json::{Value, json};
use types::{BankFailure, Billing, BrandId, Currency};
use uuid::Uuid;

use crate::app::{bff, deliver_outcome, facts, id, logged, usd};

fn brand1() -> BrandId {
    "brand1".parse().unwrap()
}

fn moved(debit: &str, credit: &str, minor: i64) -> Transfer {
    Transfer {
        id: Uuid::now_v7(),
        debit: debit.to_owned(),
        credit: credit.to_owned(),
        minor,
        currency: Currency::USD,
    }
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one event after the other, and what comes of them"
)]
async fn a_brands_money_and_what_moved_is_read_by_whom_it_belongs_to() {
    let app = bff().await;
    let topic = Topic::PaymentEvents;
    let opened = AccountOpenedV1 {
        brand_id: brand1(),
        name: "reserve".parse().unwrap(),
    };
    let announced = DepositAnnouncedV1 {
        brand_id: brand1(),
        account: None,
        amount: usd(50_000),
        reference: Some("INV-1".parse().unwrap()),
        transfer_id: Uuid::now_v7(),
    };
    let cleared = DepositClearedV1 {
        brand_id: brand1(),
        account: None,
        amount: usd(50_000),
        transfer_id: Uuid::now_v7(),
    };
    let transferred = FundsTransferredV1 {
        brand_id: brand1(),
        from_account: None,
        to_account: Some("reserve".parse().unwrap()),
        amount: usd(10_000),
        transfer_id: Uuid::now_v7(),
    };
    let requested = WithdrawalRequestedV1 {
        brand_id: brand1(),
        account: None,
        amount: usd(20_000),
        reference: None,
        transfer_id: Uuid::now_v7(),
    };
    let failed = WithdrawalFailedV1 {
        brand_id: brand1(),
        account: None,
        amount: usd(20_000),
        transfer_id: Uuid::now_v7(),
        reason: BankFailure::Returned,
    };
    let billing = BillingChangedV1 {
        currency: Currency::USD,
        billing: Billing::Postpaid,
        credit_limit: Some(7),
    };
    facts(
        &app,
        topic,
        &[
            ("brand1", "acc_1", opened.into()),
            ("dep_1", "dep_1", announced.into()),
            ("dep_1", "dep_1", cleared.into()),
            ("brand1", "trf_1", transferred.into()),
            ("wdr_1", "wdr_1", requested.into()),
            ("wdr_1", "wdr_1", failed.into()),
            ("brand1", "brand1", billing.into()),
        ],
    )
    .await;
    let own = brand("brand1");
    let (_, deposits) = app.get("/api/v1/deposits", &own).await;
    assert_eq!(deposits["items"][0]["status"], "cleared");
    assert_eq!(deposits["items"][0]["reference"], "INV-1");
    let (_, withdrawal) = app.get("/api/v1/withdrawals/wdr_1", &own).await;
    assert_eq!(
        (&withdrawal["status"], &withdrawal["reason"]),
        (&json!("failed"), &json!("returned"))
    );
    let (_, billing) = app.get("/api/v1/billing", &own).await;
    assert_eq!(billing["items"][0]["credit_limit"], "0.07");
    assert_eq!(billing["items"][0]["funds"], "400.00");
    let (_, accounts) = app.get("/api/v1/accounts", &own).await;
    let mut shown: Vec<(&str, &str)> = accounts["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].as_str().unwrap(), it["balance"].as_str().unwrap()))
        .collect();
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            ("brand:brand1:funds.reserve:USD", "100.00"),
            ("brand:brand1:funds:USD", "400.00")
        ]
    );
    let path = "/api/v1/accounts/brand:brand1:funds:USD/entries";
    let (_, entries) = app.get(path, &own).await;
    let shown: Vec<(&str, &str)> = entries["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["amount"].as_str().unwrap(),
                it["event_type"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("200.00", "withdrawal.failed.v1"),
            ("-200.00", "withdrawal.requested.v1"),
            ("-100.00", "funds.transferred.v1"),
            ("500.00", "deposit.cleared.v1"),
        ]
    );
    for path in [
        path,
        "/api/v1/deposits/dep_1",
        "/api/v1/accounts/brand:brand1:funds.reserve:USD",
    ] {
        let (status, _) = app.get(path, &own).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let (status, _) = app.get(path, &brand("brand2")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, cash) = app
        .get("/api/v1/accounts/bank:main:cash:USD", &operator())
        .await;
    assert_eq!(cash["balance"], "-500.00");
    let (_, all) = app.get("/api/v1/balances", &operator()).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

/// Of each what lists show to that brand.
async fn listed(app: &TestService, path: &str, who: &str) -> Vec<[Value; 3]> {
    let (_, list) = app.get(path, &brand(who)).await;
    let items = list["items"].as_array().unwrap().iter();
    let names = ["id", "amount", "status"];
    items.map(|it| names.map(|name| it[name].clone())).collect()
}

fn announced(brand: &str, minor: i64) -> Body {
    DepositAnnouncedV1 {
        brand_id: brand.parse().unwrap(),
        account: None,
        amount: usd(minor),
        reference: None,
        transfer_id: Uuid::now_v7(),
    }
    .into()
}

/// Payment takes one id for both: two brands' systems may have chosen it.
#[tokio::test]
async fn a_deposit_and_a_withdrawal_of_one_id_are_each_its_own_brands() {
    let (topic, id) = (Topic::PaymentEvents, "2026-11-01");
    let (brand_id, amount): (BrandId, _) = ("brand2".parse().unwrap(), usd(2_000));
    let requested = WithdrawalRequestedV1 {
        brand_id: brand_id.clone(),
        account: None,
        amount,
        reference: None,
        transfer_id: Uuid::now_v7(),
    };
    let settled = WithdrawalSettledV1 {
        brand_id,
        account: None,
        amount,
        transfer_id: Uuid::now_v7(),
    };
    let events = [
        announced("brand1", 50_000),
        requested.into(),
        settled.into(),
    ];
    let events = events.map(|body| (id, id, body));
    for entries in [vec![&events[..]], events.chunks(1).collect()] {
        let app = bff().await;
        for entry in entries {
            facts(&app, topic, entry).await;
        }
        let (deposits, withdrawals) = ("/api/v1/deposits", "/api/v1/withdrawals");
        let deposit = [id, "500.00", "announced"].map(Value::from);
        let withdrawal = [id, "20.00", "settled"].map(Value::from);
        assert_eq!(listed(&app, deposits, "brand1").await, [deposit]);
        assert_eq!(listed(&app, withdrawals, "brand1").await.len(), 0);
        assert_eq!(listed(&app, withdrawals, "brand2").await, [withdrawal]);
        assert_eq!(listed(&app, deposits, "brand2").await.len(), 0);
        app.stop().await;
    }
}

#[tokio::test]
async fn a_deposit_whose_id_a_restore_gave_to_another_brand_is_shown_as_it_is_now() {
    let app = bff().await;
    for (brand, minor) in [("brand1", 100), ("brand2", 250)] {
        let fact = ("dep_1", "dep_1", announced(brand, minor));
        facts(&app, Topic::PaymentEvents, &[fact]).await;
    }
    let path = "/api/v1/deposits";
    let shown = ["dep_1", "2.50", "announced"].map(Value::from);
    assert_eq!(listed(&app, path, "brand1").await.len(), 0);
    assert_eq!(listed(&app, path, "brand2").await, [shown]);
    app.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_brands_funds_shows_in_the_balances_until_it_is_funded() {
    let app = bff().await;
    let topic = Topic::PaymentEvents;
    let waits = LedgerPostedV1 {
        transfers: vec![moved(
            "brand:brand1:unfunded",
            "partner:partner123:unfunded",
            700,
        )],
        cause: "commission.calculated.v1".to_owned(),
        conversion_id: Some("conv1".to_owned()),
        reason: Some("unfunded".to_owned()),
    };
    facts(&app, topic, &[("partner123", "partner123", waits.into())]).await;
    let shown = async |token: String| -> Value {
        let (_, body) = app.get("/api/v1/balances", &token).await;
        body["items"][0]["accounts"].clone()
    };
    assert_eq!(shown(partner("partner123")).await["unfunded"], "7.00");
    assert_eq!(shown(brand("brand1")).await["unfunded"], "-7.00");
    let funded = EarningsFundedV1 {
        currency: Currency::USD,
        transfers: vec![
            moved("brand:brand1:funds", "brand:brand1:unfunded", 700),
            moved(
                "partner:partner123:unfunded",
                "partner:partner123:payable",
                700,
            ),
        ],
        conversion_ids: vec!["conv1".parse().unwrap()],
    };
    facts(&app, topic, &[("brand1", "brand1", funded.into())]).await;
    let own = shown(partner("partner123")).await;
    assert_eq!(
        (&own["payable"], &own["unfunded"]),
        (&json!("7.00"), &Value::Null)
    );
}

#[tokio::test]
async fn a_brand_sets_below_which_amount_it_is_warned_and_sees_it_beside_its_billing() {
    let app = bff().await;
    let (path, topic) = ("/api/v1/funds/warning", Topic::PaymentEvents);
    let body = json!({"currency": "USD", "amount": "5.00"});
    let own = brand("brand1");
    let (status, answer) = app.put(path, &own, &body).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let command = logged(&app, id(&answer["command_id"])).await;
    let set = SetFundsWarningV1 {
        currency: "USD".to_owned(),
        amount: Some(500),
    };
    assert_eq!(command.body, Body::from(set));
    assert_eq!(command.header.subject, "brand1");
    let changed = |amount| FundsWarningChangedV1 {
        currency: Currency::USD,
        amount,
    };
    deliver_outcome(&app, topic, &command, changed(Some(500)).into()).await;
    let shown = async || -> Vec<Value> {
        let (_, billing) = app.get("/api/v1/billing", &own).await;
        let items = billing["items"].as_array().unwrap();
        let columns = ["billing", "credit_limit", "funds_warning"];
        let values = items
            .iter()
            .flat_map(|it| columns.map(|name| it[name].clone()));
        values.collect()
    };
    assert_eq!(
        shown().await,
        [json!("postpaid"), Value::Null, json!("5.00")]
    );
    let billing = BillingChangedV1 {
        currency: Currency::USD,
        billing: Billing::Prepaid,
        credit_limit: None,
    };
    facts(&app, topic, &[("brand1", "brand1", billing.into())]).await;
    assert_eq!(
        shown().await,
        [json!("prepaid"), Value::Null, json!("5.00")]
    );
    let none = changed(None).into();
    facts(&app, topic, &[("brand1", "brand1", none)]).await;
    assert_eq!(shown().await, [json!("prepaid"), Value::Null, Value::Null]);
}

#[tokio::test]
async fn a_currency_of_which_nothing_was_set_is_listed_while_earnings_wait_in_it() {
    let app = bff().await;
    let topic = Topic::PaymentEvents;
    let billing = BillingChangedV1 {
        currency: Currency::USD,
        billing: Billing::Prepaid,
        credit_limit: None,
    };
    let in_euros = |debit: &str, credit: &str| Transfer {
        currency: Currency::EUR,
        ..moved(debit, credit, 700)
    };
    let (unfunded, waits) = ("brand:brand1:unfunded", "partner:partner123:unfunded");
    let posted = LedgerPostedV1 {
        transfers: vec![in_euros(unfunded, waits)],
        cause: "commission.calculated.v1".to_owned(),
        conversion_id: Some("conv1".to_owned()),
        reason: Some("unfunded".to_owned()),
    };
    facts(
        &app,
        topic,
        &[
            ("brand1", "brand1", billing.into()),
            ("partner123", "partner123", posted.into()),
        ],
    )
    .await;
    let listed = async |token: &str| -> Vec<[Value; 3]> {
        let (_, billing) = app.get("/api/v1/billing", token).await;
        let items = billing["items"].as_array().unwrap().iter();
        let columns = ["currency", "billing", "unfunded"];
        items
            .map(|it| columns.map(|name| it[name].clone()))
            .collect()
    };
    let dollars = ["USD", "prepaid", "0.00"].map(Value::from);
    let euros = ["EUR", "prepaid", "7.00"].map(Value::from);
    for token in [brand("brand1"), operator()] {
        let both = listed(&token).await;
        assert_eq!(both.len(), 2, "{both:?}");
        assert!(both.contains(&dollars) && both.contains(&euros));
    }
    assert_eq!(listed(&brand("brand2")).await.len(), 0);
    let funded = EarningsFundedV1 {
        currency: Currency::EUR,
        transfers: vec![
            in_euros("brand:brand1:funds", unfunded),
            in_euros(waits, "partner:partner123:payable"),
        ],
        conversion_ids: vec!["conv1".parse().unwrap()],
    };
    facts(&app, topic, &[("brand1", "brand1", funded.into())]).await;
    assert_eq!(listed(&brand("brand1")).await, [dollars]);
}

#[tokio::test]
async fn a_warning_is_set_by_its_brand_and_for_it_by_an_operator() {
    let app = bff().await;
    let path = "/api/v1/funds/warning";
    let body = json!({"brand_id": "brand1", "currency": "USD", "amount": "5.00"});
    for (token, due) in [
        (partner("partner123"), StatusCode::NOT_FOUND),
        (brand("brand2"), StatusCode::NOT_FOUND),
        (operator(), StatusCode::ACCEPTED),
    ] {
        let (status, answer) = app.put(path, &token, &body).await;
        assert_eq!(status, due, "{answer}");
    }
    let own = json!({"currency": "USD", "amount": "5.00"});
    let (status, _) = app.put(path, &partner("partner123"), &own).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let nothing = json!({"brand_id": "brand1", "currency": "USD", "amount": "0.00"});
    let (status, problem) = app.put(path, &operator(), &nothing).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/amount");
}
