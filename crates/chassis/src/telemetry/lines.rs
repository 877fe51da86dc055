//! Log lines as flat JSON objects: what a span says of its request stands beside what is logged
//! in it, so that `correlation_id` finds every line of a request.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::fmt::format::{JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormattedFields, Layer, MakeWriter};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// A layer that writes one line per event.
pub(super) fn layer<S, W>(service: &'static str, writer: W) -> Layer<S, JsonFields, Lines, W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    tracing_subscriber::fmt::layer()
        .fmt_fields(JsonFields::new())
        .event_format(Lines { service })
        .with_writer(writer)
}

/// The format of a line; `service` is in every one.
pub(super) struct Lines {
    service: &'static str,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for Lines {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut line = Line::default();
        line.put("timestamp", timestamp);
        line.put("level", metadata.level().as_str());
        line.put("service", self.service);
        line.put("target", metadata.target());
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                line.0
                    .extend(serde_json::from_str::<Map<_, _>>(&fields.fields).unwrap_or_default());
            }
        }
        event.record(&mut line);
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

#[derive(Default)]
struct Line(Map<String, Value>);

impl Line {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        // What the `log` crate's bridge adds stands in the metadata already.
        if !field.name().starts_with("log.") {
            self.put(field.name(), value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !field.name().starts_with("log.") {
            self.put(field.name(), value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_names_its_service_and_its_requests_correlation_id_however_deep_it_is() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = layer("tracking", move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let request = tracing::info_span!("request", correlation_id = %"abc", n = 1);
            let _request = request.enter();
            let _query = tracing::info_span!("query", n = 2).entered();
            tracing::warn!(rows = 3, why = "quote \" and\nline", "slow");
        });
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["service"], "tracking");
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "slow");
        assert_eq!(line["correlation_id"], "abc");
        assert_eq!(
            (line["n"].as_i64(), line["rows"].as_i64()),
            (Some(2), Some(3))
        );
        assert_eq!(line["why"], "quote \" and\nline");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }
}
