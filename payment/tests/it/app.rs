//! Payment and its provider under test.

use std::collections::HashMap;

use crate::provider::Provider;
use axum::http::StatusCode;
use chassis::config::Env;
use payment::Payment;
use runtime::Definition;
use runtime::testing::{TestService, operator, partner, unmade_database, until, variables};
use schemas::{Body, CommissionCalculatedV1, CommissionReversedV1, Service, Topic};
use serde_json::{Value, json};
use types::{ConversionType, EarningStatus, Money, TermsVersion};

pub(crate) const DATA_KEY: &str = "a data key for tests only, of more than 32 bytes";

pub(crate) struct App {
    pub(crate) service: TestService,
    pub(crate) provider: Provider,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::patient(5_000).await
    }

    /// One that waits for its provider's answers so long.
    pub(crate) async fn patient(timeout_ms: u32) -> Self {
        let provider = Provider::start().await;
        let variables = payment_variables(&unmade_database(), &provider, timeout_ms);
        Self::with(provider, variables, payment::define).await
    }

    pub(crate) async fn with(
        provider: Provider,
        variables: HashMap<String, String>,
        define: impl FnOnce(&mut Env) -> Definition<Payment>,
    ) -> Self {
        let service = TestService::start_with(define, variables).await;
        let app = Self { service, provider };
        app.wait_for_sealing_key().await;
        app
    }

    /// Another process on the same database.
    pub(crate) async fn replica(&self) -> TestService {
        let variables = payment_variables(&self.service.database_url, &self.provider, 500);
        TestService::start_with(payment::define, variables).await
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

    /// Waits until its log has such an event, however soon another followed.
    pub(crate) async fn until_logged(&self, kind: &str) {
        until(kind, || async {
            let log = self.service.log().await;
            log.iter().any(|message| message.header.kind == kind)
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

    pub(crate) async fn assert_fold(&self, tables: &[&str]) {
        let secret = secrecy::SecretString::from(DATA_KEY);
        let key = sealing::DataKey::derive(&secret).unwrap();
        let domain = Payment::new(std::sync::Arc::new(key.into()));
        self.service
            .assert_state_is_the_fold_of_its_log(&domain, &payment::MIGRATIONS, tables)
            .await;
    }
}

/// Runs statements in its database.
pub(crate) async fn run(app: &App, sql: &'static str) {
    sqlx::raw_sql(sql)
        .execute(app.service.pool())
        .await
        .unwrap();
}

pub(crate) fn payment_variables(
    database_url: &str,
    provider: &Provider,
    timeout_ms: u32,
) -> HashMap<String, String> {
    let mut variables = variables(Service::Payment, database_url);
    let own = [
        ("PAYMENT_DATA_KEY", DATA_KEY.to_owned()),
        ("PAYOUT_PROVIDER_URL", provider.url.clone()),
        ("PAYOUT_PROVIDER_TIMEOUT_MS", timeout_ms.to_string()),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value)));
    variables
}

pub(crate) fn money(minor: i64, currency: &str) -> Money {
    Money::new(minor, currency.parse().unwrap())
}

pub(crate) fn reversed(minor: i64, from: EarningStatus) -> CommissionReversedV1 {
    CommissionReversedV1 {
        partner_id: "partner123".parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        amount: money(minor, "USD"),
        reversed_total: money(minor, "USD"),
        from,
    }
}

pub(crate) fn calculated(
    partner: &str,
    minor: i64,
    currency: &str,
    status: &str,
) -> CommissionCalculatedV1 {
    CommissionCalculatedV1 {
        partner_id: partner.parse().unwrap(),
        brand_id: "brand1".parse().unwrap(),
        campaign_id: "camp100".parse().unwrap(),
        event_type: ConversionType::Purchase,
        base: Some(money(minor.saturating_mul(10), currency)),
        rate_bps: Some(1_000),
        flat: None,
        plan_version: TermsVersion::FIRST,
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
