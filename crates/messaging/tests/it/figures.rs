//! What one test's thread reports as metrics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use messaging::{Health, Tasks, gauges};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use runtime::testing::until;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::lab::Lab;

/// The gauges, by name and values of labels. For [`metrics::set_default_local_recorder`].
#[derive(Default)]
pub struct Figures(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Figures {
    /// What a gauge stands at, such as `tributary_transport_open pulsar`; `None` when it was never reported.
    pub fn gauge(&self, named: &str) -> Option<f64> {
        let gauges = self.0.lock().unwrap();
        let gauge = gauges.get(named)?;
        Some(f64::from_bits(gauge.load(Ordering::SeqCst)))
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut named = key.name().to_owned();
        for label in key.labels() {
            named.push(' ');
            named.push_str(label.value());
        }
        let mut gauges = self.0.lock().unwrap();
        Gauge::from_arc(Arc::clone(gauges.entry(named).or_default()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Reports until this is how the database is.
async fn reported(pool: &PgPool, figures: &Figures, away: f64) {
    let tasks = Tasks::new(CancellationToken::new());
    let reporting = gauges::report(pool.clone(), Health::default(), &[], tasks.stop().clone());
    tasks.spawn("gauges", reporting);
    until("it is reported", async || {
        figures.gauge("tributary_database_away") == Some(away)
    })
    .await;
    tasks.stop().cancel();
    tasks.finished().await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_reported_though_nothing_is_to_be_handled() {
    let figures = Figures::default();
    let _reported = metrics::set_default_local_recorder(&figures);
    let lab = Lab::new().await;
    reported(&lab.pool, &figures, 0.0).await;
    lab.pool.close().await;
    reported(&lab.pool, &figures, 1.0).await;
    assert_eq!(figures.gauge("tributary_batches_waiting"), Some(0.0));
}
