//! Exporting spans by OTLP over HTTP, in protobuf: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue};
use metrics::counter;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;
use url::Url;
use uuid::Uuid;

use super::sampling::{Ratio, Sampler, SamplerName};
use super::spans::Spans;
use crate::causes::with_causes;
use crate::config::Env;

/// Spans that wait for their export; more are dropped. Some 500 bytes each.
const QUEUE: usize = 4_096;
/// Spans of one request.
const BATCH: usize = 512;
/// How often what there is is sent.
const EVERY: Duration = Duration::from_secs(1);
/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// An answer is not read beyond this.
const MAX_ANSWER_LENGTH: usize = 64 * 1024;

/// Where spans go.
#[derive(Clone)]
pub struct OtlpConfig {
    /// The collector's address for traces.
    endpoint: Url,
    /// Sent with each request: names and values.
    headers: HashMap<String, SecretString>,
    sampler: Sampler,
}

impl OtlpConfig {
    /// Reads `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces` behind it,
    /// `OTEL_EXPORTER_OTLP_HEADERS` (`name=value`, separated by commas), `OTEL_TRACES_SAMPLER` and
    /// `OTEL_TRACES_SAMPLER_ARG`. Without an endpoint nothing is exported.
    pub(super) fn read(env: &mut Env) -> Option<Self> {
        let (of_traces, of_all) = (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        );
        let whole = address(env, of_traces, "http://127.0.0.1:4318/v1/traces");
        let base = address(env, of_all, "http://127.0.0.1:4318").map(behind);
        let headers = headers(env);
        let name = env.or("OTEL_TRACES_SAMPLER", SamplerName::ParentBasedAlwaysOn);
        let ratio = env
            .optional("OTEL_TRACES_SAMPLER_ARG", "0.1")
            .unwrap_or(Ratio::ALL);
        Some(Self {
            endpoint: whole.or(base)?,
            headers,
            sampler: Sampler::new(name, ratio),
        })
    }

    /// Starts exporting the spans of this process. The runtime that this is called in makes the requests.
    pub(super) fn start(&self, service: &'static str) -> Result<(), OtlpError> {
        let client = Client {
            runtime: Handle::current(),
            http: reqwest::Client::builder()
                .timeout(TIMEOUT)
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            failing: AtomicBool::new(false),
        };
        let shown = |(name, value): (&String, &SecretString)| {
            (name.clone(), value.expose_secret().to_owned())
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(self.endpoint.as_str())
            .with_timeout(TIMEOUT)
            .with_headers(self.headers.iter().map(shown).collect())
            .build()?;
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(EVERY)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(config)
            .build();
        processor.set_resource(&resource(service));
        // There from the start, so that the first failure is seen as a change.
        counter!("telemetry_export_failures_total").increment(0);
        Spans::new(processor, self.sampler.clone()).install();
        tracing::info!(endpoint = %shown_endpoint(&self.endpoint), "traces are exported");
        Ok(())
    }
}

impl fmt::Debug for OtlpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtlpConfig")
            .field("endpoint", &shown_endpoint(&self.endpoint))
            .field("sampler", &self.sampler)
            .finish_non_exhaustive()
    }
}

