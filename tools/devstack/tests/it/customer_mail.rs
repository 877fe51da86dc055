//! Mail to people, from a request at the bff to a real mail server, beside webhooks, with notify killed meanwhile. `NOTIFY_KILLS=100` kills it as often.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::{BTreeMap, BTreeSet};

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use reqwest::Method;
use schemas::Service;
use serde_json::{Value, json};

use crate::clients::smtp::{self, MailServer, PASSWORD, USER};
use crate::clock::clock;
use crate::customer_webhooks::Customer;
use crate::walk::{Walker, until};

const ADDRESSES: [&str; 2] = ["mia.meier@example.com", "tom@example.com"];
/// How often notify is killed, unless `NOTIFY_KILLS` says so.
const KILLS: usize = 3;
const APPLICATIONS: usize = 6;

async fn start(mode: Mode, server: &MailServer) -> LocalStack {
    let port = server.port.to_string();
    let variables = [
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &port),
        ("SMTP_USERNAME", USER),
        ("SMTP_PASSWORD", PASSWORD),
        ("SMTP_CA_FILE", server.certificate.to_str().unwrap()),
        ("MAIL_FROM", "Tributary <noreply@tributary.example>"),
        // What is taken to be sent by who is killed then is another's after twice that, and a minute.
        ("SMTP_TIMEOUT_MS", "3000"),
        ("WEBHOOK_LOCAL_RECEIVERS", "true"),
    ];
    LocalStack::start_with(mode, &variables).await.unwrap()
}

/// A campaign that partners apply for, of a brand that has addresses.
async fn campaign(walker: &Walker<'_>, brand: &str) {
    let addresses = ADDRESSES.map(|address| json!({ "address": address }));
    let addresses = json!({ "addresses": addresses });
    let done = walker.write_by(Method::PUT, brand, "contacts/mail", addresses);
    assert_eq!(done.await["status"], "completed");
    let campaign = json!({"campaign_id": "camp-mail", "name": "Summer <b>sale</b>", "currency": "USD", "join": "approval",
        "allowed_hosts": ["shop.example.com"]});
    walker.done(brand, "campaigns", campaign).await;
    let terms = json!({"text": "Be honest.", "window_days": 30, "plan": {"sale": {"bps": 1250}, "hold_days": 14}});
    walker.done(brand, "campaigns/camp-mail/terms", terms).await;
    let activate = "campaigns/camp-mail/activate";
    walker.done(brand, activate, json!({})).await;
}

async fn apply(stack: &LocalStack, walker: &Walker<'_>, partner: &str) -> Value {
    let token = stack.token(&["--partner", partner]).unwrap();
    let accept = json!({"accepted_terms": true});
    let path = "campaigns/camp-mail/accept";
    let applied = walker.write_as(&token, path, accept).await;
    assert_eq!(applied["status"], "completed", "{applied}");
    applied
}

/// Each mail that was taken, by its `Message-ID`, with how often.
fn taken(server: &MailServer) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for given in server.given() {
        assert_eq!(given["tls"], true);
        *taken.entry(smtp::header(&given, "Message-ID")).or_default() += 1;
    }
    taken
}

/// What a service's log states of these types, by the subject.
async fn logged(stack: &LocalStack, service: Service, types: &str) -> Vec<(String, String)> {
    let url = stack.database_url(service).unwrap();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    let stated = sqlx::query_as(
        "SELECT subject, type FROM pipeline.message_log WHERE type LIKE $1 ORDER BY position",
    );
    let stated = stated.bind(types).fetch_all(&pool).await.unwrap();
    pool.close().await;
    stated
}

/// What became of mails, by the mail.
async fn stated(stack: &LocalStack) -> Vec<(String, String)> {
    logged(stack, Service::Notify, "notification.%").await
}

#[expect(
    clippy::disallowed_methods,
    reason = "how often notify is killed is the runner's to say"
)]
fn kills() -> usize {
    let given = std::env::var("NOTIFY_KILLS");
    given.map_or(KILLS, |given| given.parse().unwrap())
}

