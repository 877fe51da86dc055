//! A brand's money: its accounts, deposits, withdrawals and transfers, and what waits for it.

use axum::http::StatusCode;
use messaging::Answer;
use runtime::testing::{brand, operator, operator_actor, partner, until};
use schemas::{
    AnnounceDepositV1, Body, CommissionCalculatedV1, CommissionReversedV1, OpenAccountV1,
    SettleDepositV1, Topic, TransferFundsV1, WireMoney, WithdrawV1,
};
use serde_json::{Value, json};
use types::EarningStatus;
use types::{AccountName, BrandId, FundsAccountId};

use crate::app::{App, calculated, money, run};

const API: &str = "/api/v1/payment";

impl App {
    async fn brand_posts(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let path = format!("{API}/{path}");
        self.service.post(&path, &brand("brand1"), &body).await
    }

    async fn operator_posts(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let path = format!("{API}/{path}");
        self.service.post(&path, &operator(), &body).await
    }

    /// A deposit into the account, and cleared.
    async fn deposit(&self, account: Option<&str>, amount: &str) {
        let body = json!({"amount": amount, "currency": "USD", "account": account});
        let (status, deposit) = self.brand_posts("deposits", body).await;
        assert_eq!(status, StatusCode::CREATED, "{deposit}");
        assert_eq!(deposit["status"], "announced");
        let path = format!("deposits/{}/settle", deposit["id"].as_str().unwrap());
        let (status, settled) = self
            .operator_posts(&path, json!({"status": "cleared"}))
            .await;
        assert_eq!(status, StatusCode::OK, "{settled}");
    }

    /// What stands in an account, by its id.
    async fn stands(&self, id: &str) -> Value {
        let path = format!("{API}/accounts/{id}");
        let (_, body) = self.service.get(&path, &operator()).await;
        body["balance"].clone()
    }

    /// A dollar of this brand's.
    async fn earns_of(&mut self, conversion: &str, brand: &str) {
        let fact = CommissionCalculatedV1 {
            brand_id: brand.parse().unwrap(),
            ..calculated("partner123", 100, "USD", "approved")
        };
        self.state(conversion, fact).await;
    }

