//! What is mailed: to whom it concerns, once, by a real server; and where it is told of.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use notify::{MIGRATIONS, Notify};
use runtime::testing::{self, TestService, unmade_database, until};
use schemas::{
    Body, CommissionCalculatedV1, EnrollmentAppliedV1, EnrollmentRejectedV1, FundsLowV1,
    PartnerErasedV1, PayoutPaidV1, StatementIssuedV1, StatementLine, Topic,
};
use sealing::texts;
use serde_json::{Value, json};
use types::{
    AccountType, ConversionType, Currency, Micros, Money, Month, RefusalReason, StatementId,
    TermsVersion, Uuid, clock, ids,
};

use crate::app;
use crate::smtp::{self, MailServer};
use crate::unsubscribe::sealed_before;

const CONTACTS: &str = "/api/v1/notify/contacts/mail";
const MAILS: &str = "/api/v1/notify/mails";
const MAILBOX: &str = "/api/v1/notify/mailbox";
const ADDRESS: &str = "mia.meier@example.com";

/// A notify that sends by this server.
pub(crate) async fn start_with(server: &MailServer, protection: &str) -> TestService {
    let database_url = unmade_database();
    start_at(&database_url, server, protection).await
}

async fn start_at(database_url: &str, server: &MailServer, protection: &str) -> TestService {
    let variables = variables(database_url, server, protection);
    TestService::start_with::<Notify>(notify::define, variables).await
}