async fn each_is_sent_at_least_once(mode: Mode) {
    let kills = kills();
    let mut server = MailServer::start("starttls").await;
    let stack = start(mode, &server).await;
    stack.load_demo().await.unwrap();
    let walker = Walker::new(&stack, mode);
    let brand = stack.token(&["--brand", "brand123"]).unwrap();
    campaign(&walker, &brand).await;
    let customer = Customer::start().await;
    let endpoint = json!({"url": customer.url, "kinds": ["enrollment.applied.v1"]});
    walker.done(&brand, "webhooks", endpoint).await;
    let mut applied = Vec::new();
    for round in 0..kills {
        // It takes what it is given, and says nothing: nobody knows that it did.
        server.says("hang").await;
        let before = server.given().len();
        for application in 0..APPLICATIONS {
            let partner = format!("partner-{round}-{application}");
            applied.push(apply(&stack, &walker, &partner).await);
        }
        until("a mail is taken and not answered", || async {
            server.given().len() > before
        })
        .await;
        stack.kill(Program::Service(Service::Notify)).unwrap();
        server.says("take").await;
        stack.start_again().await.unwrap();
    }
    // What hung in more rounds than one is tried again after minutes, and then hours.
    clock(&stack, &["advance", "1d"]);
    let expected = kills * APPLICATIONS * ADDRESSES.len();
    until("the log has what became of each mail", || async {
        stated(&stack).await.len() >= expected
    })
    .await;
    let stated = stated(&stack).await;
    let ids: BTreeSet<&str> = stated.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((stated.len(), ids.len()), (expected, expected), "each once");
    let sent = stated
        .iter()
        .all(|(_, kind)| kind == "notification.sent.v1");
    assert!(sent, "{stated:?}");
    let taken = taken(&server);
    let named = ids.iter().map(|id| format!("<{id}@tributary.example>"));
    assert_eq!(
        taken.keys().cloned().collect::<BTreeSet<_>>(),
        named.collect()
    );
    assert!(
        taken.values().any(|times| *times > 1),
        "the test kills nobody between a mail and its note: {taken:?}"
    );
    let one = server.given().remove(0);
    let mail = one["mail"].as_str().unwrap();
    assert!(mail.contains("&lt;b&gt;sale"), "{mail}");
    timeline_ends_in_mails(&walker, &brand, applied.last().unwrap()).await;
    let delivered = || {
        let arrived = customer.answered(200).into_iter();
        let subjects = arrived.map(|it| it.event["subject"].as_str().unwrap().to_owned());
        subjects.collect::<BTreeSet<String>>()
    };
    until("each application is delivered", || async {
        delivered().len() >= applied.len()
    })
    .await;
    let events = logged(&stack, Service::Campaign, "enrollment.applied.v1").await;
    let events = events.into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(delivered(), events, "each event, and no other");
    let ids: BTreeSet<String> = customer.answered(200).into_iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), applied.len(), "sent again it has the same id");
    let pending = "webhook-deliveries?state=pending";
    until("nothing waits", || async {
        walker.read_as(&brand, pending).await["items"] == json!([])
    })
    .await;
    one_click_ends_mails(&stack, &walker, &brand, &one).await;
}

/// As a mailbox provider does it, with what stands in the head of a mail: its address is sent no such mails any more.
async fn one_click_ends_mails(stack: &LocalStack, walker: &Walker<'_>, brand: &str, mail: &Value) {
    let link = smtp::header(mail, "List-Unsubscribe");
    let url = link.trim_matches(['<', '>']);
    let bff = stack.url(Service::Bff).unwrap();
    assert!(url.starts_with(&format!("{bff}/unsubscribe/")), "{url}");
    let one_click = [("List-Unsubscribe", "One-Click")];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(url).form(&one_click);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let ended = ["earnings", "money", "security"];
    let index = ADDRESSES.iter().position(|it| mail["to"][0] == *it);
    until("the address is sent no such mails any more", || async {
        let shown = walker.read_as(brand, "contacts/mail").await;
        shown["items"][0]["addresses"][index.unwrap()]["groups"] == json!(ended)
    })
    .await;
    let applied = apply(stack, walker, "partner-after").await;
    let request = applied["correlation_id"].as_str().unwrap();
    let path = format!("timeline/{request}");
    until("the other address is sent it", || async {
        let timeline = walker.read_whole(brand, &path).await;
        let messages = timeline["messages"].as_array().unwrap().iter();
        let sent = messages.filter(|it| it["type"] == "notification.sent.v1");
        sent.count() == ADDRESSES.len() - 1
    })
    .await;
}

/// The timeline of an application ends in its mails.
async fn timeline_ends_in_mails(walker: &Walker<'_>, brand: &str, application: &Value) {
    let request = application["correlation_id"].as_str().unwrap();
    let path = format!("timeline/{request}");
    let timeline = walker.read_whole(brand, &path).await;
    let messages = timeline["messages"].as_array().unwrap().iter();
    let sent = messages.filter(|it| it["type"] == "notification.sent.v1");
    assert_eq!(sent.count(), ADDRESSES.len(), "{timeline:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_and_webhooks_are_sent_at_least_once_though_notify_is_killed_in_http_mode() {
    each_is_sent_at_least_once(Mode::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_and_webhooks_are_sent_at_least_once_though_notify_is_killed_in_event_mode() {
    each_is_sent_at_least_once(Mode::Event).await;
}