    async fn prepaid(&self) {
        let body = json!({"brand_id": "brand1", "currency": "USD", "billing": "prepaid"});
        let (status, body) = self.operator_posts("billing", body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
}

const MOVED: [&str; 3] = ["balances", "transfers", "bank_transfers"];

/// The arithmetic of the original ledger's demonstration.
#[tokio::test]
async fn open_deposit_500_withdraw_200_transfer_100_and_no_more_than_is_there() {
    let app = App::start().await;
    for name in ["main", "reserve"] {
        let (status, opened) = app.brand_posts("accounts", json!({"name": name})).await;
        assert_eq!(status, StatusCode::CREATED, "{opened}");
    }
    app.deposit(Some("main"), "500.00").await;
    let out = json!({"amount": "200.00", "currency": "USD", "account": "main"});
    let (status, withdrawal) = app.brand_posts("withdrawals", out).await;
    assert_eq!(status, StatusCode::CREATED, "{withdrawal}");
    let moved = json!({"amount": "100.00", "currency": "USD", "from_account": "main", "to_account": "reserve"});
    let (status, transfer) = app.brand_posts("transfers", moved).await;
    assert_eq!(status, StatusCode::CREATED, "{transfer}");
    assert_eq!(app.stands("brand:brand1:funds.main:USD").await, "200.00");
    assert_eq!(app.stands("brand:brand1:funds.reserve:USD").await, "100.00");
    assert_eq!(app.stands("brand:brand1:clearing:USD").await, "200.00");
    let beyond = [
        (
            "withdrawals",
            json!({"amount": "200.01", "currency": "USD", "account": "main"}),
        ),
        (
            "transfers",
            json!({"amount": "100.01", "currency": "USD", "from_account": "reserve"}),
        ),
        (
            "withdrawals",
            json!({"amount": "0.01", "currency": "EUR", "account": "main"}),
        ),
    ];
    for (path, body) in beyond {
        let (status, problem) = app.brand_posts(path, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["code"], "insufficient_funds");
        assert_eq!(problem["errors"][0]["pointer"], "/amount");
    }
    let settle = format!("withdrawals/{}/settle", withdrawal["id"].as_str().unwrap());
    let (_, settled) = app
        .operator_posts(&settle, json!({"status": "settled"}))
        .await;
    assert_eq!(settled["status"], "settled");
    assert_eq!(app.stands("bank:main:cash:USD").await, "-300.00");
    app.assert_fold(&MOVED).await;
    app.assert_fold(&["accounts"]).await;
    app.service
        .assert_replay_finds_and_mends_what_hands_changed::<payment::Payment>()
        .await;
}

/// The same, by messages that come in one entry.
#[tokio::test]
async fn the_same_comes_of_messages() {
    let app = App::start().await;
    let brand_id: BrandId = "brand1".parse().unwrap();
    let open = |name: &str| {
        let account = FundsAccountId::of(&brand_id, &AccountName::parse(name).unwrap());
        let open = OpenAccountV1 {
            brand_id: "brand1".to_owned(),
            name: name.to_owned(),
        };
        ("brand1".to_owned(), account.into_string(), Body::from(open))
    };
    let dollars = |minor| WireMoney {
        minor,
        currency: "USD".to_owned(),
    };
    let of = |id: &str, body: Body| (id.to_owned(), id.to_owned(), body);
    let main = || Some("main".to_owned());
    let announce = AnnounceDepositV1 {
        brand_id: "brand1".to_owned(),
        account: main(),
        amount: dollars(50_000),
        reference: None,
    };
    let cleared = SettleDepositV1 {
        status: "cleared".to_owned(),
        reason: None,
    };
    let withdraw = |minor| WithdrawV1 {
        brand_id: "brand1".to_owned(),
        account: main(),
        amount: dollars(minor),
        reference: None,
    };
    let transfer = TransferFundsV1 {
        brand_id: "brand1".to_owned(),
        from_account: main(),
        to_account: Some("reserve".to_owned()),
        amount: dollars(10_000),
    };
    let commands = [
        open("main"),
        open("reserve"),
        of("dep_1", announce.into()),
        of("dep_1", cleared.into()),
        of("wdr_1", withdraw(20_000).into()),
        ("brand1".to_owned(), "trf_1".to_owned(), transfer.into()),
        of("wdr_2", withdraw(20_001).into()),
    ];
    let topic = Topic::PaymentCommands;
    let messages = (1..).zip(commands).map(|(sequence, (key, subject, body))| {
        let mut message = runtime::testing::message(topic, &key, &subject, body, Some(sequence));
        message.header.actor = Some(operator_actor());
        message
    });
    let answers = app.service.deliver_all(topic, messages.collect()).await;
    let names: Vec<&str> = answers.iter().map(Answer::name).collect();
    assert_eq!(&names[..6], ["done"; 6], "{answers:?}");
    let refused = format!("{:?}", answers[6]);
    assert!(refused.contains("insufficient_funds"), "{refused}");
    assert_eq!(app.stands("brand:brand1:funds.main:USD").await, "200.00");
    assert_eq!(app.stands("brand:brand1:funds.reserve:USD").await, "100.00");
    app.assert_fold(&MOVED).await;
    app.assert_fold(&["accounts"]).await;
}

/// A producer need not know how an account's id is derived.
#[tokio::test]
async fn an_account_that_there_is_is_refused_to_a_producer_whatever_subject_it_names() {
    let app = App::start().await;
    let topic = Topic::PaymentCommands;
    let open = OpenAccountV1 {
        brand_id: "brand1".to_owned(),
        name: "reserve".to_owned(),
    };
    let mut answers = Vec::new();
    for _ in 0..2 {
        let body = Body::from(open.clone());
        let mut message = runtime::testing::message(topic, "brand1", "mine", body, None);
        message.header.source = "erp-of-brand1".to_owned();
        answers.extend(app.service.deliver_all(topic, vec![message]).await);
    }
    assert_eq!(answers[0].name(), "done", "{answers:?}");
    let refused = format!("{:?}", answers[1]);
    assert!(refused.contains("account_exists"), "{refused}");
    let account = FundsAccountId::of(
        &"brand1".parse().unwrap(),
        &AccountName::parse("reserve").unwrap(),
    );
    let log = app.service.log().await;
    let opened = log
        .iter()
        .find(|it| matches!(it.body, Body::AccountOpenedV1(_)));
    let opened = &opened.unwrap().header;
    assert_eq!(
        (&*opened.key, &*opened.subject),
        ("brand1", account.as_str())
    );
    assert_eq!(
        runtime::testing::rows(app.service.pool(), "pipeline.parked").await,
        [""; 0]
    );
    app.assert_fold(&["accounts"]).await;
}

#[tokio::test]
async fn a_brands_accounts_and_what_moved_in_them_can_be_read() {
    let mut app = App::start().await;
    app.deposit(None, "500.00").await;
    app.earn("partner123", 2_000).await;
    let own = brand("brand1");
    let (_, accounts) = app.service.get(&format!("{API}/accounts"), &own).await;
    let shown: Vec<(&str, &str)> = accounts["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["id"].as_str().unwrap(), it["balance"].as_str().unwrap()))
        .collect();
    assert_eq!(
        shown,
        [
            ("brand:brand1:clearing:USD", "0.00"),
            ("brand:brand1:funds:USD", "480.00")
        ]
    );
    let path = format!("{API}/accounts/brand:brand1:funds:USD/entries");
    let (_, first) = app.service.get(&format!("{path}?limit=1"), &own).await;
    let entry = &first["items"][0];
    assert_eq!(
        (&entry["amount"], &entry["event_type"]),
        (&json!("-20.00"), &json!("ledger.posted.v1"))
    );
    assert_eq!(entry["other_account"], "partner:partner123:payable");
    let next = first["next_cursor"].as_str().unwrap();
    let (_, second) = app
        .service
        .get(&format!("{path}?limit=1&cursor={next}"), &own)
        .await;
    let entry = &second["items"][0];
    assert_eq!(
        (&entry["amount"], &entry["event_type"]),
        (&json!("500.00"), &json!("deposit.cleared.v1"))
    );
    assert_eq!(second["next_cursor"], Value::Null);
    let payable = format!("{API}/accounts/partner:partner123:payable:USD/entries");
    let (status, _) = app.service.get(&payable, &partner("partner123")).await;
    assert_eq!(status, StatusCode::OK);
    for (path, token) in [
        (&payable, &own),
        (&path, &partner("partner123")),
        (&path, &brand("brand2")),
        (&format!("{API}/accounts/nothing"), &own),
        (&format!("{API}/accounts/bank:main:cash:USD"), &own),
    ] {
        let (status, _) = app.service.get(path, token).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let (_, deposits) = app
        .service
        .get(&format!("{API}/deposits?status=cleared"), &own)
        .await;
    assert_eq!(deposits["items"][0]["amount"], "500.00");
}

#[tokio::test]
async fn what_funds_do_not_cover_waits_and_a_deposit_releases_it_in_order() {
    let mut app = App::start().await;
    app.prepaid().await;
    app.deposit(None, "10.00").await;
    for (conversion, minor) in [("c0", 1_000), ("c1", 600), ("c2", 100)] {
        let fact = calculated("partner123", minor, "USD", "approved");
        app.state(conversion, fact).await;
    }
    assert_eq!(app.balance("partner123", "payable").await, "10.00");
    assert_eq!(app.balance("partner123", "unfunded").await, "7.00");
    let (_, billing) = app
        .service
        .get(&format!("{API}/billing"), &brand("brand1"))
        .await;
    assert_eq!(billing["items"][0]["unfunded"], "7.00");
    app.assert_fold(&["waiting", "billing"]).await;
    // It would cover the second, but the first comes first.
    app.deposit(None, "5.00").await;
    app.deposit(None, "1.00").await;
    until("the first is funded", || async {
        app.balance("partner123", "payable").await == "16.00"
    })
    .await;
    assert_eq!(app.balance("partner123", "unfunded").await, "1.00");
    let reversed = CommissionReversedV1 {
        partner_id: "partner123".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        amount: money(1_000, "USD"),
        reversed_total: money(1_000, "USD"),
        from: EarningStatus::Payable,
    };
    app.state("c0", reversed).await;
    until("what came back funds the second", || async {
        app.balance("partner123", "unfunded").await == "0.00"
    })
    .await;
    assert_eq!(app.stands("brand:brand1:funds:USD").await, "9.00");
    let query = "SELECT type FROM pipeline.message_log WHERE type LIKE 'funds.%' ORDER BY position";
    let stated: Vec<String> = sqlx::query_scalar(query)
        .fetch_all(app.service.pool())
        .await
        .unwrap();
    assert_eq!(stated, ["funds.exhausted.v1", "funds.restored.v1"]);
    app.assert_fold(&MOVED).await;
    app.assert_fold(&["billing"]).await;
}

#[tokio::test]
async fn a_brand_that_pays_before_does_so_in_other_currencies_until_an_operator_says_otherwise() {
    let mut app = App::start().await;
    let set = async |app: &App, currency: &str, billing: &str| {
        let body = json!({"brand_id": "brand1", "currency": currency, "billing": billing});
        let (status, body) = app.operator_posts("billing", body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    };
    // That it set an amount says nothing of when it pays.
    let warning = json!({"currency": "EUR", "amount": "5.00"});
    let path = format!("{API}/funds/warning");
    let (status, set_to) = app.service.put(&path, &brand("brand1"), &warning).await;
    assert_eq!(status, StatusCode::OK, "{set_to}");
    let billing = async |app: &App| {
        let path = format!("{API}/billing");
        let (_, billing) = app.service.get(&path, &brand("brand1")).await;
        let items = billing["items"].as_array().unwrap().iter();
        let items = items.map(|it| (it["currency"].to_string(), it["billing"].to_string()));
        items.collect::<std::collections::BTreeMap<_, _>>()
    };
    let euros = "\"EUR\"";
    assert_eq!(billing(&app).await[euros], "\"postpaid\"");
    app.prepaid().await;
    assert_eq!(billing(&app).await[euros], "\"prepaid\"");
    for (conversion, currency) in [("c1", "EUR"), ("c2", "GBP"), ("c3", "CHF")] {
        let fact = calculated("partner123", 500, currency, "approved");
        app.state(conversion, fact).await;
    }
    // A currency of which nothing was set is listed while something waits.
    let francs = "\"CHF\"";
    assert_eq!(billing(&app).await[francs], "\"prepaid\"");
    let waits = async |app: &App, currency: &str| {
        app.stands(&format!("brand:brand1:unfunded:{currency}"))
            .await
    };
    assert_eq!(waits(&app, "EUR").await, "-5.00");
    assert_eq!(waits(&app, "GBP").await, "-5.00");
    set(&app, "GBP", "postpaid").await;
    until("the pounds are funded", || async {
        waits(&app, "GBP").await == "0.00"
    })
    .await;
    assert_eq!(waits(&app, "EUR").await, "-5.00");
    app.assert_fold(&["waiting", "billing"]).await;
    set(&app, "USD", "postpaid").await;
    until("euros and francs are funded too", || async {
        waits(&app, "EUR").await == "0.00" && waits(&app, "CHF").await == "0.00"
    })
    .await;
    assert!(!billing(&app).await.contains_key(francs));
    app.assert_fold(&["balances", "transfers", "billing"]).await;
}

#[tokio::test]
async fn many_that_wait_are_funded_in_their_order_by_more_than_one_command() {
    let mut app = App::start().await;
    app.prepaid().await;
    for number in 0..250 {
        let fact = calculated("partner123", 1, "USD", "approved");
        app.state(&format!("c{number}"), fact).await;
    }
    app.deposit(None, "2.50").await;
    until("all are funded", || async {
        app.balance("partner123", "payable").await == "2.50"
    })
    .await;
    assert_eq!(app.stands("brand:brand1:unfunded:USD").await, "0.00");
    app.assert_fold(&MOVED).await;
    app.assert_fold(&["billing"]).await;
}

#[tokio::test]
async fn a_brand_whose_money_waits_behind_a_dead_letter_keeps_one_command_for_it_whatever_changes()
{
    let mut app = App::start().await;
    for id in ["brand1", "brand2"] {
        let body = json!({"brand_id": id, "currency": "USD", "billing": "prepaid"});
        let (status, body) = app.operator_posts("billing", body).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    app.earns_of("c1", "brand1").await;
    app.earns_of("c2", "brand2").await;
    let dead = "INSERT INTO pipeline.parked (source, message_id, arrival, topic, state, reason, subject, entity, attempts, next_at, header, schema_id, body)
                VALUES ('bff', gen_random_uuid(), 1, 'payment-commands', 'dead', 'broken', 'brand1', NULL, 0, 0, '{}', 1, '')";
    // Whoever writes to the queue writes to the log's head.
    for sql in [dead, "UPDATE pipeline.log_head SET position = position"] {
        run(&app, sql).await;
    }
    let kept = async |app: &App| {
        let sql = "SELECT count(*) FROM pipeline.parked WHERE subject = 'brand1' AND header LIKE '%fund_earnings%'";
        let kept = sqlx::query_scalar::<_, i64>(sql).fetch_one(app.service.pool());
        kept.await.unwrap()
    };
    app.deposit(None, "3.00").await;
    until("the command waits behind the dead letter", || async {
        kept(&app).await == 1
    })
    .await;
    app.earns_of("c3", "brand1").await;
    // Whoever looks funds both brands, the first one first.
    let body = json!({"brand_id": "brand2", "currency": "USD", "billing": "postpaid"});
    app.operator_posts("billing", body).await;
    until("another brand's is funded", || async {
        app.balance("partner123", "payable").await == "1.00"
    })
    .await;
    assert_eq!(kept(&app).await, 1);
    app.service.stop().await;
}

#[tokio::test]
async fn two_processes_withdraw_no_more_than_there_is() {
    let app = App::start().await;
    app.deposit(None, "100.00").await;
    let replica = app.replica().await;
    let (path, token) = (format!("{API}/withdrawals"), brand("brand1"));
    let body = json!({"amount": "80.00", "currency": "USD"});
    let (one, other) = tokio::join!(
        app.service.post(&path, &token, &body),
        replica.post(&path, &token, &body)
    );
    let granted = [one.0, other.0].map(|status| status == StatusCode::CREATED);
    assert_eq!(granted.iter().filter(|granted| **granted).count(), 1);
    assert_eq!(app.stands("brand:brand1:funds:USD").await, "20.00");
}

#[tokio::test]
async fn credit_and_the_banks_word_are_for_operators() {
    let app = App::start().await;
    let credit = json!({"brand_id": "brand1", "currency": "USD", "billing": "postpaid", "credit_limit": "5.00"});
    let (status, problem) = app.brand_posts("billing", credit.clone()).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::FORBIDDEN, &json!("operators_only"))
    );
    let (status, _) = app
        .service
        .post(&format!("{API}/billing"), &brand("brand2"), &credit)
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let body = json!({"amount": "5.00", "currency": "USD"});
    let (_, deposit) = app.brand_posts("deposits", body).await;
    let path = format!("deposits/{}/settle", deposit["id"].as_str().unwrap());
    let (status, problem) = app.brand_posts(&path, json!({"status": "cleared"})).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::FORBIDDEN, &json!("operators_only"))
    );
    let body = json!({"status": "failed", "reason": "not_received"});
    let (status, failed) = app.operator_posts(&path, body.clone()).await;
    assert_eq!(
        (status, &failed["reason"]),
        (StatusCode::OK, &json!("not_received"))
    );
    let (status, problem) = app.operator_posts(&path, body).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("deposit_settled"))
    );
}

