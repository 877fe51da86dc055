//! One trace through every service: each handled message is a span, whose id what it causes carries as its parent.
//!
//! The span's id derives from service and message, so that handling again, or a restore, tells the same trace. Spans are
//! recorded by whoever [`Spans`] is; the ids are given in any case.

use schemas::{Header, Service};
use types::{Micros, ids};
use uuid::Uuid;

/// Version, trace id, span id and flags of W3C Trace Context, level 1, version 00.
const TRACEPARENT_LENGTH: usize = 55;

/// Takes spans of messages. Called for every message: it must not wait.
pub trait Spans: Send + Sync + 'static {
    /// A message was handled, or sent.
    fn record(&self, span: &MessageSpan<'_>);
}

/// What was done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It was handled, and its transaction committed.
    Process,
    /// It was shipped by a transport, and is safe there. It begins when it was committed.
    Send,
}

/// One operation on one message that belongs to a trace.
#[derive(Debug)]
pub struct MessageSpan<'a> {
    /// What was done.
    pub operation: Operation,
    /// The message; its `traceparent` names the parent.
    pub header: &'a Header,
    /// Its own id; `None` where nothing refers to it.
    pub span_id: Option<u64>,
    /// The topic that it came or goes by.
    pub topic: &'static str,
    /// `local`, `transport` or `parked` for what was handled; the transport's name for what was sent.
    pub via: &'a str,
    /// What came of it, as in `tributary_messages_total`.
    pub result: &'static str,
    /// So many messages in the same transaction or entry.
    pub together: usize,
    /// When it began.
    pub started: Micros,
    /// When it ended.
    pub ended: Micros,
}

/// The span in which a service handles a message. Never zero: a version stands in it.
pub fn span_id(service: Service, message: Uuid) -> u64 {
    let id = message.as_hyphenated().to_string();
    ids::derive(&["span", service.name(), &id]).as_u64_pair().0
}

/// Puts the ids by which logs and traces are joined into every log line that is written within it.
pub fn log_span(correlation_id: Option<Uuid>, traceparent: Option<&str>) -> tracing::Span {
    let correlation_id = correlation_id.map(tracing::field::display);
    tracing::info_span!("message", correlation_id, trace_id = trace_id(traceparent))
}

/// The trace's id in a `traceparent`.
fn trace_id(traceparent: Option<&str>) -> Option<&str> {
    traceparent.filter(|text| is_sound(text))?.get(3..35)
}

fn is_sound(text: &str) -> bool {
    text.len() == TRACEPARENT_LENGTH && text.is_ascii() && text.starts_with("00-")
}

/// The `traceparent` of what the handling of a message causes. One that is malformed is passed on as it is.
pub fn continued(parent: &str, service: Service, cause: Uuid) -> String {
    if !is_sound(parent) {
        return parent.to_owned();
    }
    let span = span_id(service, cause);
    format!("{}-{span:016x}-{}", &parent[..35], &parent[53..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_a_message_causes_stays_in_its_trace_under_the_span_of_its_handling() {
        let cause = Uuid::from_u128(7);
        let continued = continued(PARENT, Service::Payment, cause);
        let span = span_id(Service::Payment, cause);
        assert_eq!(
            continued,
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span:016x}-01")
        );
        assert_eq!(
            trace_id(Some(&continued)),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
        assert_ne!(span, span_id(Service::Commission, cause));
        assert_ne!(span, span_id(Service::Payment, Uuid::from_u128(8)));
    }

    #[test]
    fn a_malformed_traceparent_is_passed_on_as_it_is() {
        for odd in ["", "01-x", &"é".repeat(30), &PARENT[1..]] {
            assert_eq!(continued(odd, Service::Payment, Uuid::from_u128(7)), odd);
            assert_eq!(trace_id(Some(odd)), None);
        }
    }
}
