//! A provider that is slow about some payouts delays no others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chassis::config::Env;
use payment::domain::Payout;
use payment::jobs::SealingKeyKeeper;
use payment::jobs::payouts::{
    Indeterminate, PayoutProvider, PayoutWorker, ProviderState, Report, Submitted,
};
use payment::{Payment, PaymentSettings};
use runtime::testing::{unmade_database, until};
use runtime::{Definition, LeaderJobs};
use sealing::{DataKey, DataKeys, Details};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::app::{App, payment_variables};
use crate::provider::Provider;

#[tokio::test]
async fn while_the_provider_hangs_over_one_payout_another_is_paid() {
    let mut app = App::patient(20_000).await;
    app.earn("partner123", 20_000).await;
    app.provider
        .control(json!({ "fault": "time_out_before", "fault_times": 1 }))
        .await;
    let hanging = app.granted("partner123", "150.00").await;
    until("the provider hangs", || async {
        let calls = app.provider.calls();
        calls.iter().any(|call| call == "POST /v1/payouts")
    })
    .await;
    let other = app.granted("partner123", "10.00").await;
    app.until_status(&other, "paid").await;
    assert_eq!(app.payout(&hanging).await["status"], "submitting");
    assert_eq!(app.provider.taken().await, [other]);
}

/// Lets nothing through until told to, and counts.
struct Gate {
    open: Semaphore,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    at_once: usize,
    most_at_once: usize,
    submitted: BTreeMap<String, usize>,
}

struct Gated(Arc<Gate>);

impl PayoutProvider for Gated {
    async fn submit(&self, payout: &Payout, _: &Details) -> Result<Submitted, Indeterminate> {
        {
            let mut seen = self.0.seen.lock().unwrap();
            seen.at_once += 1;
            seen.most_at_once = seen.most_at_once.max(seen.at_once);
            let times = seen.submitted.entry(payout.id.to_string());
            *times.or_default() += 1;
        }
        let _through = self.0.open.acquire().await.unwrap();
        self.0.seen.lock().unwrap().at_once -= 1;
        Ok(Submitted::Taken(paid()))
    }

    async fn lookup(&self, _: &Payout) -> Result<Option<Report>, Indeterminate> {
        Ok(None)
    }
}

fn paid() -> Report {
    Report {
        state: ProviderState::Paid,
        provider_ref: None,
        reason: None,
    }
}

/// Payment with a provider of the test's own.
fn paying_by(env: &mut Env, provider: impl PayoutProvider) -> Definition<Payment> {
    let settings = PaymentSettings::read(env);
    let data_key = DataKey::derive(&settings.data_key).unwrap();
    let data_key = Arc::new(DataKeys::from(data_key));
    let worker = PayoutWorker::new(provider, Arc::clone(&data_key));
    let keeper = SealingKeyKeeper::new(data_key, settings.partitions);
    let mut definition = payment::definition(&settings).unwrap();
    definition.jobs = LeaderJobs::nothing().with(worker).with(keeper);
    definition
}

/// Payment with a provider behind a gate.
async fn gated() -> (App, Arc<Gate>) {
    let gate = Arc::new(Gate {
        open: Semaphore::new(0),
        seen: Mutex::default(),
    });
    let provider = Provider::start().await;
    let variables = payment_variables(&unmade_database(), &provider, 500);
    let gated = Gated(Arc::clone(&gate));
    let mut app = App::with(provider, variables, |env| paying_by(env, gated)).await;
    app.earn("partner123", 20_000).await;
    (app, gate)
}

impl Gate {
    async fn until_hanging(&self, count: usize) {
        until(&format!("{count} hang"), || async {
            self.seen.lock().unwrap().at_once == count
        })
        .await;
    }

    fn assert_none_was_submitted_twice(&self) {
        let seen = self.seen.lock().unwrap();
        assert!(
            seen.submitted.values().all(|times| *times == 1),
            "{:?}",
            seen.submitted
        );
    }
}

#[tokio::test]
async fn sixteen_payouts_are_in_flight_at_once() {
    let (app, gate) = gated().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(app.granted("partner123", "1.00").await);
    }
    gate.until_hanging(16).await;
    gate.open.add_permits(Semaphore::MAX_PERMITS);
    for id in &ids {
        app.until_status(id, "paid").await;
    }
    assert_eq!(gate.seen.lock().unwrap().most_at_once, 16);
    gate.assert_none_was_submitted_twice();
}

#[tokio::test]
async fn a_payout_in_flight_is_not_taken_again_when_it_falls_due() {
    let (app, gate) = gated().await;
    let first = app.granted("partner123", "1.00").await;
    gate.until_hanging(1).await;
    app.service.advance_clock(3_600).await;
    // When the worker has come to the second, it has looked at what is due since.
    let second = app.granted("partner123", "1.00").await;
    gate.until_hanging(2).await;
    gate.open.add_permits(Semaphore::MAX_PERMITS);
    for id in [first, second] {
        app.until_status(&id, "paid").await;
    }
    gate.assert_none_was_submitted_twice();
}

/// Hangs over look-ups of all that are not new to it, and pays the rest.
struct Stuck(Vec<String>);

impl PayoutProvider for Stuck {
    async fn submit(&self, _: &Payout, _: &Details) -> Result<Submitted, Indeterminate> {
        Ok(Submitted::Taken(paid()))
    }

    async fn lookup(&self, payout: &Payout) -> Result<Option<Report>, Indeterminate> {
        if self.0.iter().any(|stuck| stuck == payout.id.as_str()) {
            std::future::pending::<()>().await;
        }
        Ok(None)
    }
}

#[tokio::test]
async fn more_stuck_payouts_than_fit_in_flight_do_not_keep_a_new_one_waiting() {
    let mut app = App::start().await;
    app.earn("partner123", 20_000).await;
    app.provider.control(json!({ "settle_ms": 600_000 })).await;
    let mut stuck = Vec::new();
    for _ in 0..17 {
        stuck.push(app.granted("partner123", "1.00").await);
    }
    for id in &stuck {
        app.until_status(id, "submitted").await;
    }
    let App { service, provider } = app;
    let variables = payment_variables(&service.database_url, &provider, 500);
    service.stop().await;
    let app = App::with(provider, variables.clone(), |env| {
        let settings = PaymentSettings::read(env);
        let mut definition = payment::definition(&settings).unwrap();
        definition.jobs = LeaderJobs::nothing();
        definition
    })
    .await;
    let new = app.granted("partner123", "1.00").await;
    app.service.advance_clock(3_600).await;
    let App { service, provider } = app;
    service.stop().await;
    let app = App::with(provider, variables, |env| paying_by(env, Stuck(stuck))).await;
    app.until_status(&new, "paid").await;
}
