//! The payout provider of the tests.

use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use payout_simulator::{Behaviour, Ledger, Simulator};
use runtime::testing::until;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A provider on a free port; it ends with the test.
pub(crate) struct Provider {
    pub(crate) url: String,
    client: reqwest::Client,
    calls: Arc<Mutex<Vec<String>>>,
    _server: JoinSet<std::io::Result<()>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let behaviour = Behaviour {
            settle_ms: 0,
            ..Behaviour::default()
        };
        let simulator = Simulator::new(behaviour, Ledger::new(1_000), None);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&calls);
        let listening = axum::middleware::from_fn(move |request: Request, next: Next| {
            let call = format!("{} {}", request.method(), request.uri().path());
            heard.lock().unwrap().push(call);
            next.run(request)
        });
        let router = payout_simulator::router(simulator).layer(listening);
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, router).into_future());
        Self {
            url,
            client: reqwest::Client::new(),
            calls,
            _server: server,
        }
    }

    pub(crate) async fn control(&self, change: Value) {
        let request = self.client.post(format!("{}/control", self.url));
        let answer = request.json(&change).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// What was asked of it since this was last called, such as `POST /v1/payouts`.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// Waits until it has taken so many payouts.
    pub(crate) async fn until_taken(&self, count: usize) {
        until("the provider has taken it", || async {
            self.taken().await.len() == count
        })
        .await;
    }

    /// Hands it a submission, as one that was long on its way.
    pub(crate) async fn take(&self, reference: &str, amount: &str) {
        let request = self.client.post(format!("{}/v1/payouts", self.url));
        let submission = json!({
            "reference": reference, "amount": amount, "currency": "USD", "method": "paypal",
            "details": {"email": "user@example.com"},
        });
        let answer = request.json(&submission).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// References of everything it ever took, in order.
    pub(crate) async fn taken(&self) -> Vec<String> {
        let request = self.client.get(format!("{}/v1/payouts", self.url));
        let statement: Value = request.send().await.unwrap().json().await.unwrap();
        let payouts = statement["payouts"].as_array().unwrap().iter();
        payouts
            .map(|payout| payout["reference"].as_str().unwrap().to_owned())
            .collect()
    }
}
