//! Logs, traces and metrics.

mod lines;
mod metrics;
mod otlp;
mod process;
mod sampling;
mod spans;
mod trace;

use std::io::IsTerminal;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use variables::{LogFilter, RustLog};

use crate::config::Env;

pub use metrics::{Help, Metrics, MetricsError, describe};
pub use opentelemetry::KeyValue;
pub use otlp::{OtlpConfig, OtlpError};
pub use spans::{Kind, Span, Spans};
pub use trace::{TRACEPARENT, TraceContext};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Directives as in `info,sqlx=warn`.
    pub filter: String,
    /// How lines are written.
    pub format: LogFormat,
    /// Where traces are exported to, if anywhere.
    pub otlp: Option<OtlpConfig>,
}

impl TelemetryConfig {
    /// Reads `RUST_LOG`, else `LOG_LEVEL` (default `info`), `LOG_FORMAT` (default: what suits the standard output), and what
    /// [`OtlpConfig`] says.
    pub fn read(env: &mut Env) -> Self {
        let level: Option<LogFilter> = env.optional("LOG_LEVEL", "info,sqlx=warn");
        let instead: Option<RustLog> = env.optional("RUST_LOG", "info,sqlx=debug");
        let level = level.map_or_else(|| "info".to_owned(), |level| level.to_string());
        Self {
            filter: instead.map_or(level, |instead| instead.to_string()),
            format: env
                .optional("LOG_FORMAT", "json")
                .unwrap_or_else(LogFormat::suited),
            otlp: OtlpConfig::read(env),
        }
    }
}

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter's directives are malformed.
    #[error("the log filter is malformed: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// A log subscriber was installed before.
    #[error("a log subscriber is installed already: {0}")]
    Subscriber(#[from] tracing_subscriber::util::TryInitError),
    /// The metrics recorder could not be installed.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Traces cannot be exported.
    #[error(transparent)]
    Otlp(#[from] OtlpError),
}

/// Starts logs on standard output, the metrics recorder, and the export of traces if one is asked for; once per process,
/// first thing inside its runtime.
pub fn init(service: &'static str, config: &TelemetryConfig) -> Result<Metrics, TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)?;
    let registry = tracing_subscriber::registry().with(filter);
    match config.format {
        LogFormat::Json => registry
            .with(lines::layer(service, std::io::stdout))
            .try_init()?,
        LogFormat::Text => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .compact()
                    .with_ansi(std::io::stdout().is_terminal()),
            )
            .try_init()?,
    }
    let metrics = Metrics::install(service)?;
    if let Some(otlp) = &config.otlp {
        otlp.start(service)?;
    }
    Ok(metrics)
}

impl LogFormat {
    /// For who reads the standard output: a person at a terminal, else a program.
    fn suited() -> Self {
        if std::io::stdout().is_terminal() {
            Self::Text
        } else {
            Self::Json
        }
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("expected json or text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> (String, Result<(), String>) {
        let mut env = Env::from_map([("LOG_LEVEL", "warn"), (name, value)]);
        let filter = TelemetryConfig::read(&mut env).filter;
        (filter, env.finish().map_err(|errors| errors.to_string()))
    }

    #[test]
    fn a_developers_rust_log_takes_the_place_of_the_level_and_a_bad_one_is_named() {
        let (filter, refused) = read("RUST_LOG", "sqlx=debug");
        assert_eq!((filter.as_str(), refused), ("sqlx=debug", Ok(())));
        for (name, bad) in [("RUST_LOG", "sqlx=verbose"), ("LOG_LEVEL", "sqlx=debug")] {
            let refused = read(name, bad).1.unwrap_err();
            assert!(refused.contains(name), "{refused}");
        }
    }
}