/// Spans cannot be exported.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be exported: {0}")]
pub enum OtlpError {
    /// The exporter does not take its settings.
    Exporter(#[from] ExporterBuildError),
    /// The HTTP client does not start.
    Client(#[from] reqwest::Error),
}

fn resource(service: &'static str) -> Resource {
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", service),
            KeyValue::new("service.namespace", "tributary"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", Uuid::now_v7().to_string()),
        ])
        .build()
}

fn address(env: &mut Env, name: &str, example: &str) -> Option<Url> {
    let url: Url = env.optional(name, example)?;
    if !matches!(url.scheme(), "http" | "https") {
        env.report(name, "must begin with http:// or https://", example);
        return None;
    }
    Some(url)
}

/// The base address with the path of traces.
fn behind(mut base: Url) -> Url {
    let path = format!("{}/v1/traces", base.path().trim_end_matches('/'));
    base.set_path(&path);
    base
}

/// What may be shown of it: not the credentials that may stand in it.
fn shown_endpoint(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    let port = endpoint.port_or_known_default().unwrap_or_default();
    format!("{}://{host}:{port}{}", endpoint.scheme(), endpoint.path())
}

fn headers(env: &mut Env) -> HashMap<String, SecretString> {
    let name = "OTEL_EXPORTER_OTLP_HEADERS";
    let text = env.text(name).unwrap_or_default();
    let mut headers = HashMap::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let Some((key, value)) = pair.split_once('=') else {
            let what = "must be name=value, separated by commas";
            env.report(name, what, "x-api-key=…");
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        let sound = HeaderName::from_str(key).is_ok() && HeaderValue::from_str(value).is_ok();
        if !sound {
            env.report(name, "has a part that is no HTTP header", "x-api-key=…");
            continue;
        }
        headers.insert(key.to_owned(), SecretString::from(value));
    }
    headers
}

/// Makes the exporter's requests on the service's own runtime: the exporter has a thread without one.
#[derive(Debug)]
struct Client {
    runtime: Handle,
    http: reqwest::Client,
    failing: AtomicBool,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let request = self
            .runtime
            .spawn(async move { send(&http, request).await });
        let answer = request.await?;
        let problem = match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(with_causes(error.as_ref())),
        };
        if problem.is_some() {
            counter!("telemetry_export_failures_total").increment(1);
        }
        // One line when it begins and one when it ends: an outage may last.
        if self.failing.swap(problem.is_some(), Ordering::Relaxed) != problem.is_some() {
            if let Some(problem) = problem {
                tracing::warn!(
                    problem,
                    "the collector takes no spans; those that cannot wait are dropped"
                );
            } else {
                tracing::info!("the collector takes spans again");
            }
        }
        answer
    }
}

async fn send(
    http: &reqwest::Client,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, HttpError> {
    let request = reqwest::Request::try_from(request)?;
    let mut answer = http
        .execute(request)
        .await
        .map_err(reqwest::Error::without_url)?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + part.len() > MAX_ANSWER_LENGTH {
            return Err("the collector's answer is too long".into());
        }
        body.extend_from_slice(&part);
    }
    Ok(response.body(body.into())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Option<OtlpConfig>, String> {
        let mut env = Env::from_map(values.iter().copied());
        let config = OtlpConfig::read(&mut env);
        env.finish().map_err(|problems| problems.to_string())?;
        Ok(config)
    }

    #[test]
    fn nothing_is_exported_unless_an_endpoint_is_named() {
        assert!(read(&[]).unwrap().is_none());
        assert!(
            read(&[("OTEL_TRACES_SAMPLER_ARG", "0.5")])
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn the_path_of_traces_stands_behind_the_collectors_own_and_an_address_of_traces_is_taken_whole()
    {
        let all = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let whole = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        for (values, wanted) in [
            (vec![(all, "http://h:4318")], "http://h:4318/v1/traces"),
            (vec![(all, "https://h/otlp/")], "https://h/otlp/v1/traces"),
            (
                vec![(whole, "https://h/x"), (all, "http://h:4318")],
                "https://h/x",
            ),
        ] {
            let config = read(&values).unwrap().unwrap();
            assert_eq!(config.endpoint.as_str(), wanted);
        }
    }

    #[test]
    fn what_is_malformed_is_named_and_no_headers_value_is_shown() {
        for (name, value, expected) in [
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "collector:4318",
                "must begin with http",
            ),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", "malformed"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "canary", "must be name=value"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "bad name=canary",
                "is no HTTP header",
            ),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "x=can\nary",
                "is no HTTP header",
            ),
            (
                "OTEL_TRACES_SAMPLER",
                "some",
                "expected parentbased_always_on",
            ),
            ("OTEL_TRACES_SAMPLER_ARG", "2", "from 0 to 1"),
        ] {
            let shown = read(&[(name, value)]).unwrap_err();
            assert!(shown.contains(name) && shown.contains(expected), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn credentials_in_the_address_and_in_headers_are_not_shown() {
        let config = read(&[
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "https://me:canary@h:1/p?k=canary",
            ),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "x-api-key=canary, other = b=c ",
            ),
        ]);
        let config = config.unwrap().unwrap();
        assert_eq!(shown_endpoint(&config.endpoint), "https://h:1/p/v1/traces");
        assert!(!format!("{config:?}").contains("canary"));
        let other = config.headers["other"].expose_secret();
        assert_eq!(other, "b=c");
    }
}
