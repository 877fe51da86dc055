//! Payment and its provider under test.

use axum::http::StatusCode;
use host::testing::{TestService, new_database, operator, partner, until, variables};
use payment::Payment;
use schemas::{Body, CommissionCalculatedV1, Service, Topic, WireMoney};
use serde_json::{Value, json};
use simulator::{Behaviour, Books, Simulator};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const DATA_KEY: &str = "a data key for tests only, of more than 32 bytes";

/// A provider on a free port; it ends with the test.
pub(crate) struct Provider {
    url: String,
    client: reqwest::Client,
    _server: JoinSet<std::io::Result<()>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let behaviour = Behaviour {
            settle_ms: 0,
            ..Behaviour::default()
        };
        let simulator = Simulator::new(behaviour, Books::new(1_000), None);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(axum::serve(listener, simulator::router(simulator)).into_future());
        Self {
            url,
            client: reqwest::Client::new(),
            _server: server,
        }
    }

    pub(crate) async fn control(&self, change: Value) {
        let request = self.client.post(format!("{}/control", self.url));
        let answer = request.json(&change).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
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

pub(crate) struct App {
    pub(crate) service: TestService,
    pub(crate) provider: Provider,
}

impl App {
    pub(crate) async fn start() -> Self {
        let provider = Provider::start().await;
        let service = start_service(&new_database().await, &provider).await;
        let app = Self { service, provider };
        app.wait_for_sealing_key().await;
        app
    }

    /// Another process on the same database.
    pub(crate) async fn replica(&self) -> TestService {
        start_service(&self.service.database_url, &self.provider).await
    }

    async fn wait_for_sealing_key(&self) {
        let pool = self.service.pool();
        until("a sealing key is published", || async {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM aside.sealing_keys")
                .fetch_one(pool)
                .await
                .unwrap();
            count == 1
        })
        .await;
    }

    /// A commission of the partner, approved at once.
    pub(crate) async fn earn(&mut self, partner: &str, minor: i64) {
        let conversion = format!("conv-{}", uuid::Uuid::now_v7());
        let body = calculated(partner, minor, "USD", "approved");
        self.state(&conversion, body).await;
    }

    /// Commission states something.
    pub(crate) async fn state(&mut self, conversion: &str, body: impl Into<Body>) {
        let topic = Topic::CommissionEvents;
        let delivered = self
            .service
            .deliver(topic, conversion, conversion, body.into());
        let (_, answer) = delivered.await;
        assert_eq!(answer.name(), "done");
    }

    pub(crate) async fn request(&self, who: &str, amount: &str) -> (StatusCode, Value) {
        let body = payout(amount);
        let path = "/api/v1/payment/payouts";
        self.service.post(path, &partner(who), &body).await
    }

    /// Asks for a payout that is granted; its id.
    pub(crate) async fn granted(&self, who: &str, amount: &str) -> String {
        let (status, body) = self.request(who, amount).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn payout(&self, id: &str) -> Value {
        let path = format!("/api/v1/payment/payouts/{id}");
        let (status, body) = self.service.get(&path, &operator()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    pub(crate) async fn until_status(&self, id: &str, status: &str) {
        until(&format!("{id} is {status}"), || async {
            self.payout(id).await["status"] == status
        })
        .await;
    }

    /// What stands in one of a partner's accounts, in USD.
    pub(crate) async fn balance(&self, who: &str, account: &str) -> Value {
        let path = format!("/api/v1/payment/balances?partner_id={who}");
        let (_, body) = self.service.get(&path, &operator()).await;
        body["items"][0]["accounts"][account].clone()
    }

    /// Ledger and payouts.
    pub(crate) async fn assert_state_is_the_fold_of_its_log(&self) {
        self.assert_fold(&["balances", "transfers", "payouts"])
            .await;
    }

    /// The ledger, where nothing was paid out.
    pub(crate) async fn assert_ledger_is_the_fold_of_its_log(&self) {
        self.assert_fold(&["balances", "transfers"]).await;
    }

    async fn assert_fold(&self, tables: &[&str]) {
        let secret = secrecy::SecretString::from(DATA_KEY);
        let key = sealing::DataKey::derive(&secret).unwrap();
        let domain = Payment::new(std::sync::Arc::new(key));
        self.service
            .assert_state_is_the_fold_of_its_log(&domain, &payment::MIGRATIONS, tables)
            .await;
    }
}

async fn start_service(database_url: &str, provider: &Provider) -> TestService {
    let mut variables = variables(Service::Payment, database_url);
    variables.insert("PAYMENT_DATA_KEY".to_owned(), DATA_KEY.to_owned());
    variables.insert("PAYOUT_PROVIDER_URL".to_owned(), provider.url.clone());
    variables.insert("PAYOUT_PROVIDER_TIMEOUT_MS".to_owned(), "500".to_owned());
    TestService::start_with(payment::define, variables).await
}

pub(crate) fn money(minor: i64, currency: &str) -> WireMoney {
    WireMoney {
        minor,
        currency: currency.to_owned(),
    }
}

pub(crate) fn calculated(
    partner: &str,
    minor: i64,
    currency: &str,
    status: &str,
) -> CommissionCalculatedV1 {
    CommissionCalculatedV1 {
        partner_id: partner.to_owned(),
        brand_id: "brand1".to_owned(),
        campaign_id: "camp100".to_owned(),
        event_type: "purchase".to_owned(),
        base: Some(money(minor.saturating_mul(10), currency)),
        rate_bps: Some(1_000),
        flat: None,
        plan_version: 1,
        rounding: "half_even".to_owned(),
        amount: money(minor, currency),
        status: status.to_owned(),
        hold_until: None,
    }
}

pub(crate) fn payout(amount: &str) -> Value {
    json!({
        "amount": amount, "currency": "USD", "payment_method": "paypal",
        "account_details": { "email": "canary-7f3a@example.com" },
    })
}