#[tokio::test]
async fn a_brand_is_warned_once_when_its_funds_come_to_cover_less_than_it_wants() {
    let mut app = App::start().await;
    app.prepaid().await;
    app.deposit(None, "10.00").await;
    let path = format!("{API}/funds/warning");
    let warning = json!({"currency": "USD", "amount": "5.00"});
    let own = brand("brand1");
    let (status, set) = app.service.put(&path, &own, &warning).await;
    assert_eq!(status, StatusCode::OK, "{set}");
    assert_eq!(set["amount"], "5.00");
    let (status, problem) = app.service.put(&path, &own, &warning).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("funds_warning_unchanged"))
    );
    let (_, billing) = app.service.get(&format!("{API}/billing"), &own).await;
    assert_eq!(billing["items"][0]["funds_warning"], "5.00");
    for (conversion, minor) in [("c0", 500), ("c1", 1), ("c2", 1)] {
        let fact = calculated("partner123", minor, "USD", "approved");
        app.state(conversion, fact).await;
    }
    app.deposit(None, "0.02").await;
    let out = json!({"amount": "1.00", "currency": "USD"});
    let (status, withdrawal) = app.brand_posts("withdrawals", out).await;
    assert_eq!(status, StatusCode::CREATED, "{withdrawal}");
    let query =
        "SELECT body FROM pipeline.message_log WHERE type = 'funds.low.v1' ORDER BY position";
    let stated: Vec<Vec<u8>> = sqlx::query_scalar(query)
        .fetch_all(app.service.pool())
        .await
        .unwrap();
    assert_eq!(
        stated.len(),
        2,
        "by the second commission and the withdrawal"
    );
    app.assert_fold(&MOVED).await;
    app.assert_fold(&["billing"]).await;
    app.service
        .assert_replay_finds_and_mends_what_hands_changed::<payment::Payment>()
        .await;
}

