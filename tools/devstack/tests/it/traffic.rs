//! Traffic for stacks that are being broken: purchases through the bff, and by an external producer.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use devstack::demo::Tokens;
use devstack::local::LocalStack;
use reqwest::StatusCode;
use schemas::Service;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

pub const PATIENCE: Duration = Duration::from_secs(90);

/// A shop that reports purchases of `user123`, each of which earns a commission, through whichever bff answers.
#[derive(Clone)]
pub struct Shop {
    http: reqwest::Client,
    bffs: Vec<String>,
    token: String,
    ledger: String,
    /// What each trip's order ids begin with.
    name: String,
    next: Arc<AtomicUsize>,
}

impl Shop {
    pub fn new(stack: &LocalStack, name: &str, bffs: Vec<String>) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        Self {
            http,
            bffs,
            token: stack.token(&["--role", "operator"]).unwrap(),
            ledger: stack.database_url(Service::Payment).unwrap(),
            name: name.to_owned(),
            next: Arc::default(),
        }
    }

    /// Reports one purchase, as often as it takes until somebody takes it; the correlation id.
    pub async fn buy(&self) -> Uuid {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let order = format!("{}-{number}", self.name);
        let body = json!({
            "user_id": "user123", "event_type": "purchase", "order_id": order, "amount": 10.0, "currency": "USD",
        });
        let end = Instant::now() + PATIENCE;
        for attempt in number.. {
            let url = format!(
                "{}/api/v1/tracking/events",
                self.bffs[attempt % self.bffs.len()]
            );
            let request = self.http.post(url).bearer_auth(&self.token).json(&body);
            let answer = request.header("Idempotency-Key", &order).send().await;
            let status = answer.as_ref().map(reqwest::Response::status);
            assert!(
                !status.is_ok_and(|status| status.is_client_error()),
                "{order} is refused: {status:?}"
            );
            if let Ok(answer) = answer
                && answer.status() == StatusCode::ACCEPTED
            {
                let taken: Value = answer.json().await.unwrap_or_default();
                if let Some(id) = taken["correlation_id"].as_str() {
                    return id.parse().unwrap();
                }
            }
            assert!(Instant::now() < end, "{order} is taken by nobody");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        unreachable!("the numbers do not end")
    }

    /// Waits until each of these purchases is in the ledger; how long that took.
    pub async fn wait_for(&self, purchases: &[Uuid]) -> Duration {
        let begun = Instant::now();
        let mut ledger = PgConnection::connect(&self.ledger).await.unwrap();
        loop {
            let posted: i64 = sqlx::query_scalar(
                "SELECT count(DISTINCT correlation_id) FROM pipeline.message_log
                  WHERE type = 'ledger.posted.v1' AND correlation_id = ANY($1)",
            )
            .bind(purchases)
            .fetch_one(&mut ledger)
            .await
            .unwrap();
            if usize::try_from(posted).unwrap() == purchases.len() {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{posted} of {} purchases are in the ledger",
                purchases.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asserts that none of these purchases is in the ledger twice.
    pub async fn assert_once(&self, purchases: &[Uuid]) {
        let mut ledger = PgConnection::connect(&self.ledger).await.unwrap();
        let posted: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pipeline.message_log WHERE type = 'ledger.posted.v1' AND correlation_id = ANY($1)",
        )
        .bind(purchases)
        .fetch_one(&mut ledger)
        .await
        .unwrap();
        assert_eq!(usize::try_from(posted).unwrap(), purchases.len());
    }

    /// Buys until stopped, one purchase after the other is taken.
    pub fn open(&self) -> Open {
        let (shop, closed) = (self.clone(), Arc::new(AtomicBool::new(false)));
        let close = Arc::clone(&closed);
        #[allow(clippy::disallowed_methods, reason = "it ends with the test")]
        let selling = tokio::spawn(async move {
            let mut taken = Vec::new();
            while !close.load(Ordering::Relaxed) {
                taken.push(shop.buy().await);
            }
            taken
        });
        Open { closed, selling }
    }
}

/// Traffic that goes on.
pub struct Open {
    closed: Arc<AtomicBool>,
    selling: JoinHandle<Vec<Uuid>>,
}

impl Open {
    /// Ends it; what was taken.
    pub async fn close(self) -> Vec<Uuid> {
        self.closed.store(true, Ordering::Relaxed);
        self.selling.await.unwrap()
    }
}
