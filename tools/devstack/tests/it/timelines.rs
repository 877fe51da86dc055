//! What became of a request over all services, and why each conversion earned what it earned, in event mode with real processes.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::BTreeMap;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use reqwest::StatusCode;
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::walk::{Walker, until};

/// The people of the scene, with their tokens.
struct Scene<'a> {
    walker: Walker<'a>,
    stack: &'a LocalStack,
    operator: String,
    shop: String,
    partner: String,
    stranger: String,
    prepaid: String,
}

impl<'a> Scene<'a> {
    async fn new(stack: &'a LocalStack) -> Self {
        stack.load_demo().await.unwrap();
        let token = |arguments: &[&str]| stack.token(arguments).unwrap();
        Self {
            walker: Walker::new(stack, Mode::Event),
            stack,
            operator: token(&["--role", "operator"]),
            shop: token(&["--brand", "brand123"]),
            partner: token(&[]),
            stranger: token(&["--partner", "partner9"]),
            prepaid: token(&["--brand", "brand-prepaid"]),
        }
    }

    async fn sale(&self, shop: &str, order: &str, more: Value) -> Value {
        let mut body = json!({"user_id": "user123", "event_type": "purchase", "order_id": order, "amount": "100.00",
                              "currency": "USD"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let done = self.walker.write_as(shop, "tracking/events", body).await;
        assert_eq!(done["status"], "completed", "{order}: {done}");
        done
    }

    /// A campaign of a brand with these terms, which partner123 accepts and whose link `user` follows.
    async fn campaign(&self, shop: &str, name: &str, hold_days: i32, user: &str) {
        let body = json!({"campaign_id": name, "name": name, "currency": "USD", "allowed_hosts": ["shop.example.com"]});
        self.walker.done(shop, "campaigns", body).await;
        let terms = json!({"text": "Be honest.", "window_days": 30, "plan": {"sale": {"bps": 1250}, "hold_days": hold_days}});
        let of_campaign = |step: &str| format!("campaigns/{name}/{step}");
        self.walker.done(shop, &of_campaign("terms"), terms).await;
        self.walker
            .done(shop, &of_campaign("activate"), json!({}))
            .await;
        let accept = json!({"accepted_terms": true});
        self.walker
            .done(&self.partner, &of_campaign("accept"), accept)
            .await;
        let link =
            json!({"campaign_id": name, "code": name, "target_url": "https://shop.example.com/"});
        until("the partner may make links", || async {
            let made = self
                .walker
                .write_as(&self.partner, "links", link.clone())
                .await;
            made["status"] == "completed" || made["code"] == "link_exists"
        })
        .await;
        let click = async {
            let location = self.walker.location(name).await;
            location
                .split_once("click_id=")
                .map(|(_, click)| click.to_owned())
        };
        let click = click.await.unwrap();
        let bind = format!("tracking/clicks/{click}/visitor");
        self.walker
            .done(shop, &bind, json!({"user_id": user}))
            .await;
    }

    /// Waits until this is what is answered: who is not heard in time makes it another.
    async fn answers(&self, token: &str, path: &str, expected: StatusCode) {
        until(&format!("{path} is answered by {expected}"), || async {
            self.walker.get(token, path).await.0 == expected
        })
        .await;
    }

    async fn read(&self, token: &str, path: &str) -> Value {
        self.walker.read_whole(token, path).await
    }

    async fn conversion(&self, order: &str) -> String {
        let path = format!("conversions?order_id={order}");
        until(&format!("{order} is shown"), || async {
            self.walker.read_as(&self.operator, &path).await["items"][0]["id"].is_string()
        })
        .await;
        let list = self.walker.read_as(&self.operator, &path).await;
        list["items"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn sql(&self, service: Service, statement: &'static str) {
        sqlx::raw_sql(statement)
            .execute(&mut self.database(service).await)
            .await
            .unwrap();
    }

    async fn database(&self, service: Service) -> PgConnection {
        let url = self.stack.database_url(service).unwrap();
        PgConnection::connect(&url).await.unwrap()
    }

    /// Waits until nothing of the conversions is on its way to the ledger.
    async fn settled(&self, order: &str, sentence: &str) {
        let path = format!("explanations?order_id={order}");
        until(&format!("{order}: {sentence}"), || async {
            let all = self.walker.read_as(&self.operator, &path).await;
            let sentences = all["items"][0]["sentences"].to_string();
            sentences.contains(sentence) && !sentences.contains("on their way")
        })
        .await;
    }
}

fn kinds(timeline: &Value) -> Vec<&str> {
    let messages = timeline["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["type"].as_str().unwrap())
        .collect()
}

fn sentences(explained: &Value) -> Vec<&str> {
    let sentences = explained["sentences"].as_array().unwrap().iter();
    sentences
        .map(|sentence| sentence.as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_purchase_is_seen_through_all_services_and_explained_to_the_cent_in_event_mode() {
    let mut stack = LocalStack::start(Mode::Event).await.unwrap();
    let scene = Scene::new(&stack).await;
    let sold = scene.sale(&scene.shop, "o-plain", json!({})).await;
    scene.settled("o-plain", "The ledger holds for it").await;
    let request = sold["correlation_id"].as_str().unwrap();
    in_causal_order(&scene, request).await;
    each_sees_its_own(&scene, request).await;
    everything_else_happens(&scene).await;
    what_earned_nothing_is_explained(&scene).await;
    claims_that_came_to_nothing_are_explained(&scene).await;
    a_brand_that_is_named_has_its_own_order_alone(&scene).await;
    a_number_that_many_have_is_found_by_each(&scene).await;
    the_last_line_is_the_ledger(&scene).await;
    what_names_it_finds_it(&scene).await;
    garbage_is_refused(&scene).await;
    what_waits_is_shown(&scene).await;
    drop(scene);
    who_is_away_is_named(&mut stack, request).await;
}

async fn in_causal_order(scene: &Scene<'_>, request: &str) {
    let path = format!("timeline/{request}");
    until("every follower has handled it", || async {
        let timeline = scene.read(&scene.operator, &path).await;
        !timeline.to_string().contains("under_way")
    })
    .await;
    let timeline = scene.read(&scene.operator, &path).await;
    assert_eq!(
        kinds(&timeline),
        [
            "tracking.record_event.command.v1",
            "conversion.attributed.v1",
            "commission.calculated.v1",
            "ledger.posted.v1"
        ],
        "{timeline:#}"
    );
    assert_eq!(timeline["missing"], json!([]));
    assert_eq!(timeline["waiting"], 0);
    let messages = timeline["messages"].as_array().unwrap();
    for (cause, effect) in messages.iter().zip(&messages[1..]) {
        assert_eq!(effect["caused_by"], cause["id"], "{timeline:#}");
        assert!(effect["micros_after_cause"].is_i64());
    }
    assert_eq!(messages[0]["outcome"]["event_id"], messages[1]["id"]);
    assert_eq!(messages[0]["outcome"]["status"], "completed");
    assert_eq!(
        messages[1]["followers"],
        json!([{"service": "bff", "state": "handled", "retry_queue": null},
               {"service": "commission", "state": "handled", "retry_queue": null},
               {"service": "notify", "state": "handled", "retry_queue": null}])
    );
}

async fn each_sees_its_own(scene: &Scene<'_>, request: &str) {
    let path = format!("timeline/{request}");
    let of_partner = scene.read(&scene.partner, &path).await;
    assert_eq!(
        kinds(&of_partner),
        [
            "conversion.attributed.v1",
            "commission.calculated.v1",
            "ledger.posted.v1"
        ]
    );
    assert!(of_partner["messages"][0]["position"].is_null());
    assert!(of_partner["messages"][0]["actor"].is_null());
    let of_brand = scene.read(&scene.shop, &path).await;
    assert_eq!(kinds(&of_brand).len(), 4, "{of_brand:#}");
    let conversion = scene.conversion("o-plain").await;
    for path in [
        path,
        format!("timeline?conversion_id={conversion}"),
        "timeline?order_id=o-plain".to_owned(),
        format!("conversions/{conversion}/explanation"),
        format!("commissions/{conversion}/explanation"),
        "explanations?order_id=o-plain".to_owned(),
    ] {
        scene
            .answers(&scene.stranger, &path, StatusCode::NOT_FOUND)
            .await;
        scene
            .answers(&scene.prepaid, &path, StatusCode::NOT_FOUND)
            .await;
    }
    let explained = scene
        .read(
            &scene.partner,
            &format!("conversions/{conversion}/explanation"),
        )
        .await;
    assert_eq!(
        sentences(&explained).last().unwrap(),
        &"The ledger holds for it 10.00 USD in partner:partner123:payable."
    );
    let chosen = "the visitor's last that was inside its window";
    let first = sentences(&explained)[0];
    assert!(first.contains(chosen), "{first}");
    let explained = scene
        .read(
            &scene.shop,
            &format!("commissions/{conversion}/explanation"),
        )
        .await;
    assert_eq!(
        sentences(&explained).last().unwrap(),
        &"The ledger holds for it -10.00 USD in brand:brand123:funds."
    );
    assert!(sentences(&explained).iter().any(|it| {
        it.starts_with("10 % of 100.00 USD is 10.00 USD, rounded half to even, by version 1")
    }));
}

/// A hold with a refund in it, a hold that ends, a refund afterwards, funds that do not cover what is earned, and then do.
async fn everything_else_happens(scene: &Scene<'_>) {
    scene
        .campaign(&scene.shop, "camp-hold", 14, "user-hold")
        .await;
    let held = json!({"user_id": "user-hold"});
    scene.sale(&scene.shop, "o-held", held.clone()).await;
    scene.sale(&scene.shop, "o-released", held).await;
    for order in ["o-held", "o-released"] {
        scene.settled(order, "partner:partner123:pending").await;
    }
    let refund = |amount: &str| json!({"event_type": "refund", "amount": amount});
    scene.sale(&scene.shop, "o-plain", refund("40.00")).await;
    scene.settled("o-plain", "took back 4.00 USD").await;
    scene
        .sale(
            &scene.shop,
            "o-released",
            json!({"event_type": "refund", "amount": "33.33", "user_id": "user-hold"}),
        )
        .await;
    scene.settled("o-released", "took back").await;
    scene
        .sql(
            Service::Commission,
            "UPDATE pipeline.log_head SET clock_offset = clock_offset + 15::bigint * 86400 * 1000000",
        )
        .await;
    scene.settled("o-released", "The hold ended").await;
    scene.settled("o-held", "The hold ended").await;

    let billing = json!({"brand_id": "brand-prepaid", "currency": "USD", "billing": "prepaid"});
    scene.walker.done(&scene.operator, "billing", billing).await;
    scene
        .campaign(&scene.prepaid, "camp-prepaid", 0, "user-prepaid")
        .await;
    let buyer = json!({"user_id": "user-prepaid"});
    for order in ["o-funded", "o-waiting"] {
        scene.sale(&scene.prepaid, order, buyer.clone()).await;
        scene.settled(order, "partner:partner123:unfunded").await;
    }
    let deposit = json!({"amount": "20.00", "currency": "USD"});
    let announced = scene
        .walker
        .write_as(&scene.prepaid, "deposits", deposit)
        .await;
    let settle = format!("deposits/{}/settle", announced["subject"].as_str().unwrap());
    scene
        .walker
        .done(&scene.operator, &settle, json!({"status": "cleared"}))
        .await;
    scene
        .settled("o-funded", "The brand's funds cover it now")
        .await;
    let payout = json!({"amount": "50.00", "currency": "USD", "payment_method": "paypal",
        "account_details": {"email": "user@example.com"}});
    scene
        .walker
        .done(&scene.partner, "payments/request", payout)
        .await;
}

async fn what_earned_nothing_is_explained(scene: &Scene<'_>) {
    let nobody = json!({"user_id": "nobody-clicked"});
    scene.sale(&scene.shop, "o-nobody", nobody.clone()).await;
    let mut refund = nobody;
    refund["event_type"] = json!("refund");
    scene.sale(&scene.shop, "o-noted", refund).await;
    scene.sale(&scene.shop, "o-plain", json!({})).await;
    scene.sale(&scene.partner, "o-claimed", json!({})).await;
    for (order, token, sentence) in [
        (
            "o-nobody",
            &scene.shop,
            "is nobody's, and earns nothing: the visitor clicked no link before it",
        ),
        ("o-noted", &scene.shop, "A refund of 100.00 USD was noted"),
        (
            "o-plain",
            &scene.shop,
            "It was reported again, as purchase: nothing followed",
        ),
        (
            "o-claimed",
            &scene.shop,
            "a claim earns nothing until brand123",
        ),
        (
            "o-claimed",
            &scene.partner,
            "a claim earns nothing until brand123",
        ),
        ("o-nobody", &scene.operator, "earns nothing"),
    ] {
        let path = format!("explanations?order_id={order}");
        let all = scene.walker.read_until(token, &path, |all| {
            let text = all["items"][0]["sentences"].to_string();
            text.contains(sentence) && !text.contains("is not known now")
        });
        let all = all.await;
        let last = *sentences(&all["items"][0]).last().unwrap();
        if order != "o-plain" {
            assert_eq!(last, "The ledger holds nothing for it.", "{order}");
        }
    }
    // An operator says which campaign it was in, and so whose order it is that is nobody's.
    let elsewhere = json!({"user_id": "nobody-clicked", "campaign_id": "camp-hold"});
    scene.sale(&scene.operator, "o-elsewhere", elsewhere).await;
    let path = "explanations?order_id=o-elsewhere&brand_id=brand123";
    let all = scene.read(&scene.operator, path).await;
    let sentences = all["items"][0]["sentences"].to_string();
    let its = "is nobody's, and earns nothing";
    assert!(sentences.contains(its), "{all:#}");
    let of_other = "explanations?order_id=o-elsewhere&brand_id=brand-prepaid";
    scene
        .answers(&scene.operator, of_other, StatusCode::NOT_FOUND)
        .await;
    for (order, token) in [("o-nobody", &scene.partner), ("o-nobody", &scene.prepaid)] {
        let path = format!("explanations?order_id={order}");
        scene.answers(token, &path, StatusCode::NOT_FOUND).await;
    }
}

/// A partner claims an order that becomes nobody's, and one that its brand declines and then reports itself.
async fn claims_that_came_to_nothing_are_explained(scene: &Scene<'_>) {
    for (order, buyer) in [("o-open", "nobody-clicked"), ("o-declined", "user123")] {
        scene.sale(&scene.partner, order, json!({})).await;
        let claims = format!("claims?order_id={order}");
        let is_shown = |list: &Value| list["items"][0]["id"].is_string();
        let list = scene
            .walker
            .read_until(&scene.shop, &claims, is_shown)
            .await;
        if order == "o-declined" {
            let decline = format!(
                "claims/{}/decline",
                list["items"][0]["id"].as_str().unwrap()
            );
            let reason = json!({"reason": "other"});
            scene.walker.done(&scene.shop, &decline, reason).await;
        }
        let report = json!({"user_id": buyer});
        scene.sale(&scene.shop, order, report).await;
    }
    for (order, sentences) in [
        ("o-open", ["partner123 claimed", "is nobody's"]),
        (
            "o-declined",
            ["The brand declined the claim", "The ledger holds for it"],
        ),
    ] {
        let path = format!("conversions/{}/explanation", scene.conversion(order).await);
        let has_all = |explained: &Value| {
            let text = explained["sentences"].to_string();
            let is_there = |sentence: &&str| text.contains(sentence);
            sentences.iter().all(is_there) && !text.contains("on their way")
        };
        for token in [&scene.operator, &scene.shop] {
            scene.walker.read_until(token, &path, has_all).await;
        }
    }
}

/// Two brands have an order of one number, and of one of them it is reported by its number alone.
async fn a_brand_that_is_named_has_its_own_order_alone(scene: &Scene<'_>) {
    let nobody = json!({"user_id": "nobody-clicked"});
    let own = scene.sale(&scene.shop, "o-both", nobody).await;
    let clicked = json!({"user_id": "user-prepaid"});
    let others = scene.sale(&scene.operator, "o-both", clicked).await;
    let of_other = "o-both&brand_id=brand-prepaid";
    scene.settled(of_other, "partner:partner123:unfunded").await;
    until("both are shown", || async {
        let path = "conversions?order_id=o-both";
        let both = scene.walker.read_as(&scene.operator, path).await;
        both["items"].as_array().unwrap().len() == 2
    })
    .await;
    for (brand, sold) in [("brand123", own), ("brand-prepaid", others)] {
        let path = format!("timeline?order_id=o-both&brand_id={brand}");
        let timeline = scene.read(&scene.operator, &path).await;
        let messages = timeline["messages"].as_array().unwrap();
        let mut its = messages.iter().map(|it| &it["correlation_id"]);
        let is_its = its.all(|request| *request == sold["correlation_id"]);
        assert!(is_its && !messages.is_empty(), "{timeline:#}");
    }
    let of_other = format!("timeline?order_id={of_other}");
    let by_number = "timeline?order_id=o-both";
    for (path, expected) in [
        (of_other.as_str(), StatusCode::NOT_FOUND),
        (by_number, StatusCode::OK),
    ] {
        scene.answers(&scene.shop, path, expected).await;
    }
}

/// Shops count from one: a number is found by its brand and its partner, however many others have had it before.
async fn a_number_that_many_have_is_found_by_each(scene: &Scene<'_>) {
    const OTHERS: &str = "INSERT INTO conversions SELECT (jsonb_populate_record(c, jsonb_build_object(
          'id', 'other-' || n, 'position', -n, 'brand_id', 'other-' || n, 'partner_id', 'other-' || n))).*
        FROM conversions c, generate_series(1, 20) n WHERE c.order_id = 'o-plain'";
    let mut bff = scene.database(Service::Bff).await;
    let others = sqlx::query(OTHERS).execute(&mut bff).await.unwrap();
    assert_eq!(others.rows_affected(), 20);
    for token in [&scene.shop, &scene.partner] {
        for path in ["explanations?order_id=o-plain", "timeline?order_id=o-plain"] {
            scene.answers(token, path, StatusCode::OK).await;
        }
    }
    let gone = sqlx::query("DELETE FROM conversions WHERE id LIKE 'other-%'");
    gone.execute(&mut bff).await.unwrap();
}

/// The last line of each explanation is what payment's own table of transfers holds for it, to the cent; and all of them together
/// with payouts are what stands in partners' accounts.
async fn the_last_line_is_the_ledger(scene: &Scene<'_>) {
    let all = scene.read(&scene.operator, "conversions?limit=200").await;
    let mut accounts: BTreeMap<String, i64> = BTreeMap::new();
    let mut with_money = 0;
    for conversion in all["items"].as_array().unwrap() {
        let id = conversion["id"].as_str().unwrap();
        let path = format!("conversions/{id}/explanation");
        let explained = scene.read(&scene.operator, &path).await;
        let mut shown: BTreeMap<String, i64> = BTreeMap::new();
        for holding in explained["ledger"].as_array().unwrap() {
            let account = holding["account"].as_str().unwrap().to_owned();
            let cents = cents(holding["amount"].as_str().unwrap());
            *shown.entry(account.clone()).or_default() += cents;
            *accounts.entry(account).or_default() += cents;
        }
        shown.retain(|_, cents| *cents != 0);
        let held = posted_for(scene, id).await;
        with_money += usize::from(!held.is_empty());
        if !explained.to_string().contains("cover it now") {
            assert_eq!(shown, held, "{explained:#}");
        }
        let last = *sentences(&explained).last().unwrap();
        for (account, cents) in &shown {
            let sign = if *cents < 0 { "-" } else { "" };
            let (whole, rest) = (cents.abs() / 100, cents.abs() % 100);
            let held = format!("{sign}{whole}.{rest:02} USD in {account}");
            assert!(last.contains(&held), "{last}: {held}");
        }
    }
    assert!(with_money >= 5, "{with_money} of {all}");
    accounts.retain(|account, cents| account.starts_with("partner:") && *cents != 0);
    let stand: Vec<(String, i64)> = sqlx::query_as(
        "SELECT account, sum(minor)::bigint FROM (
            SELECT t.credit AS account, t.minor, t.position FROM transfers t
            UNION ALL SELECT t.debit, -t.minor, t.position FROM transfers t) s
          JOIN pipeline.message_log l ON l.position = s.position
         WHERE l.type NOT LIKE 'payout.%' AND account LIKE 'partner:%' GROUP BY 1 HAVING sum(minor) <> 0",
    )
    .fetch_all(&mut scene.database(Service::Payment).await)
    .await
    .unwrap();
    assert_eq!(accounts, stand.into_iter().collect());
}

/// What the ledger's table holds by postings of a commission's messages.
async fn posted_for(scene: &Scene<'_>, conversion: &str) -> BTreeMap<String, i64> {
    let facts: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM pipeline.message_log WHERE subject = $1 AND type LIKE 'commission.%.v1'",
    )
    .bind(conversion)
    .fetch_all(&mut scene.database(Service::Commission).await)
    .await
    .unwrap();
    let held: Vec<(String, i64)> = sqlx::query_as(
        "SELECT account, sum(minor)::bigint FROM (
            SELECT t.credit AS account, t.minor, t.position FROM transfers t
            UNION ALL SELECT t.debit, -t.minor, t.position FROM transfers t) s
          JOIN pipeline.message_log l ON l.position = s.position
         WHERE l.causation_id = ANY($1) GROUP BY 1 HAVING sum(minor) <> 0",
    )
    .bind(facts)
    .fetch_all(&mut scene.database(Service::Payment).await)
    .await
    .unwrap();
    held.into_iter().collect()
}

fn cents(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

async fn what_names_it_finds_it(scene: &Scene<'_>) {
    let all = scene
        .read(&scene.operator, "conversions?order_id=o-plain")
        .await;
    let (id, click) = (&all["items"][0]["id"], &all["items"][0]["click_id"]);
    for query in [
        "order_id=o-plain".to_owned(),
        "order_id=o-plain&brand_id=brand123".to_owned(),
        format!("conversion_id={}", id.as_str().unwrap()),
        format!("click_id={}", click.as_str().unwrap()),
    ] {
        let timeline = scene
            .read(&scene.operator, &format!("timeline?{query}"))
            .await;
        let kinds = kinds(&timeline);
        for kind in ["commission.reversed.v1", "ledger.posted.v1"] {
            assert!(kinds.contains(&kind), "{query}: {kinds:?}");
        }
    }
    until("the payout is paid", || async {
        let list = scene.walker.read_as(&scene.partner, "payouts").await;
        list["items"][0]["status"] == "paid"
    })
    .await;
    let payouts = scene.read(&scene.partner, "payouts").await;
    let payout = payouts["items"][0]["id"].as_str().unwrap();
    let path = format!("timeline?payout_id={payout}");
    let timeline = scene.read(&scene.partner, &path).await;
    let kinds = kinds(&timeline);
    assert_eq!(kinds.first(), Some(&"payment.request_payout.command.v1"));
    assert_eq!(kinds.last(), Some(&"payout.paid.v1"), "{kinds:?}");
    assert!(!timeline.to_string().contains("sealed_details"));
    scene
        .answers(&scene.shop, &path, StatusCode::NOT_FOUND)
        .await;

    let entries = "accounts/partner:partner123:payable:USD/entries";
    let entries = scene.read(&scene.partner, entries).await;
    for entry in entries["items"].as_array().unwrap() {
        let path = format!("transfers/{}/explanation", entry["id"].as_str().unwrap());
        let explained = scene.read(&scene.partner, &path).await;
        let last = *sentences(&explained).last().unwrap();
        let amount = entry["amount"].as_str().unwrap().trim_start_matches('-');
        assert!(
            last.starts_with(&format!("So {amount} USD went from ")),
            "{last}"
        );
        assert!(
            !explained["steps"].as_array().unwrap().is_empty(),
            "{explained:#}"
        );
        scene
            .answers(&scene.stranger, &path, StatusCode::NOT_FOUND)
            .await;
    }
}

async fn garbage_is_refused(scene: &Scene<'_>) {
    let nobodys = Uuid::now_v7();
    for (path, expected) in [
        (format!("timeline/{nobodys}"), StatusCode::NOT_FOUND),
        ("timeline/x".to_owned(), StatusCode::BAD_REQUEST),
        ("timeline".to_owned(), StatusCode::BAD_REQUEST),
        (
            "timeline?order_id=a&click_id=b".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        ("timeline?brand_id=b".to_owned(), StatusCode::BAD_REQUEST),
        (
            "timeline?order_id=never-sold".to_owned(),
            StatusCode::NOT_FOUND,
        ),
        (
            "timeline?click_id=clk_x%00".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        ("explanations".to_owned(), StatusCode::BAD_REQUEST),
        (
            "explanations?order_id=never-sold".to_owned(),
            StatusCode::NOT_FOUND,
        ),
        (
            format!("conversions/{nobodys}/explanation"),
            StatusCode::NOT_FOUND,
        ),
        (
            format!("commissions/{nobodys}/explanation"),
            StatusCode::NOT_FOUND,
        ),
        (
            format!("transfers/{nobodys}/explanation"),
            StatusCode::NOT_FOUND,
        ),
        (
            "transfers/x/explanation".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        scene.answers(&scene.operator, &path, expected).await;
    }
}

/// A fact that commission cannot store is retried, and then is a dead letter.
async fn what_waits_is_shown(scene: &Scene<'_>) {
    scene
        .sql(
            Service::Commission,
            "ALTER TABLE commissions ADD CONSTRAINT broken CHECK (false) NOT VALID",
        )
        .await;
    let sold = scene.sale(&scene.shop, "o-stuck", json!({})).await;
    let path = format!("timeline/{}", sold["correlation_id"].as_str().unwrap());
    let follower = async |state: &str| {
        until(&format!("it is shown as {state}"), || async {
            scene
                .sql(
                    Service::Commission,
                    "UPDATE pipeline.log_head SET clock_offset = clock_offset + 600000000",
                )
                .await;
            let timeline = scene.read(&scene.operator, &path).await;
            timeline["messages"][1]["followers"][1]["state"] == state
        })
        .await;
        scene.read(&scene.operator, &path).await
    };
    let timeline = follower("dead").await;
    assert_eq!(timeline["waiting"], 1, "{timeline:#}");
    let retry = &timeline["messages"][1]["followers"][1]["retry_queue"];
    assert_eq!(retry["attempts"], 5, "{timeline:#}");
    let dead = scene
        .read(
            &scene.operator,
            retry["path"]
                .as_str()
                .unwrap()
                .trim_start_matches("/api/v1/"),
        )
        .await;
    assert_eq!(dead["parked"]["message_id"], timeline["messages"][1]["id"]);
    let of_partner = scene.read(&scene.partner, &path).await;
    let shown = &of_partner["messages"][0]["followers"][1];
    assert_eq!(shown["state"], "needs_attention", "{of_partner:#}");
    assert!(shown["retry_queue"].is_null());
}

async fn who_is_away_is_named(stack: &mut LocalStack, request: &str) {
    stack.kill(Program::Service(Service::Payment)).unwrap();
    let scene = Walker::new(stack, Mode::Event);
    let operator = stack.token(&["--role", "operator"]).unwrap();
    // On a machine with much to do others may be late, too.
    let away = json!([{"service": "payment", "reason": "it cannot be reached"}]);
    let without_it = async |path: &str| {
        scene
            .read_until(&operator, path, |found| found["missing"] == away)
            .await
    };
    let timeline = without_it(&format!("timeline/{request}")).await;
    assert_eq!(kinds(&timeline).len(), 3, "{timeline:#}");
    assert_eq!(timeline["messages"][2]["followers"][1]["state"], "unknown");
    let all = without_it("explanations?order_id=o-held").await;
    let last = *sentences(&all["items"][0]).last().unwrap();
    assert_eq!(
        last,
        "What the ledger holds for it is not known now: payment did not answer, since it cannot be reached."
    );
}
