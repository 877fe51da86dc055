//! What is sent by text: to who said so, about money and security, by a provider that may misbehave.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use axum::http::StatusCode;
use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, unmade_database, until};
use schemas::{Body, PartnerErasedV1, PayoutPaidV1, Topic};
use serde_json::{Value, json};
use types::{Channel, Currency, Money, Uuid};

use crate::app::{self, WEBHOOKS};
use crate::receiver::Receiver;
use crate::twilio::{FROM, Says, TwilioStandIn};

const CONTACTS: &str = "/api/v1/notify/contacts/mail";
const MAILS: &str = "/api/v1/notify/mails";
const NUMBER: &str = "+491701234567";

async fn start_with(provider: &TwilioStandIn, database_url: &str) -> TestService {
    let variables = variables(provider, database_url);
    TestService::start_with::<Notify>(notify::define, variables).await
}

fn variables(provider: &TwilioStandIn, database_url: &str) -> HashMap<String, String> {
    let mut variables = app::variables(database_url);
    for (name, value) in provider.variables() {
        variables.insert(name.to_owned(), value);
    }
    variables.insert("WEBHOOK_LOCAL_RECEIVERS".to_owned(), "true".to_owned());
    variables
}

async fn put(service: &TestService, token: &str, body: &Value) -> (StatusCode, Value) {
    let url = format!("{}{CONTACTS}", service.base_url);
    let request = service.client.put(url).bearer_auth(token).json(body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// A number of this partner, sent what is about money.
async fn partner_with_number(service: &TestService) -> String {
    let partner = testing::partner("partner1");
    let number = json!({"number": NUMBER, "language": "de", "groups": ["money"]});
    let body = json!({"addresses": [], "numbers": [number]});
    let (status, answer) = put(service, &partner, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    partner
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::parse("USD").unwrap())
}

fn payout_paid() -> Body {
    let paid = PayoutPaidV1 {
        amount: usd(15_000),
        transfer_id: Uuid::nil(),
        provider_ref: Some("sim-1".to_owned()),
    };
    paid.into()
}

async fn paid(service: &mut TestService, payout: &str) {
    service
        .deliver(Topic::PaymentEvents, "partner1", payout, payout_paid())
        .await;
}

/// What the log says became of texts, once it is so many.
async fn concluded(service: &TestService, kind: &str, count: usize) -> Vec<schemas::Message> {
    let of = |log: Vec<schemas::Message>| {
        let of = log.into_iter().filter(|it| it.header.kind == kind);
        of.collect::<Vec<_>>()
    };
    until(&format!("{count} of {kind}"), || async {
        of(service.log().await).len() >= count
    })
    .await;
    of(service.log().await)
}

async fn attempts(service: &TestService) -> i32 {
    let attempts = sqlx::query_scalar("SELECT coalesce(max(attempts), 0) FROM mails");
    attempts.fetch_one(service.pool()).await.unwrap()
}

/// Whether the number stands anywhere in the clear.
async fn assert_hidden(service: &TestService) {
    let holding = service.tables_holding("1701234567").await;
    assert!(holding.is_empty(), "the number in {holding:?}");
}

#[tokio::test]
async fn a_payout_is_texted_to_the_number_that_its_partner_gave_once_and_nowhere_in_the_clear() {
    let provider = TwilioStandIn::start().await;
    let mut service = start_with(&provider, &unmade_database()).await;
    let partner = partner_with_number(&service).await;
    paid(&mut service, "pay_1").await;
    let sent = concluded(&service, "notification.sent.v1", 1)
        .await
        .remove(0);
    let Body::NotificationSentV1(sent) = &sent.body else {
        panic!("{sent:?}");
    };
    assert_eq!(sent.channel, Some(Channel::Text));
    assert_eq!(sent.kind, "payout.paid.v1");
    let taken = provider.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0]["To"], NUMBER);
    assert_eq!(taken[0]["From"], FROM);
    assert_eq!(
        taken[0]["Body"],
        "Tributary: Ihre Auszahlung über 150,00 USD wurde bezahlt. Auszahlung: pay_1"
    );
    let (_, shown) = service.get(CONTACTS, &partner).await;
    assert_eq!(shown["items"][0]["numbers"][0]["masked"], "+49***67");
    assert_eq!(shown["items"][0]["addresses"], json!([]));
    let operator = testing::operator();
    let texts = app::get(&service, &format!("{MAILS}?channel=text"), &operator).await;
    assert_eq!(texts["items"][0]["channel"], "text", "{texts}");
    let mails = app::get(&service, &format!("{MAILS}?channel=mail"), &operator).await;
    assert_eq!(mails["items"], json!([]));
    assert_hidden(&service).await;
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
        .await;
    assert_eq!(provider.given().len(), 1, "a replay sends nothing");
    service.stop().await;
}