#[tokio::test]
async fn a_warning_is_set_by_its_brand_and_for_it_by_an_operator() {
    let app = App::start().await;
    let path = format!("{API}/funds/warning");
    let warning =
        |amount: Value| json!({"brand_id": "brand1", "currency": "USD", "amount": amount});
    let five = warning(json!("5.00"));
    for token in [partner("partner123"), brand("brand2")] {
        let (status, problem) = app.service.put(&path, &token, &five).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::NOT_FOUND, &json!("brand_unknown"))
        );
    }
    let own = json!({"currency": "USD", "amount": "5.00"});
    let (status, _) = app.service.put(&path, &partner("partner123"), &own).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for malformed in [json!("0.00"), json!("-1.00"), json!("0.001"), json!("much")] {
        let (status, problem) = app
            .service
            .put(&path, &operator(), &warning(malformed))
            .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/amount", "{problem}");
    }
    for (amount, shown) in [(json!("5.00"), json!("5.00")), (Value::Null, Value::Null)] {
        let (status, set) = app.service.put(&path, &operator(), &warning(amount)).await;
        assert_eq!((status, &set["amount"]), (StatusCode::OK, &shown), "{set}");
    }
    app.assert_fold(&["billing"]).await;
}

/// What payment states of the brands' funds as they are, in the order of its log.
async fn stated(app: &App) -> Vec<(String, bool)> {
    let log = app.service.log().await.into_iter();
    log.filter_map(|message| match message.body {
        Body::FundsStatedV1(it) => Some((message.header.subject, it.exhausted)),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn once_the_database_has_gone_back_it_is_stated_once_for_each_brand_whether_something_waits_for_its_funds()
 {
    let mut app = App::start().await;
    app.prepaid().await;
    app.earns_of("c1", "brand1").await;
    app.earns_of("c2", "brand2").await;
    let raised = "INSERT INTO pipeline.epoch SELECT 2, position, last_time FROM pipeline.log_head";
    run(&app, raised).await;
    app.service.advance_clock(60).await;
    until("both are stated", || async {
        stated(&app).await.len() == 2
    })
    .await;
    let of = |brand: &str, exhausted| (brand.to_owned(), exhausted);
    assert_eq!(
        stated(&app).await,
        [of("brand1", true), of("brand2", false)]
    );
    // A brand that comes back later, by what is handled again, is found on the next day, and nobody twice.
    app.earns_of("c3", "brand3").await;
    app.service.advance_clock(86_400).await;
    until("the third is stated", || async {
        stated(&app).await.len() == 3
    })
    .await;
    assert_eq!(stated(&app).await.last(), Some(&of("brand3", false)));
    app.assert_fold(&["balances", "billing"]).await;
}
