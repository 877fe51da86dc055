//! Payment: the ledger, balances and payouts.
//!
//! | | |
//! |---|---|
//! | takes | `payment.request_payout`, what brands ask of their money, and of its own jobs `payment.begin_payout`, `payment.record_payout_answer`, `payment.fund_earnings`, `payment.issue_statement`, `payment.state_funds` |
//! | follows | commission: `commission.calculated`, `commission.approved`, `commission.reversed` |
//! | emits | `payout.*`, `ledger.posted`, what became of brands' money, `statement.issued`, `sealing_key.published` |
//! | owns | balances, transfers, payouts, statements; beside them sealing keys and encrypted payment details |

pub mod domain;
mod http;
pub mod jobs;
mod messages;
mod service;
mod state;
mod store;

use std::sync::Arc;
use std::time::Duration;

use chassis::config::Env;
use chassis::telemetry::Help;
use messaging::DynDomain;
use messaging::gauges::Gauge;
use runtime::{Definition, LeaderJobs};
use sealing::DataKeys;
use secrecy::SecretString;
use sqlx::migrate::Migrator;

use jobs::{FundEarnings, IssueStatements, Reencryption, SealingKeyKeeper, StateFunds, payouts};
use store::payouts::by_status_under_way;

pub use service::Payment;

/// Payment's own tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// What its own metrics show.
const METRICS: &[Help] = &[
    (
        "payment_payouts_under_way",
        "Payouts that are not final, by status",
    ),
    (
        "payment_payouts_oldest_seconds",
        "How long the oldest payout waits for the provider, by status: since its first attempt, where there was one",
    ),
];

/// Payouts that are not final, and how long the oldest of them waits, by status: between attempts it is one thing and the other in turn.
const GAUGES: &[Gauge] = &[
    Gauge {
        name: "payment_payouts_under_way",
        label: "status",
        sql: concat!("SELECT s.status, count(p.id) ", by_status_under_way!()),
    },
    Gauge {
        name: "payment_payouts_oldest_seconds",
        label: "status",
        sql: concat!(
            "SELECT s.status, coalesce((",
            messaging::sql_now!(),
            " - min(coalesce(p.first_attempt_at, p.updated_at))) / 1000000, 0) ",
            by_status_under_way!()
        ),
    },
];

/// What only payment reads from its environment.
#[derive(Debug)]
pub struct PaymentSettings {
    /// What payment details are encrypted with at rest.
    pub data_key: SecretString,
    /// What they may be encrypted with still.
    pub accepted_data_keys: Vec<SecretString>,
    /// Where the payout provider is.
    pub provider_url: String,
    /// Without an answer from the provider within this, a payout is indeterminate.
    pub provider_timeout: Duration,
    /// Partitions of each topic, as provisioned.
    pub partitions: u32,
}

impl PaymentSettings {
    /// Reads them; what is wrong is reported by [`Env::finish`].
    pub fn read(env: &mut Env) -> Self {
        Self {
            data_key: env.secret("PAYMENT_DATA_KEY", 32),
            accepted_data_keys: env.secrets("PAYMENT_ACCEPTED_DATA_KEYS", 32),
            provider_url: env.or("PAYOUT_PROVIDER_URL", "http://127.0.0.1:8010".to_owned()),
            // A step makes three calls, and ends after a minute.
            provider_timeout: Duration::from_millis(env.within(
                "PAYOUT_PROVIDER_TIMEOUT_MS",
                5_000,
                1..=20_000,
            )),
            partitions: env.or("PULSAR_TOPIC_PARTITIONS", 1),
        }
    }
}

/// Its domain behind a pointer, for who folds its log: compiled here, and not in each program that does.
pub fn domain(data_keys: Arc<DataKeys>) -> Arc<dyn DynDomain> {
    Arc::new(Payment::new(data_keys))
}

/// The service, from its environment.
///
/// # Panics
/// When the cryptography library or the HTTP client cannot start at all.
#[expect(clippy::expect_used, reason = "start-up")]
pub fn define(env: &mut Env) -> Definition<Payment> {
    let settings = PaymentSettings::read(env);
    definition(&settings).expect("the HTTP client and the data key can be made")
}

/// The service, from its settings.
pub fn definition(settings: &PaymentSettings) -> anyhow::Result<Definition<Payment>> {
    let data_keys = DataKeys::derive(&settings.data_key, &settings.accepted_data_keys)?;
    let data_keys = Arc::new(data_keys);
    let provider = payouts::HttpProvider::new(&settings.provider_url, settings.provider_timeout)?;
    let worker = payouts::PayoutWorker::new(provider, Arc::clone(&data_keys));
    let keeper = SealingKeyKeeper::new(Arc::clone(&data_keys), settings.partitions);
    let mut jobs = LeaderJobs::nothing()
        .with(worker)
        .with(keeper)
        .with(FundEarnings)
        .with_host(|_| IssueStatements::default())
        .with_host(|_| StateFunds::default());
    if data_keys.is_changing() {
        jobs = jobs.with(Reencryption::new(Arc::clone(&data_keys)));
    }
    Ok(Definition {
        operators: http::operator_routes,
        jobs,
        gauges: GAUGES,
        metrics: METRICS,
        ..Definition::of(
            Payment::new(data_keys),
            &MIGRATIONS,
            "The ledger, balances and payouts.",
            http::routes,
        )
    })
}
