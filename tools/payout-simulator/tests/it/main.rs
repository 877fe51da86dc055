//! The simulator as its clients see it: over HTTP.
#![allow(clippy::unwrap_used)]

mod faults;
mod submitting;

use payout_simulator::{Behaviour, Journal, Ledger, Simulator, router};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A simulator on a free port; it ends with the test.
struct TestApp {
    base: String,
    client: Client,
    _server: JoinSet<std::io::Result<()>>,
}

impl TestApp {
    async fn start(behaviour: Behaviour) -> Self {
        Self::with(Simulator::new(behaviour, Ledger::new(4), None)).await
    }

    async fn with(simulator: Simulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, router(simulator)).into_future());
        Self {
            base,
            client: Client::new(),
            _server: server,
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self
            .client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn submit(&self, reference: &str) -> (StatusCode, Value) {
        let answer = self.post("/v1/payouts", &payout(reference)).await;
        (answer.status(), answer.json().await.unwrap())
    }

    async fn control(&self, change: Value) -> StatusCode {
        self.post("/control", &change).await.status()
    }

    async fn state(&self, reference: &str) -> Value {
        let (_, body) = self.get(&format!("/v1/payouts/{reference}")).await;
        body["state"].clone()
    }

    async fn taken(&self) -> usize {
        let (_, body) = self.get("/v1/payouts").await;
        body["payouts"].as_array().unwrap().len()
    }
}

fn payout(reference: &str) -> Value {
    json!({
        "reference": reference, "amount": "150.00", "currency": "USD", "method": "paypal",
        "details": { "email": "user@example.com" },
    })
}

fn settled_at_once() -> Behaviour {
    Behaviour {
        settle_ms: 0,
        ..Behaviour::default()
    }
}

#[tokio::test]
async fn it_is_alive_and_shows_how_it_behaves() {
    let app = TestApp::start(Behaviour::default()).await;
    assert_eq!(app.get("/health").await.1, json!({ "status": "ok" }));
    let (_, behaviour) = app.get("/control").await;
    assert_eq!(behaviour["settle_ms"], 500);
    assert_eq!(behaviour["fault"], Value::Null);
}

#[tokio::test]
async fn a_ledger_on_disk_outlives_the_process() {
    let path = std::env::temp_dir().join(format!("ledger-{}.jsonl", uuid::Uuid::now_v7()));
    let open = || {
        let mut ledger = Ledger::new(4);
        let journal = Journal::open(&path, &mut ledger).unwrap();
        Simulator::new(settled_at_once(), ledger, Some(journal))
    };
    let first = TestApp::with(open()).await.submit("p1").await.1["id"].clone();
    let app = TestApp::with(open()).await;
    let (status, again) = app.submit("p1").await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &first));
    assert_eq!(app.taken().await, 1);
    std::fs::remove_file(&path).unwrap();
}
