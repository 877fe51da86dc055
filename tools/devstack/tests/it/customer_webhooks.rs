//! Webhooks to a customer's system, from a request at the bff to what the public libraries make of what arrives.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use devstack::demo::Tokens;
use devstack::layout::Layout;
use devstack::local::LocalStack;
use devstack::services::Program;
use devstack::settings::Mode;
use devstack::stack::run;
use devstack::stack::testing::{PYTHON, from_test_run, scratch};
use devstack::tools;
use schemas::Service;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::clock::{clock, held_sale};
use crate::walk::{Walker, until};

const WRONG_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

/// What arrived, with the status that it was answered with.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    status: u16,
    pub(crate) id: String,
    headers: BTreeMap<String, String>,
    text: String,
    pub(crate) event: Value,
}

impl Arrived {
    fn is(&self, kind: &str) -> bool {
        self.event["type"] == kind
    }
}

/// A customer's system; it ends with the test.
pub(crate) struct Customer {
    pub(crate) url: String,
    status: Arc<AtomicU16>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    _server: JoinSet<std::io::Result<()>>,
}

impl Customer {
    pub(crate) async fn start() -> Self {
        let status = Arc::new(AtomicU16::new(200));
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let (now, all) = (Arc::clone(&status), Arc::clone(&arrived));
        let receive = move |headers: HeaderMap, text: String| {
            let status = now.load(Ordering::SeqCst);
            let headers = headers.iter();
            let headers =
                headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            let headers: BTreeMap<_, _> = headers.collect();
            all.lock().unwrap().push(Arrived {
                status,
                id: headers["webhook-id"].clone(),
                event: serde_json::from_str(&text).unwrap(),
                headers,
                text,
            });
            async move { StatusCode::from_u16(status).unwrap() }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, Router::new().fallback(receive)).into_future());
        Self {
            url,
            status,
            arrived,
            _server: server,
        }
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// What it was sent and has answered so.
    pub(crate) fn answered(&self, status: u16) -> Vec<Arrived> {
        let arrived = self.arrived.lock().unwrap();
        let these = arrived.iter().filter(|it| it.status == status);
        these.cloned().collect()
    }

    async fn has(&self, kind: &str, status: u16) {
        until(&format!("{kind} arrives"), || async {
            self.answered(status).iter().any(|it| it.is(kind))
        })
        .await;
    }
}

/// How many of these the program that a customer would write verifies, and refuses with another secret.
fn verified(program: &mut Command, file: &str, secret: &str) -> usize {
    let reported = run(program.args([file, secret, WRONG_SECRET])).unwrap();
    reported.trim().parse().unwrap()
}

/// Both public libraries verify all of this with its secret, and none with another.
fn verify(arrived: &[Arrived], secret: &str) {
    let folder = scratch("webhooks");
    fs::create_dir_all(&folder).unwrap();
    let mut lines = String::new();
    for it in arrived {
        let line = json!({"headers": it.headers, "body": it.text});
        writeln!(lines, "{line}").unwrap();
    }
    let file = folder.join("arrived.ndjson");
    fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let clients = Layout::find().root.join("tools/devstack/tests/it/clients");
    let mut python = Command::new(from_test_run(PYTHON));
    python.arg(clients.join("webhooks.py"));
    assert_eq!(verified(&mut python, file, secret), arrived.len());
    let node = tools::node(&Layout::find()).unwrap();
    symlink(node.home.join("node_modules"), folder.join("node_modules")).unwrap();
    let script = folder.join("webhooks.mjs");
    fs::copy(clients.join("node/webhooks.mjs"), &script).unwrap();
    let mut javascript = Command::new(&node.program);
    javascript.arg(script);
    assert_eq!(verified(&mut javascript, file, secret), arrived.len());
    fs::remove_dir_all(folder).unwrap();
}

async fn a_customer_is_sent_what_happens(mode: Mode) {
    let stack = LocalStack::start_with(mode, &[("WEBHOOK_LOCAL_RECEIVERS", "true")])
        .await
        .unwrap();
    stack.load_demo().await.unwrap();
    let walker = Walker::new(&stack, mode);
    let (shop, partner) = (
        stack.token(&["--brand", "brand123"]).unwrap(),
        stack.token(&[]).unwrap(),
    );
    let customer = Customer::start().await;
    let endpoint = json!({"url": customer.url});
    walker.done(&shop, "webhooks", endpoint).await;
    let list = walker.read_as(&shop, "webhooks").await;
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let shown = walker
        .read_as(&shop, &format!("webhooks/{id}/secret"))
        .await;
    let secret = shown["secret"].as_str().unwrap();
    let hidden = walker
        .read_as(&partner, &format!("webhooks/{id}/secret"))
        .await;
    assert_eq!(hidden["status"], 404, "{hidden}");

    held_sale(&stack, &walker, &shop, &partner).await;
    for kind in [
        "campaign.created.v1",
        "link.created.v1",
        "conversion.attributed.v1",
        "commission.calculated.v1",
        "ledger.posted.v1",
    ] {
        customer.has(kind, 200).await;
    }
    verify(&customer.answered(200), secret);

    // Away, with notify killed meanwhile, and back after an hour.
    customer.answers(503);
    let refund = |amount: &str| json!({"user_id": "user-held", "event_type": "refund", "order_id": "o-held", "amount": amount, "currency": "USD"});
    walker.done(&shop, "tracking/events", refund("10.00")).await;
    customer.has("conversion.refunded.v1", 503).await;
    stack.kill(Program::Service(Service::Notify)).unwrap();
    walker.done(&shop, "tracking/events", refund("5.00")).await;
    stack.start_again().await.unwrap();
    until("all that happened waits", || async {
        let waiting = "webhook-deliveries?state=pending&kind=conversion.refunded.v1";
        let waiting = walker.read_as(&shop, waiting).await;
        waiting["items"].as_array().is_some_and(|it| it.len() == 2)
    })
    .await;
    customer.answers(200);
    clock(&stack, &["advance", "1h"]);
    until("all that waited is delivered", || async {
        let waiting = walker
            .read_as(&shop, "webhook-deliveries?state=pending")
            .await;
        let refunds = customer.answered(200);
        let refunds = refunds.iter().filter(|it| it.is("conversion.refunded.v1"));
        waiting["items"] == json!([]) && refunds.count() == 2
    })
    .await;
    let delivered = customer.answered(200);
    let ids: BTreeSet<&str> = delivered.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids.len(), delivered.len(), "each once");
    let sale = delivered
        .iter()
        .find(|it| it.is("conversion.attributed.v1"));
    let order = &sale.unwrap().event["subject"];
    let of_order = delivered.iter().filter(|it| it.event["subject"] == *order);
    let totals = of_order.filter(|it| it.is("conversion.refunded.v1"));
    let totals: Vec<i64> = totals
        .map(|it| {
            it.event["data"]["refunded_total"]["minor"]
                .as_i64()
                .unwrap()
        })
        .collect();
    assert_eq!(totals, [1_000, 1_500], "in order");
    verify(&delivered, secret);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_sent_what_happens_in_http_mode() {
    a_customer_is_sent_what_happens(Mode::Http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_sent_what_happens_in_event_mode() {
    a_customer_is_sent_what_happens(Mode::Event).await;
}
