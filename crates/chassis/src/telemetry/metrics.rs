//! The Prometheus recorder and what it shows of the process itself.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use super::process;
use crate::time::real;

/// The recorder is one per process; a second [`Metrics::install`] returns the first's handle.
static INSTALLED: OnceLock<Metrics> = OnceLock::new();
static INSTALLING: Mutex<()> = Mutex::new(());

const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Upper bounds of latencies in seconds, from half a millisecond to the longest request.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
/// Upper bounds of counts, for batch sizes.
const COUNTS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 500.0, 1000.0];

/// What the chassis' own metrics show.
const OWN: &[Help] = &[
    ("http_requests_total", "Requests answered"),
    (
        "http_request_duration_seconds",
        "Time from a request's head to its answer",
    ),
    ("http_requests_in_flight", "Requests being answered now"),
    (
        "jwt_keys_failing",
        "1 while the key set at JWT_JWKS_URL cannot be fetched",
    ),
    (
        "http_requests_rate_limited_total",
        "Requests refused with 429",
    ),
    (
        "http_bodies_coming",
        "Requests whose bodies are on their way",
    ),
    (
        "http_bodies_ended_total",
        "Bodies that did not come whole, by why",
    ),
    (
        "http_answers_going",
        "Long answers that their clients are reading",
    ),
    (
        "http_answers_ended_total",
        "Long answers whose connections were closed, since others had to wait for room",
    ),
    (
        "http_connections_refused_total",
        "Connections closed because their address holds its share",
    ),
    ("telemetry_spans_total", "Spans recorded"),
    (
        "telemetry_export_failures_total",
        "Exports of spans that failed",
    ),
];

/// A metric's name and what it shows.
pub type Help = (&'static str, &'static str);

/// Gives metrics their HELP lines. Their kinds come from how they are recorded.
pub fn describe(all: &[Help]) {
    for (name, help) in all {
        // The exporter keeps one text a name, whichever kind it was given for.
        metrics::describe_gauge!(*name, *help);
    }
}

/// The metrics recorder could not be installed.
#[derive(Debug, thiserror::Error)]
#[error("the metrics recorder cannot be installed: {0}")]
pub struct MetricsError(#[from] BuildError);

/// A handle on the process's metrics.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    service: &'static str,
    started: Duration,
}

impl Metrics {
    /// Installs the recorder with a `service` label on everything. Histograms named `*_seconds`
    /// and `*_size` get buckets that suit them.
    pub fn install(service: &'static str) -> Result<Self, MetricsError> {
        let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = INSTALLED.get() {
            return Ok(metrics.clone());
        }
        let handle = PrometheusBuilder::new()
            .add_global_label("service", service)
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &COUNTS)?
            .install_recorder()?;
        describe(OWN);
        let started = Duration::from_micros(u64::try_from(real().0).unwrap_or(0));
        let installed = Self {
            handle,
            service,
            started,
        };
        Ok(INSTALLED.get_or_init(|| installed).clone())
    }

    /// Everything in Prometheus's text format, the process's own figures read now.
    pub fn render(&self) -> String {
        let mut page = self.handle.render();
        process::render(&mut page, self.service, self.started);
        page
    }

    /// Folds what was recorded, every few seconds until stopped; without it histograms that
    /// nobody scrapes grow. For the service's supervisor to run.
    pub async fn upkeep(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.handle.run_upkeep();
        }
    }
}
