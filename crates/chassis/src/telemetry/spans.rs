//! Spans for `OpenTelemetry`: what a process did, each in the trace of the request that began it.
//!
//! Ids are given by who records: they travel in headers and messages whether or not anybody records.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use metrics::counter;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use types::Micros;

use super::sampling::Sampler;
use super::trace::TraceContext;

/// One per process, as the log is; none while nothing is exported.
static SPANS: OnceLock<Spans> = OnceLock::new();

/// Takes spans and hands them to the exporter. What it cannot keep up with is dropped and never waited for.
pub struct Spans {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    sampler: Sampler,
}

/// What a span is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request answered.
    Server,
    /// A request made.
    Client,
    /// A message sent.
    Producer,
    /// A message handled.
    Consumer,
}

/// Something that was done.
#[derive(Debug)]
pub struct Span {
    /// Its place: its own id in its trace.
    pub at: TraceContext,
    /// The span that it belongs to; `None` begins the trace.
    pub parent: Option<TraceContext>,
    /// What was done, out of few: ids belong into attributes.
    pub name: String,
    /// What it is of.
    pub kind: Kind,
    /// When it began.
    pub started: Micros,
    /// When it ended.
    pub ended: Micros,
    /// What else there is to say, by the names of the semantic conventions where they have one.
    pub attributes: Vec<KeyValue>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Spans {
    pub(super) fn new(processor: BatchSpanProcessor, sampler: Sampler) -> Self {
        let scope =
            InstrumentationScope::builder("tributary").with_version(env!("CARGO_PKG_VERSION"));
        Self {
            processor,
            scope: scope.build(),
            sampler,
        }
    }

    /// Those of this process; `None` when nothing is exported.
    pub fn of_process() -> Option<&'static Self> {
        SPANS.get()
    }

    pub(super) fn install(self) {
        // A second one would be of the same process: the first stays.
        let _second = SPANS.set(self);
    }

    pub(super) fn sampler(&self) -> &Sampler {
        &self.sampler
    }

    /// Keeps a span of a sampled trace until it is exported.
    pub fn record(&self, span: Span) {
        if !span.at.is_sampled() {
            return;
        }
        counter!("telemetry_spans_total").increment(1);
        self.processor.on_end(SpanData {
            span_context: SpanContext::new(
                TraceId::from(span.at.trace_number()),
                SpanId::from(span.at.span_number()),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: span
                .parent
                .map_or(SpanId::INVALID, |parent| SpanId::from(parent.span_number())),
            parent_span_is_remote: span.parent.is_some(),
            span_kind: span.kind.into(),
            name: span.name.into(),
            start_time: UNIX_EPOCH + since_1970(span.started),
            end_time: UNIX_EPOCH + since_1970(span.ended.max(span.started)),
            attributes: span.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: span.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        });
    }

    /// Exports what is kept, for at most so long. Blocks: not for a thread that runs tasks.
    pub fn flush(&self, within: Duration) {
        if let Err(error) = self.processor.shutdown_with_timeout(within) {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans")
            .field("sampler", &self.sampler)
            .finish_non_exhaustive()
    }
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Client => Self::Client,
            Kind::Producer => Self::Producer,
            Kind::Consumer => Self::Consumer,
        }
    }
}

fn since_1970(time: Micros) -> Duration {
    Duration::from_micros(u64::try_from(time.0).unwrap_or(0))
}