fn variables(database_url: &str, server: &MailServer, protection: &str) -> HashMap<String, String> {
    let mut variables = app::variables(database_url);
    let port = server.port.to_string();
    for (name, value) in [
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &port),
        ("SMTP_TLS", protection),
        ("SMTP_TIMEOUT_MS", "3000"),
        ("MAIL_FROM", "Tributary <noreply@tributary.example>"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    if protection != "none" {
        let certificate = server.certificate.to_str().unwrap();
        for (name, value) in [
            ("SMTP_USERNAME", smtp::USER),
            ("SMTP_PASSWORD", smtp::PASSWORD),
            ("SMTP_CA_FILE", certificate),
        ] {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    variables
}

async fn put(service: &TestService, token: &str, body: &Value) -> (StatusCode, Value) {
    let url = format!("{}{CONTACTS}", service.base_url);
    let request = service.client.put(url).bearer_auth(token).json(body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// An address of this partner, sent everything.
async fn partner_with_address(service: &TestService) -> String {
    let partner = testing::partner("partner1");
    let body = json!({"addresses": [{"address": ADDRESS}]});
    let (status, answer) = put(service, &partner, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    partner
}

async fn paid(service: &mut TestService, payout: &str) {
    paid_to(service, "partner1", payout).await;
}

async fn paid_to(service: &mut TestService, partner: &str, payout: &str) {
    let paid = PayoutPaidV1 {
        amount: Money::new(15_000, Currency::parse("USD").unwrap()),
        transfer_id: Uuid::nil(),
        provider_ref: Some("sim-1".to_owned()),
    };
    service
        .deliver(Topic::PaymentEvents, partner, payout, paid.into())
        .await;
}

/// The funds of brand1 are.
async fn funds_low(service: &mut TestService) {
    let usd = |minor| Money::new(minor, Currency::USD);
    let low = FundsLowV1 {
        currency: Currency::USD,
        left: usd(43_210),
        warning: usd(50_000),
    };
    service
        .deliver(Topic::PaymentEvents, "brand1", "brand1", low.into())
        .await;
}

/// What the log says became of mails, once it is so many.
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

/// Whether the address stands anywhere in the clear.
async fn assert_hidden(service: &TestService) {
    for part in ["mia.meier", ADDRESS] {
        let holding = service.tables_holding(part).await;
        assert!(holding.is_empty(), "{part} in {holding:?}");
    }
}

#[tokio::test]
async fn a_payout_is_mailed_to_its_partner_by_a_server_with_tls_and_a_password_and_the_log_has_it()
{
    for protection in ["starttls", "implicit"] {
        let server = MailServer::start(protection).await;
        let mut service = start_with(&server, protection).await;
        let partner = partner_with_address(&service).await;
        paid(&mut service, "pay_1").await;
        let taken = server.taken(1).await.remove(0);
        assert_eq!(taken["to"], json!([ADDRESS]), "{protection}");
        assert_eq!(taken["tls"], true);
        assert_eq!(taken["user"], smtp::USER);
        let subject = smtp::header(&taken, "Subject");
        assert_eq!(subject, "Your payout of 150.00 USD was paid");
        assert_eq!(
            smtp::header(&taken, "From"),
            "Tributary <noreply@tributary.example>"
        );
        assert!(smtp::header(&taken, "Content-Type").starts_with("multipart/alternative"));
        let ended = concluded(&service, "notification.sent.v1", 1)
            .await
            .remove(0);
        let id = format!("<{}@tributary.example>", ended.header.subject);
        assert_eq!(smtp::header(&taken, "Message-ID"), id);
        let Body::NotificationSentV1(sent) = &ended.body else {
            panic!("{ended:?}");
        };
        assert_eq!(sent.kind, "payout.paid.v1");
        assert_eq!(sent.partner_id.as_ref().unwrap().as_str(), "partner1");
        let event = sent.event_id;
        let mail: (Uuid, bool) =
            sqlx::query_as("SELECT correlation_id, concluded FROM mails WHERE event_id = $1")
                .bind(event)
                .fetch_one(service.pool())
                .await
                .unwrap();
        assert_eq!(
            mail,
            (ended.header.correlation_id, true),
            "the request's own correlation"
        );
        let (_, shown) = service.get(CONTACTS, &partner).await;
        assert_eq!(
            shown["items"][0]["addresses"][0]["masked"],
            "m***@example.com"
        );
        assert_hidden(&service).await;
        service
            .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
            .await;
        assert_eq!(server.given().len(), 1, "a replay sends nothing");
        service.stop().await;
    }
}

#[tokio::test]
async fn what_a_server_refuses_for_now_is_sent_again_and_what_it_refuses_for_good_is_not() {
    let mut server = MailServer::start("none").await;
    server.says("data 451").await;
    let mut service = start_with(&server, "none").await;
    partner_with_address(&service).await;
    paid(&mut service, "pay_1").await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    server.says("take").await;
    service.advance_clock(3_600).await;
    let taken = server.taken(1).await.remove(0);
    let given = server.given();
    let id = smtp::header(&taken, "Message-ID");
    let mut ids = given.iter().map(|it| smtp::header(it, "Message-ID"));
    assert!(given.len() >= 2 && ids.all(|it| it == id), "{given:?}");
    concluded(&service, "notification.sent.v1", 1).await;

    for (refusal, code) in [("recipient 550", 550), ("data 554", 554)] {
        server.says(refusal).await;
        paid(&mut service, &format!("pay_{code}")).await;
        let failed = concluded(
            &service,
            "notification.failed.v1",
            if code == 550 { 1 } else { 2 },
        )
        .await;
        let Body::NotificationFailedV1(failed) = &failed.last().unwrap().body else {
            panic!("{failed:?}");
        };
        assert_eq!(failed.reason.name(), "refused");
        assert_eq!(failed.smtp_status, Some(code));
    }
    let operator = testing::operator();
    let path = format!("{MAILS}?state=failed");
    let list = app::get(&service, &path, &operator).await;
    let failed = list["items"].as_array().unwrap();
    assert_eq!(failed.len(), 2, "{list}");
    assert_eq!(failed[0]["smtp_status"], 554);
    assert_eq!(failed[0]["failure"], "refused");
    assert_eq!(failed[0]["partner_id"], "partner1");
    assert!(failed[0]["next_at"].is_null(), "{list}");
    let path = format!("{MAILS}?state=sent&brand_id=brand1");
    let sent = app::get(&service, &path, &operator).await;
    assert_eq!(sent["items"], json!([]), "no brand was sent any");
    // The server named the address in what it said.
    assert_hidden(&service).await;
    service.stop().await;
}

#[tokio::test]
async fn a_server_that_is_away_that_says_nothing_or_that_refuses_us_loses_no_mail() {
    let mut server = MailServer::start("starttls").await;
    let database_url = unmade_database();
    let mut service = start_at(&database_url, &server, "starttls").await;
    partner_with_address(&service).await;
    server.says("silent").await;
    paid(&mut service, "pay_1").await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    let port = server.port;
    server.stop().await;
    service.advance_clock(3_600).await;
    until("it was tried again", || async {
        attempts(&service).await >= 2
    })
    .await;
    // Its certificate is another one: nothing is said to it.
    let stranger = MailServer::start_at(port, "starttls").await;
    service.advance_clock(600).await;
    until("it was tried once more", || async {
        attempts(&service).await >= 3
    })
    .await;
    assert!(stranger.given().is_empty());
    service.stop().await;
    let service = start_at(&database_url, &stranger, "starttls").await;
    service.advance_clock(3_600).await;
    let taken = stranger.taken(1).await;
    assert_eq!(taken.len(), 1);
    concluded(&service, "notification.sent.v1", 1).await;
    service.stop().await;
}

#[tokio::test]
async fn a_server_that_has_taken_nothing_of_ours_loses_no_mail_whatever_it_refuses() {
    let mut server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    partner_with_address(&service).await;
    for (times, refusal) in ["recipient 550", "data 554"].into_iter().enumerate() {
        server.says(refusal).await;
        if times == 0 {
            paid(&mut service, "pay_1").await;
        } else {
            service.advance_clock(600).await;
        }
        until("it was tried", || async {
            attempts(&service).await > i32::try_from(times).unwrap()
        })
        .await;
    }
    server.says("take").await;
    service.advance_clock(3_600).await;
    concluded(&service, "notification.sent.v1", 1).await;
    service.stop().await;
}

#[tokio::test]
async fn a_server_that_begins_to_refuse_all_of_us_loses_three_mails_at_most() {
    let mut server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    partner_with_address(&service).await;
    paid(&mut service, "pay_0").await;
    concluded(&service, "notification.sent.v1", 1).await;
    // A quota is used up right after a success.
    server.says("data 554").await;
    for number in 1..=3 {
        paid(&mut service, &format!("pay_{number}")).await;
        concluded(&service, "notification.failed.v1", number).await;
    }
    paid(&mut service, "pay_4").await;
    until("the fourth waits", || async {
        let waits = "SELECT count(*) FROM mails WHERE state = 'pending' AND smtp_status = 554";
        let waits: i64 = sqlx::query_scalar(waits)
            .fetch_one(service.pool())
            .await
            .unwrap();
        waits == 1
    })
    .await;
    server.says("take").await;
    service.advance_clock(3_600).await;
    concluded(&service, "notification.sent.v1", 2).await;
    service.stop().await;
}

#[tokio::test]
async fn addresses_that_a_server_is_slow_to_take_keep_no_other_partner_waiting() {
    let server = MailServer::start("none").await;
    let mut variables = variables(&unmade_database(), &server, "none");
    variables.insert("SMTP_TIMEOUT_MS".to_owned(), "600000".to_owned());
    let mut service = TestService::start_with::<Notify>(notify::define, variables).await;
    let slow = (1..=4).map(|number| json!({"address": format!("slow{number}@example.com")}));
    let addresses = [
        ("partner2", slow.collect::<Vec<_>>()),
        ("partner1", vec![json!({"address": ADDRESS})]),
    ];
    for (partner, addresses) in addresses {
        let body = json!({"addresses": addresses});
        let (status, answer) = put(&service, &testing::partner(partner), &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    paid_to(&mut service, "partner2", "pay_1").await;
    until("they are taken to be sent", || async {
        let taken = "SELECT count(*) FROM mails WHERE next_at > created_at";
        let taken: i64 = sqlx::query_scalar(taken)
            .fetch_one(service.pool())
            .await
            .unwrap();
        taken > 0
    })
    .await;
    paid(&mut service, "pay_2").await;
    let taken = server.taken(1).await.remove(0);
    assert_eq!(taken["to"], json!([ADDRESS]));
    service.stop().await;
}

#[tokio::test]
async fn one_partners_backlog_keeps_no_other_partner_waiting_at_a_fast_server() {
    const OTHER: &str = "tom@example.com";
    let server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    for (partner, address) in [("partner1", ADDRESS), ("partner2", OTHER)] {
        let body = json!({"addresses": [{"address": address}]});
        let (status, answer) = put(&service, &testing::partner(partner), &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        paid_to(&mut service, partner, partner).await;
    }
    concluded(&service, "notification.sent.v1", 2).await;
    // More than is looked at for those that are sent next, all at once, and the other's behind it.
    let backlog = "INSERT INTO mails (id, contact_id, address_id, partner_id, kind, event_id, correlation_id, data, hurries, created_at, next_at)
                   SELECT 'mail_' || md5(partner_id || n), contact_id, address_id, partner_id, kind, gen_random_uuid(), correlation_id, data, hurries, created_at, created_at
                     FROM mails, generate_series(1, CASE partner_id WHEN 'partner1' THEN 300 ELSE 1 END) n
                    ORDER BY partner_id, n";
    sqlx::raw_sql(backlog)
        .execute(service.pool())
        .await
        .unwrap();
    let place = || {
        let given = server.given().into_iter().skip(2);
        given.map(|it| it["to"] == json!([OTHER])).position(|it| it)
    };
    until("the other's is given", || async { place().is_some() }).await;
    assert!(place().unwrap() < 10, "{:?}", place());
    service.stop().await;
}

/// Hurrying mails to these partners that are due now.
async fn payouts_due(service: &TestService) {
    let stands = "SELECT id, partner_id, addresses::jsonb -> 0 ->> 'sealed_address' FROM contacts WHERE partner_id IS NOT NULL";
    let contacts = sqlx::query_as(stands).fetch_all(service.pool()).await;
    let contacts: Vec<(String, String, String)> = contacts.unwrap();
    let addresses: Vec<Uuid> = contacts
        .iter()
        .map(|(id, _, sealed)| ids::derive(&["mail-address", id, sealed]))
        .collect();
    let (ids, partners): (Vec<_>, Vec<_>) =
        contacts.into_iter().map(|(id, of, _)| (id, of)).unzip();
    let due = "INSERT INTO mails (id, contact_id, address_id, partner_id, kind, event_id, correlation_id, data, hurries, created_at, next_at)
               SELECT 'mail_' || md5(c), c, a, p, 'payout.paid.v1', gen_random_uuid(), gen_random_uuid(), '{}', true, $4, $4
                 FROM UNNEST($1::text[], $2::text[], $3::uuid[]) AS n (c, p, a)";
    sqlx::query(due)
        .bind(ids)
        .bind(partners)
        .bind(addresses)
        .bind(clock::real().get() - 1_000_000)
        .execute(service.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn mails_whose_keys_cannot_be_had_keep_one_that_needs_none_not_waiting() {
    const PARTNERS: usize = 60;
    let server = MailServer::start("none").await;
    let (bff, questions) = app::without_answer().await;
    let mut variables = variables(&unmade_database(), &server, "none");
    variables.insert("BFF_SERVICE_URL".to_owned(), bff);
    let mut service = TestService::start_with::<Notify>(notify::define, variables).await;
    let partners = (0..PARTNERS).map(|number| testing::partner(&format!("partner{number}")));
    for owner in partners.chain([testing::brand("brand1")]) {
        let body = json!({"addresses": [{"address": ADDRESS}]});
        let (status, answer) = put(&service, &owner, &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    sqlx::raw_sql("DELETE FROM personal_keys")
        .execute(service.pool())
        .await
        .unwrap();
    payouts_due(&service).await;
    // It goes behind all that hurry.
    let applied = EnrollmentAppliedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        terms_version: TermsVersion::new(1).unwrap(),
    };
    service
        .deliver(Topic::CampaignEvents, "camp1", "enr_1", applied.into())
        .await;
    let taken = server.taken(1).await.remove(0);
    let subject = smtp::header(&taken, "Subject");
    assert!(subject.starts_with("partner1"), "{subject}");
    let questions = questions.load(Ordering::Relaxed);
    assert!((1..PARTNERS).contains(&questions), "{questions}");
    assert_eq!(attempts_of_partners(&service).await, 0, "none was sent");
    service.stop().await;
}

async fn attempts_of_partners(service: &TestService) -> i32 {
    let attempts = "SELECT max(attempts) FROM mails WHERE partner_id IS NOT NULL";
    let attempts = sqlx::query_scalar(attempts).fetch_one(service.pool());
    attempts.await.unwrap()
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_not_taken_for_another_mails() {
    let mut server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    partner_with_address(&service).await;
    server.says("late 554").await;
    paid(&mut service, "pay_1").await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    server.says("take").await;
    paid(&mut service, "pay_2").await;
    concluded(&service, "notification.sent.v1", 1).await;
    service.advance_clock(3_600).await;
    concluded(&service, "notification.sent.v1", 2).await;
    assert_eq!(server.taken(2).await.len(), 2, "each was taken");
    service.stop().await;
}

#[tokio::test]
async fn a_password_that_is_refused_is_no_fault_of_the_mail() {
    let server = MailServer::start("starttls").await;
    let mut variables = variables(&unmade_database(), &server, "starttls");
    variables.insert("SMTP_PASSWORD".to_owned(), "another".to_owned());
    let mut service = TestService::start_with::<Notify>(notify::define, variables).await;
    partner_with_address(&service).await;
    paid(&mut service, "pay_1").await;
    until("it was tried", || async {
        let tried = "SELECT count(*) FROM mails WHERE state = 'pending' AND attempts > 0 AND smtp_status = 535";
        let tried: i64 = sqlx::query_scalar(tried)
            .fetch_one(service.pool())
            .await
            .unwrap();
        tried == 1
    })
    .await;
    assert!(server.given().is_empty());
    service.stop().await;
}

#[tokio::test]
async fn why_mails_wait_is_logged_and_not_what_the_server_says_of_it() {
    for (protection, why) in [
        ("starttls", "it offers no STARTTLS"),
        ("implicit", "TLS comes to nothing"),
        ("none", "it refuses\" code=452"),
    ] {
        let (lines, _listens) = testing::lines();
        let mut server = MailServer::start("none").await;
        if protection == "none" {
            server.says("recipient 452").await;
        }
        let mut service = start_with(&server, protection).await;
        partner_with_address(&service).await;
        paid(&mut service, "pay_1").await;
        until("it was tried", || async { attempts(&service).await >= 1 }).await;
        let logged = lines.logged();
        let mut logged = logged.lines().filter(|it| it.contains("is not taken now"));
        let line = logged.next().unwrap();
        assert!(line.contains(why), "{line}");
        assert!(!line.contains("mia") && !line.contains("wanted"), "{line}");
        service.stop().await;
    }
}

/// Since when the oldest mail waits by the figure of that, in seconds.
async fn oldest(service: &TestService) -> i64 {
    app::oldest(service, "notify_mails_oldest_seconds").await
}

/// What waits was made two hours ago, and is tried again in ten.
async fn wait_for_two_hours(service: &TestService) {
    let waits =
        "UPDATE mails SET created_at = created_at - 7200000000, next_at = next_at + 36000000000";
    sqlx::raw_sql(waits).execute(service.pool()).await.unwrap();
}

#[tokio::test]
async fn a_mail_that_one_mailbox_does_not_take_now_is_not_counted_as_one_that_none_does() {
    let mut server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    let body = json!({"addresses": [{"address": "full@example.com"}]});
    let (status, answer) = put(&service, &testing::partner("partner2"), &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    server.says("recipient 452").await;
    paid_to(&mut service, "partner2", "pay_1").await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    wait_for_two_hours(&service).await;
    let waits = oldest(&service).await;
    assert!(waits >= 7_200, "nothing was sent since: {waits}");

    server.says("take").await;
    partner_with_address(&service).await;
    paid(&mut service, "pay_2").await;
    concluded(&service, "notification.sent.v1", 1).await;
    assert_eq!(oldest(&service).await, 0, "another was sent since");

    sqlx::raw_sql("UPDATE mails SET attempts = 0, smtp_status = NULL WHERE state = 'pending'")
        .execute(service.pool())
        .await
        .unwrap();
    let waits = oldest(&service).await;
    assert!(waits >= 7_200, "it was not tried: {waits}");
    service.stop().await;
}

#[tokio::test]
async fn a_mail_whose_address_cannot_be_opened_is_counted_while_others_are_sent() {
    let server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    brand_with_strange_address(&service).await;
    funds_low(&mut service).await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    wait_for_two_hours(&service).await;
    partner_with_address(&service).await;
    paid(&mut service, "pay_1").await;
    concluded(&service, "notification.sent.v1", 1).await;
    let waits = oldest(&service).await;
    assert!(waits >= 7_200, "{waits}");
    service.stop().await;
}

#[tokio::test]
async fn a_brand_is_mailed_that_its_funds_are_low_and_no_other() {
    let mut service = app::start().await;
    for (brand, address) in [("brand1", ADDRESS), ("brand2", "tom@example.com")] {
        let body = json!({"addresses": [{"address": address}]});
        let (status, answer) = put(&service, &testing::brand(brand), &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    partner_with_address(&service).await;
    funds_low(&mut service).await;
    paid(&mut service, "pay_1").await;
    let sent = concluded(&service, "notification.sent.v1", 2).await;
    let mut to: Vec<_> = sent
        .iter()
        .map(|it| match &it.body {
            Body::NotificationSentV1(sent) => (sent.kind.clone(), sent.brand_id.clone()),
            _ => panic!("{it:?}"),
        })
        .collect();
    to.sort();
    let low = ("funds.low.v1".to_owned(), "brand1".parse().ok());
    assert_eq!(to, [low, ("payout.paid.v1".to_owned(), None)]);
}

#[tokio::test]
async fn of_statements_that_are_issued_at_once_the_last_months_is_mailed() {
    let mut service = app::start().await;
    partner_with_address(&service).await;
    paid(&mut service, "pay_1").await;
    let month: Month = "2026-02".parse().unwrap();
    let issued = StatementIssuedV1 {
        month,
        lines: vec![StatementLine {
            account: AccountType::Payable,
            currency: Currency::USD,
            opening: 0,
            credited: 500,
            debited: 100,
            closing: 400,
        }],
        through: 1,
    };
    let id = StatementId::of(&"partner1".parse().unwrap(), month);
    let after = |sequence, days: i64| {
        let topic = Topic::PaymentEvents;
        let body = issued.clone().into();
        let mut message = testing::message(topic, "partner1", id.as_str(), body, Some(sequence));
        message.header.time = month.end().checked_add_days(days).unwrap();
        message
    };
    let messages = vec![after(2, 31), after(3, 30)];
    let last = messages[1].header.id;
    service.deliver_all(Topic::PaymentEvents, messages).await;
    let sent = concluded(&service, "notification.sent.v1", 2).await;
    let mut mailed: Vec<_> = sent
        .iter()
        .map(|it| match &it.body {
            Body::NotificationSentV1(sent) => (sent.kind.clone(), sent.event_id),
            _ => panic!("{it:?}"),
        })
        .filter(|(kind, _)| kind != "payout.paid.v1")
        .collect();
    mailed.sort();
    assert_eq!(mailed, [("statement.issued.v1".to_owned(), last)]);
}

#[tokio::test]
async fn without_a_server_a_developer_sees_mails_in_the_mailbox_in_the_language_of_each_address() {
    let mut service = app::start().await;
    let brand = testing::brand("brand1");
    let body = json!({"addresses": [
        {"address": ADDRESS, "language": "de"},
        {"address": "tom@example.com", "groups": ["money", "security"]},
    ]});
    let (status, answer) = put(&service, &brand, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    app::campaign(&mut service, "camp1", "brand1").await;
    let applied = EnrollmentAppliedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        terms_version: types::TermsVersion::new(1).unwrap(),
    };
    service
        .deliver(Topic::CampaignEvents, "camp1", "enr_1", applied.into())
        .await;
    let rejected = EnrollmentRejectedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        reason: RefusalReason::Other,
    };
    service
        .deliver(Topic::CampaignEvents, "camp1", "enr_1", rejected.into())
        .await;
    let sent = concluded(&service, "notification.sent.v1", 1).await;
    assert_eq!(
        sent.len(),
        1,
        "the partner has no address, and the other one wants none of it"
    );
    let operator = testing::operator();
    let (_, mailbox) = service.get(MAILBOX, &operator).await;
    let items = mailbox["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["subject"], "partner1 bewirbt sich für Summer");
    assert_eq!(items[0]["masked"], "m***@example.com");
    assert_eq!(items[0]["brand_id"], "brand1");
    let (status, _) = service.get(MAILBOX, &brand).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let preview = "/api/v1/notify/mail-templates/enrollment.applied.v1/preview?language=de";
    let (_, preview) = service.get(preview, &brand).await;
    assert_eq!(preview["subject"], "partner123 bewirbt sich für Summer");
    assert_hidden(&service).await;
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn addresses_are_ones_own_are_addresses_and_some_of_them_are_told_of_money() {
    let service = app::start().await;
    let partner = testing::partner("partner1");
    for (body, pointer) in [
        (
            json!({"addresses": [{"address": "mia@localhost"}]}),
            "/addresses/0/address",
        ),
        (
            json!({"addresses": [{"address": "mia@example.com\r\nBcc: a@example.com"}]}),
            "/addresses/0/address",
        ),
        (
            json!({"addresses": [{"address": ADDRESS}, {"address": ADDRESS}]}),
            "/addresses/1/address",
        ),
        (
            json!({"addresses": [{"address": ADDRESS, "groups": []}]}),
            "/addresses/0/groups",
        ),
        (
            json!({"addresses": [{"address": ADDRESS, "language": "fr"}]}),
            "/addresses/0/language",
        ),
        (
            json!({"addresses": [{"address": ADDRESS, "groups": ["programme"]}]}),
            "/addresses",
        ),
        (
            json!({"addresses": (0..6).map(|n| json!({"address": format!("mia{n}@example.com")})).collect::<Vec<_>>()}),
            "/addresses",
        ),
    ] {
        let (status, answer) = put(&service, &partner, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer}");
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
        assert!(!answer.to_string().contains("mia"), "{answer}");
    }
    let of_another = json!({"partner_id": "partner2", "addresses": []});
    let (status, _) = put(&service, &partner, &of_another).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    partner_with_address(&service).await;
    let (status, again) = put(
        &service,
        &partner,
        &json!({"addresses": [{"address": ADDRESS}]}),
    )
    .await;
    assert_eq!(
        (status, &again["code"]),
        (StatusCode::CONFLICT, &json!("contact_unchanged"))
    );
    let (_, others) = service.get(CONTACTS, &testing::partner("partner2")).await;
    assert_eq!(others["items"], json!([]));
    service.stop().await;
}

#[tokio::test]
async fn who_was_erased_is_sent_nothing_more_and_its_address_is_read_by_nobody() {
    let mut server = MailServer::start("none").await;
    server.says("data 451").await;
    let mut service = start_with(&server, "none").await;
    let partner = partner_with_address(&service).await;
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
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM personal_keys")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(keys, 0);
    let given = server.given().len();
    server.says("take").await;
    service.advance_clock(3_600).await;
    let failed = concluded(&service, "notification.failed.v1", 1)
        .await
        .remove(0);
    let Body::NotificationFailedV1(failed) = failed.body else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.reason.name(), "no_address");
    assert_eq!(server.given().len(), given);
    let (_, shown) = service.get(CONTACTS, &partner).await;
    assert_eq!(shown["items"], json!([]));
    service
        .assert_state_is_the_fold_of_its_log(&Notify, &MIGRATIONS, &["contacts"])
        .await;
    service.stop().await;
}

#[tokio::test]
async fn a_mail_whose_partners_key_is_lost_is_sent_once_it_is_there_again() {
    let server = MailServer::start("none").await;
    let mut variables = variables(&unmade_database(), &server, "none");
    for name in ["BFF_SERVICE_URL", "CAMPAIGN_SERVICE_URL"] {
        variables.insert(name.to_owned(), app::with_keys(vec![]).await);
    }
    let mut service = TestService::start_with::<Notify>(notify::define, variables).await;
    partner_with_address(&service).await;
    let lost = "DELETE FROM personal_keys RETURNING id, partner_id, kept";
    let lost: (Uuid, String, Vec<u8>) = sqlx::query_as(lost)
        .fetch_one(service.pool())
        .await
        .unwrap();
    paid(&mut service, "pay_1").await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    assert!(server.given().is_empty());
    sqlx::query("INSERT INTO personal_keys (id, partner_id, kept) VALUES ($1, $2, $3)")
        .bind(lost.0)
        .bind(lost.1)
        .bind(lost.2)
        .execute(service.pool())
        .await
        .unwrap();
    service.advance_clock(3_600).await;
    let taken = server.taken(1).await.remove(0);
    assert_eq!(taken["to"], json!([ADDRESS]));
    concluded(&service, "notification.sent.v1", 1).await;
    service.stop().await;
}

/// An address of brand1 that cannot be opened. Returns its contact, how it was sealed, and how it is now.
async fn brand_with_strange_address(service: &TestService) -> (String, String, String) {
    let body = json!({"addresses": [{"address": ADDRESS}]});
    let (status, answer) = put(service, &testing::brand("brand1"), &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let stands = "SELECT id, addresses::jsonb -> 0 ->> 'sealed_address' FROM contacts";
    let (contact, sealed): (String, String) = sqlx::query_as(stands)
        .fetch_one(service.pool())
        .await
        .unwrap();
    // What was sealed for something else opens as little as what was sealed under another lasting secret.
    let strange = STANDARD.encode(texts::seal("something else", ADDRESS));
    sqlx::query("UPDATE contacts SET addresses = replace(addresses, $1, $2)")
        .bind(&sealed)
        .bind(&strange)
        .execute(service.pool())
        .await
        .unwrap();
    (contact, sealed, strange)
}

#[tokio::test]
async fn a_mail_whose_brands_address_cannot_be_opened_is_sent_once_it_can_be() {
    let server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    let (contact, sealed, strange) = brand_with_strange_address(&service).await;
    funds_low(&mut service).await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    let state: String = sqlx::query_scalar("SELECT state FROM mails")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(state, "pending");
    // After this attempt the next is minutes away.
    service.advance_clock(60).await;
    until("it was tried again", || async {
        attempts(&service).await >= 2
    })
    .await;
    assert!(server.given().is_empty());
    // The id of an address is made of how it is sealed.
    let address = ids::derive(&["mail-address", &contact, &sealed]);
    let opens = "WITH c AS (UPDATE contacts SET addresses = replace(addresses, $1, $2))
                 UPDATE mails SET address_id = $3";
    sqlx::query(opens)
        .bind(&strange)
        .bind(&sealed)
        .bind(address)
        .execute(service.pool())
        .await
        .unwrap();
    service.advance_clock(3_600).await;
    let taken = server.taken(1).await.remove(0);
    assert_eq!(taken["to"], json!([ADDRESS]));
    concluded(&service, "notification.sent.v1", 1).await;
    service.stop().await;
}

#[tokio::test]
async fn a_mail_that_waits_goes_to_its_address_that_was_given_again_while_the_lasting_secret_changed()
 {
    let mut server = MailServer::start("none").await;
    server.says("data 451").await;
    let mut service = start_with(&server, "none").await;
    sealed_before(&mut service, ADDRESS).await;
    funds_low(&mut service).await;
    until("it was tried", || async { attempts(&service).await >= 1 }).await;
    let body = json!({"addresses": [{"address": ADDRESS}]});
    let (status, answer) = put(&service, &testing::brand("brand1"), &body).await;
    assert_eq!(status, StatusCode::OK, "it is sealed anew: {answer}");
    server.says("take").await;
    service.advance_clock(3_600).await;
    until("it has ended", || async {
        let waits = "SELECT count(*) FROM mails WHERE state = 'pending'";
        let waits: i64 = sqlx::query_scalar(waits)
            .fetch_one(service.pool())
            .await
            .unwrap();
        waits == 0
    })
    .await;
    assert_eq!(server.taken(1).await[0]["to"], json!([ADDRESS]));
    concluded(&service, "notification.sent.v1", 1).await;
    service.stop().await;
}

#[tokio::test]
async fn a_commission_is_mailed_when_it_is_on_hold_and_when_it_is_approved_be_that_at_once() {
    let server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    partner_with_address(&service).await;
    let until = Some(Micros(1_790_000_000_000_000));
    for (id, status, hold_until) in [
        ("order1", "approved", None),
        ("order2", "suspended_terms", None),
        ("order3", "held", until),
    ] {
        calculated(&mut service, id, status, 2_000, hold_until).await;
    }
    calculated(&mut service, "order4", "approved", 0, None).await;
    app::approval(&mut service, "order3", "brand1", "partner1").await;
    let taken = server.taken(3).await;
    let mut subjects: Vec<_> = taken.iter().map(|it| smtp::header(it, "Subject")).collect();
    subjects.sort();
    let earned = "20.00 USD earned";
    assert_eq!(subjects, [earned, earned, "20.00 USD on hold"]);
    concluded(&service, "notification.sent.v1", 3).await;
    let mails: i64 = sqlx::query_scalar("SELECT count(*) FROM mails")
        .fetch_one(service.pool())
        .await
        .unwrap();
    assert_eq!(mails, 3, "one that is suspended, or nothing, is nobody's");
    service.stop().await;
}

/// Mails that are sent before: more than there are connections.
const BEFORE: usize = 30;

/// As a newer build's migration leaves the table, while this build leads: what only its jobs read.
#[tokio::test]
async fn mails_go_on_after_a_newer_build_has_added_a_column() {
    let server = MailServer::start("none").await;
    let mut service = start_with(&server, "none").await;
    partner_with_address(&service).await;
    for payout in 0..BEFORE {
        paid(&mut service, &format!("pay_{payout}")).await;
        concluded(&service, "notification.sent.v1", payout + 1).await;
    }
    sqlx::raw_sql("ALTER TABLE mails ADD COLUMN later int")
        .execute(service.pool())
        .await
        .unwrap();
    paid(&mut service, "pay_later").await;
    concluded(&service, "notification.sent.v1", BEFORE + 1).await;
    service.stop().await;
}

#[tokio::test]
async fn what_was_claimed_is_not_said_to_be_what_an_order_is_worth() {
    let service = app::start().await;
    for (language, claimed) in [
        ("en", "You claimed it as"),
        ("de", "Ihr Anspruch lautete auf"),
    ] {
        let preview = "/api/v1/notify/mail-templates/claim.settled.v1/preview?language=";
        let (_, preview) = service
            .get(&format!("{preview}{language}"), &testing::operator())
            .await;
        for form in ["text", "html"] {
            let text = preview[form].as_str().unwrap();
            assert!(text.contains(claimed), "{text}");
            assert!(!text.contains("worth") && !text.contains("Wert"), "{text}");
        }
    }
    service.stop().await;
}

/// A conversion of partner1 earns so many cents, or will.
async fn calculated(
    service: &mut TestService,
    id: &str,
    status: &str,
    minor: i64,
    hold_until: Option<Micros>,
) {
    let usd = |minor| Money::new(minor, Currency::parse("USD").unwrap());
    let calculated = CommissionCalculatedV1 {
        partner_id: "partner1".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        campaign_id: "camp1".parse().unwrap(),
        event_type: ConversionType::Purchase,
        base: Some(usd(20_000)),
        rate_bps: Some(1_000),
        flat: None,
        plan_version: TermsVersion::new(1).unwrap(),
        rounding: "none".to_owned(),
        amount: usd(minor),
        status: status.to_owned(),
        hold_until,
    };
    service
        .deliver(Topic::CommissionEvents, id, id, calculated.into())
        .await;
}