#[tokio::test]
async fn what_a_provider_refuses_of_the_number_is_final_and_all_else_is_sent_again() {
    let provider = TwilioStandIn::start().await;
    let mut service = start_with(&provider, &unmade_database()).await;
    partner_with_number(&service).await;
    let refusals = [(503, 20503), (429, 20429), (401, 20003)];
    for (index, (status, code)) in refusals.into_iter().enumerate() {
        provider.says(Says::Refuse(status, code));
        if index == 0 {
            paid(&mut service, "pay_1").await;
        } else {
            service.advance_clock(3_600).await;
        }
        let count = i32::try_from(index).unwrap() + 1;
        until("it was tried", || async {
            attempts(&service).await >= count
        })
        .await;
    }
    provider.says(Says::Take);
    service.advance_clock(36_000).await;
    concluded(&service, "notification.sent.v1", 1).await;

    for (index, code) in [21610, 21211, 21614].into_iter().enumerate() {
        provider.says(Says::Refuse(400, code));
        paid(&mut service, &format!("pay_{code}")).await;
        let failed = concluded(&service, "notification.failed.v1", index + 1).await;
        let Body::NotificationFailedV1(failed) = &failed.last().unwrap().body else {
            panic!("{failed:?}");
        };
        assert_eq!(failed.reason.name(), "refused");
        assert_eq!(failed.channel, Some(Channel::Text));
        assert_eq!(failed.smtp_status, None);
    }
    let operator = testing::operator();
    let failed = app::get(&service, &format!("{MAILS}?state=failed"), &operator).await;
    assert_eq!(failed["items"][0]["provider_code"], 21614, "{failed}");
    // Whatever is due goes with the next.
    provider.says(Says::Take);
    service.advance_clock(36_000).await;
    paid(&mut service, "pay_last").await;
    concluded(&service, "notification.sent.v1", 2).await;
    assert_eq!(
        provider.given().len(),
        8,
        "what is final is not tried again"
    );
    assert_hidden(&service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_text_that_was_not_answered_is_sent_again_and_stated_once() {
    let provider = TwilioStandIn::start().await;
    let database_url = unmade_database();
    let mut service = start_with(&provider, &database_url).await;
    partner_with_number(&service).await;
    provider.says(Says::Hang);
    paid(&mut service, "pay_1").await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    service.stop().await;
    let before = provider.taken().len();
    provider.says(Says::Take);
    let service = start_with(&provider, &database_url).await;
    service.advance_clock(3_600).await;
    let sent = concluded(&service, "notification.sent.v1", 1).await;
    assert_eq!((sent.len(), provider.taken().len()), (1, before + 1));
    service.stop().await;
}

#[tokio::test]
async fn what_the_provider_took_is_not_sent_again_while_the_database_takes_no_note_of_it() {
    let provider = TwilioStandIn::start().await;
    let mut variables = variables(&provider, &unmade_database());
    // An attempt that may last long may be noted long after it.
    variables.insert("TEXT_TIMEOUT_MS".to_owned(), "60000".to_owned());
    let mut service = TestService::start_with::<Notify>(notify::define, variables).await;
    partner_with_number(&service).await;
    // A sequence keeps count of what is rolled back.
    let refuse = "CREATE SEQUENCE tries;
                  CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                  $$BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'the disk is full'; END$$;
                  CREATE TRIGGER refuse BEFORE UPDATE ON mails FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION refuse();";
    sqlx::raw_sql(refuse).execute(service.pool()).await.unwrap();
    paid(&mut service, "pay_1").await;
    let tried = |times: i64| {
        let pool = service.pool();
        async move {
            let tries = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tries";
            let tries: i64 = sqlx::query_scalar(tries).fetch_one(pool).await.unwrap();
            tries >= times
        }
    };
    until("a note failed", || tried(1)).await;
    // By the clock it is anybody's again: its contact is still busy.
    service.advance_clock(3_600).await;
    until("three notes failed", || tried(3)).await;
    sqlx::raw_sql("DROP TRIGGER refuse ON mails")
        .execute(service.pool())
        .await
        .unwrap();
    concluded(&service, "notification.sent.v1", 1).await;
    assert_eq!(provider.taken().len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn nobody_is_texted_who_did_not_say_so() {
    let provider = TwilioStandIn::start().await;
    let mut service = start_with(&provider, &unmade_database()).await;
    let partner = testing::partner("partner1");
    for (body, pointer) in [
        (
            json!([{"number": "0170 1234567", "groups": ["money"]}]),
            "/numbers/0/number",
        ),
        (
            json!([{"number": NUMBER, "groups": []}]),
            "/numbers/0/groups",
        ),
        (
            json!([{"number": NUMBER, "groups": ["earnings"]}]),
            "/numbers/0/groups",
        ),
        (
            json!([{"number": NUMBER, "groups": ["money"]}, {"number": NUMBER, "groups": ["security"]}]),
            "/numbers/1/number",
        ),
        (
            json!([{"number": "+4917012345671", "groups": ["money"]}, {"number": "+4917012345672", "groups": ["money"]},
                {"number": "+4917012345673", "groups": ["money"]}]),
            "/numbers",
        ),
    ] {
        let body = json!({"addresses": [], "numbers": body});
        let (status, answer) = put(&service, &partner, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer}");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
        let given = body["numbers"][0]["number"].as_str().unwrap();
        assert!(!answer.to_string().contains(given), "{answer}");
    }
    // One that wants security alone, and one that has mail alone.
    let body = json!({"addresses": [{"address": "mia@example.com"}], "numbers": [{"number": NUMBER, "groups": ["security"]}]});
    let (status, answer) = put(&service, &partner, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    paid(&mut service, "pay_1").await;
    concluded(&service, "notification.sent.v1", 1).await;
    assert_eq!(provider.given().len(), 0);

    let receiver = Receiver::start().await;
    let endpoint = app::endpoint(&service, &partner, &receiver.url, &[]).await;
    receiver.answer("order1", 410);
    app::sale(&mut service, "order1", "brand1", "partner1").await;
    until("the number is sent a text", || async {
        provider.taken().len() == 1
    })
    .await;
    let expected = format!(
        "Tributary: your webhook endpoint {endpoint} was disabled. It is sent nothing more."
    );
    assert_eq!(provider.taken()[0]["Body"], expected);

    // Without numbers there are none any more.
    let body = json!({"addresses": [{"address": "mia@example.com"}]});
    let (status, answer) = put(&service, &partner, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let (_, shown) = service.get(CONTACTS, &partner).await;
    assert_eq!(shown["items"][0]["numbers"], json!([]));
    service.stop().await;
}

/// Has an endpoint, which is enabled before where it is not, given up for what it answers.
async fn give_up(service: &TestService, partner: &str, endpoint: &str) {
    let path = format!("{WEBHOOKS}/{endpoint}");
    let is_disabled = || async { app::get(service, &path, partner).await["status"] == "disabled" };
    let act = async |act: &str| {
        let path = format!("{path}/{act}");
        app::post(service, &path, partner, &json!({}), StatusCode::OK).await;
    };
    if is_disabled().await {
        act("enable").await;
    }
    act("test").await;
    until("the endpoint is given up", is_disabled).await;
}

/// Of how many disablings something was sent, and how many mails and texts these are.
async fn sent(service: &TestService) -> (i64, i64) {
    sqlx::query_as("SELECT count(DISTINCT event_id), count(*) FROM mails")
        .fetch_one(service.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_owner_that_has_endpoints_given_up_again_and_again_has_few_texts_sent_a_day() {
    let service = app::start().await;
    let partner = testing::partner("partner1");
    let number = json!({"number": NUMBER, "groups": ["security"]});
    let body = json!({"addresses": [{"address": "mia@example.com"}], "numbers": [number]});
    let (status, answer) = put(&service, &partner, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let receiver = Receiver::start().await;
    receiver.answer("*", 410);
    let mut endpoints = Vec::new();
    for _ in 0..5 {
        endpoints.push(app::endpoint(&service, &partner, &receiver.url, &[]).await);
    }
    for _ in 0..3 {
        give_up(&service, &partner, &endpoints[0]).await;
    }
    assert_eq!(sent(&service).await, (1, 2), "of each endpoint once a day");
    for endpoint in &endpoints[1..] {
        give_up(&service, &partner, endpoint).await;
    }
    assert_eq!(sent(&service).await, (3, 6), "of three endpoints a day");

    // What an operator does its owner cannot bring about.
    let path = format!("{WEBHOOKS}/{}", endpoints[0]);
    for (act, token) in [("enable", &partner), ("disable", &testing::operator())] {
        let path = format!("{path}/{act}");
        app::post(&service, &path, token, &json!({}), StatusCode::OK).await;
    }
    assert_eq!(sent(&service).await, (4, 8));

    // Another owner has its own.
    let other = testing::partner("partner2");
    app::mail_address(&service, &other).await;
    let endpoint = app::endpoint(&service, &other, &receiver.url, &[]).await;
    give_up(&service, &other, &endpoint).await;
    assert_eq!(sent(&service).await, (5, 9));

    service.advance_clock(24 * 3_600).await;
    give_up(&service, &partner, &endpoints[0]).await;
    assert_eq!(sent(&service).await, (6, 11), "the next day");
    service
        .assert_state_is_the_fold_of_its_log(
            &Notify,
            &MIGRATIONS,
            &["contacts", "webhook_endpoints"],
        )
        .await;
    service.stop().await;
}

#[tokio::test]
async fn what_an_operator_disables_keeps_no_owner_from_being_told_of_what_is_given_up() {
    let service = app::start().await;
    let brand = testing::brand("brand1");
    app::mail_address(&service, &brand).await;
    let receiver = Receiver::start().await;
    receiver.answer("*", 410);
    let mut endpoints = Vec::new();
    for _ in 0..4 {
        endpoints.push(app::endpoint(&service, &brand, &receiver.url, &[]).await);
    }
    let operator = testing::operator();
    for endpoint in &endpoints[..3] {
        let path = format!("{WEBHOOKS}/{endpoint}/disable");
        app::post(&service, &path, &operator, &json!({}), StatusCode::OK).await;
    }
    assert_eq!(sent(&service).await, (3, 3));
    give_up(&service, &brand, &endpoints[3]).await;
    assert_eq!(sent(&service).await, (4, 4), "the first that is given up");
    give_up(&service, &brand, &endpoints[0]).await;
    assert_eq!(sent(&service).await, (5, 5), "one that was enabled again");
    service.stop().await;
}

/// Payouts of partner1 in one entry, by their places in the stream.
async fn paid_at_once(service: &TestService, places: RangeInclusive<i64>) {
    let topic = Topic::PaymentEvents;
    let messages = places.map(|place| {
        let payout = format!("pay_{place}");
        testing::message(topic, "partner1", &payout, payout_paid(), Some(place))
    });
    service.deliver_all(topic, messages.collect()).await;
}

/// How many texts and how many mails there are.
async fn texts_and_mails(service: &TestService) -> (i64, i64) {
    let counts = "SELECT count(*) FILTER (WHERE channel = 'text'), count(*) FILTER (WHERE channel = 'mail') FROM mails";
    let counts = sqlx::query_as(counts).fetch_one(service.pool());
    counts.await.unwrap()
}

#[tokio::test]
async fn a_partner_that_is_paid_again_and_again_is_texted_twenty_times_a_day_and_mailed_each_time()
{
    let service = app::start().await;
    let partner = testing::partner("partner1");
    let number = json!({"number": NUMBER, "groups": ["money", "security"]});
    let body = json!({"addresses": [{"address": "mia@example.com"}], "numbers": [number]});
    let (status, answer) = put(&service, &partner, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    paid_at_once(&service, 1..=15).await;
    assert_eq!(texts_and_mails(&service).await, (15, 15));
    paid_at_once(&service, 16..=50).await;
    assert_eq!(texts_and_mails(&service).await, (20, 50));

    // Payouts keep no text about security away.
    let receiver = Receiver::start().await;
    receiver.answer("*", 410);
    let endpoint = app::endpoint(&service, &partner, &receiver.url, &[]).await;
    give_up(&service, &partner, &endpoint).await;
    assert_eq!(texts_and_mails(&service).await, (21, 51));

    service.advance_clock(24 * 3_600).await;
    paid_at_once(&service, 51..=51).await;
    assert_eq!(texts_and_mails(&service).await, (22, 52), "the next day");
    service.stop().await;
}

#[tokio::test]
async fn who_was_erased_is_texted_nothing_more_and_its_number_is_read_by_nobody() {
    let provider = TwilioStandIn::start().await;
    let mut service = start_with(&provider, &unmade_database()).await;
    let partner = partner_with_number(&service).await;
    provider.says(Says::Refuse(503, 20503));
    paid(&mut service, "pay_1").await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    service
        .deliver(
            Topic::CampaignEvents,
            "partner1",
            "partner1",
            PartnerErasedV1 {}.into(),
        )
        .await;
    provider.says(Says::Take);
    service.advance_clock(3_600).await;
    let failed = concluded(&service, "notification.failed.v1", 1)
        .await
        .remove(0);
    let Body::NotificationFailedV1(failed) = failed.body else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.reason.name(), "no_address");
    assert_eq!(provider.taken().len(), 0);
    let (_, shown) = service.get(CONTACTS, &partner).await;
    assert_eq!(shown["items"], json!([]));
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn without_a_provider_a_text_is_in_the_mailbox_and_its_preview_is_what_it_says() {
    let mut service = app::start().await;
    partner_with_number(&service).await;
    paid(&mut service, "pay_1").await;
    concluded(&service, "notification.sent.v1", 1).await;
    let operator = testing::operator();
    let mailbox = app::get(&service, "/api/v1/notify/mailbox", &operator).await;
    let text = &mailbox["items"][0];
    assert_eq!(text["channel"], "text");
    assert_eq!(text["masked"], "+49***67");
    assert_eq!(text["html"], "");
    let templates = "/api/v1/notify/mail-templates";
    let path = format!("{templates}/payout.paid.v1/preview?language=en&channel=text");
    let preview = app::get(&service, &path, &operator).await;
    assert_eq!(
        preview["text"],
        "Tributary: your payout of 150.00 USD was paid. Payout: sample"
    );
    let list = app::get(&service, templates, &operator).await;
    let texted = list["items"].as_array().unwrap().iter();
    let texted = texted.filter(|it| it["channels"] == json!(["mail", "text"]));
    let texted: Vec<_> = texted.map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(texted, ["payout.paid.v1", "webhook_endpoint.disabled.v1"]);
    let path = format!("{templates}/payout.failed.v1/preview?channel=text");
    let (status, _) = service.get(&path, &operator).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    service.stop().await;
}
