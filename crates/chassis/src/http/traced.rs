//! A request's span.

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;

use super::RequestContext;
use super::measure::method_label;
use crate::telemetry::{KeyValue, Kind, Span, Spans, TraceContext};
use crate::time::real;

/// As much of a path is exported.
const PATH_BYTES: usize = 512;

/// A request of a sampled trace while it is answered.
pub(super) struct Traced {
    spans: &'static Spans,
    span: Span,
}

impl Traced {
    /// `None` where nothing is recorded: without an export, outside sampled traces, and for what asks all the time.
    pub(super) fn begin(
        request: &Request,
        parent: Option<TraceContext>,
        context: RequestContext,
    ) -> Option<Self> {
        let spans = Spans::of_process()?;
        let route = request.extensions().get::<MatchedPath>();
        let route = route.map_or("unmatched", MatchedPath::as_str);
        if !context.trace.is_sampled() || (parent.is_none() && asks_all_the_time(route)) {
            return None;
        }
        let method = method_label(request.method());
        let attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("url.path", cut(shown_path(request)).to_owned()),
            KeyValue::new(
                "tributary.correlation_id",
                context.correlation_id.to_string(),
            ),
        ];
        let started = real();
        let span = Span {
            at: context.trace,
            parent,
            name: format!("{method} {route}"),
            kind: Kind::Server,
            started,
            ended: started,
            attributes,
            error: None,
        };
        Some(Self { spans, span })
    }

    pub(super) fn end(mut self, status: StatusCode) {
        self.span.ended = real();
        let code = i64::from(status.as_u16());
        let code = KeyValue::new("http.response.status_code", code);
        self.span.attributes.push(code);
        self.span.error = status.is_server_error().then(|| status.to_string());
        self.spans.record(self.span);
    }
}

/// A path's beginning: whoever has no token can ask for long ones, and what is exported together would be too large then.
fn cut(path: &str) -> &str {
    &path[..path.floor_char_boundary(PATH_BYTES)]
}

/// The path as logs and traces may show it: of a link whose parameter `token` lets whoever has it act, the route.
pub(super) fn shown_path(request: &Request) -> &str {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map(MatchedPath::as_str);
    match route.filter(|route| route.contains("{token}")) {
        Some(route) => route,
        None => request.uri().path(),
    }
}

/// Probes, scrapes and the transport between services, whose messages have spans of their own.
fn asks_all_the_time(route: &str) -> bool {
    matches!(route, "/health" | "/ready" | "/metrics")
        || route.ends_with("/health")
        || route.starts_with("/internal/")
}
