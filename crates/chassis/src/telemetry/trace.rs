//! W3C Trace Context, level 1: the `traceparent` header and message field.

use std::fmt;
use std::str::FromStr;

use axum::http::HeaderMap;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use super::spans::Spans;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// Where in a trace something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// The text is no valid `traceparent`; the specification says to start a new trace then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct TraceError;

impl TraceContext {
    /// A new trace. Whether it is recorded is for the sampler to say; without one, whoever records takes it.
    pub fn new_root() -> Self {
        // Random in every bit, which a UUID is not: samplers of others look at the lower half.
        let trace_id = u128::from_be_bytes(RandomIdGenerator::default().new_trace_id().to_bytes());
        Self {
            trace_id,
            span_id: new_span_id(),
            flags: u8::from(sampled(trace_id, None)),
        }
    }

    /// The caller's place, when its headers name one.
    pub fn of_caller(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let given = values.next()?.to_str().ok()?.parse().ok()?;
        values.next().is_none().then_some(given)
    }

    /// The place of what is done for a caller: in its trace, or in a new one.
    pub fn for_caller(caller: Option<Self>) -> Self {
        let Some(caller) = caller else {
            return Self::new_root();
        };
        let flags = u8::from(sampled(caller.trace_id, Some(caller.is_sampled())));
        Self {
            flags,
            ..caller.child()
        }
    }

    /// Another place in the same trace.
    #[must_use]
    pub fn at(self, span_id: u64) -> Self {
        Self { span_id, ..self }
    }

    /// A new span in the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: new_span_id(),
            ..self
        }
    }

    /// The header's value.
    pub fn to_header(self) -> String {
        self.to_string()
    }

    /// The trace's id as 32 hexadecimal digits.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The trace's id; never 0.
    pub(super) fn trace_number(self) -> u128 {
        self.trace_id
    }

    /// The span's id; never 0.
    pub(super) fn span_number(self) -> u64 {
        self.span_id
    }

    /// Whether the one that started the trace wants it recorded.
    pub fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

impl FromStr for TraceContext {
    type Err = TraceError;

    /// Reads version 00 exactly and later versions by their first four fields.
    fn from_str(text: &str) -> Result<Self, TraceError> {
        let mut fields = text.split('-');
        let mut next = |length| {
            fields
                .next()
                .and_then(|field| hex(field, length))
                .ok_or(TraceError)
        };
        let version = next(2)?;
        let (trace_id, span_id, flags) = (next(32)?, next(16)?, next(2)?);
        let rest = fields.next();
        if version == 0xff || (version == 0 && rest.is_some()) || trace_id == 0 || span_id == 0 {
            return Err(TraceError);
        }
        let span_id = u64::try_from(span_id).map_err(|_| TraceError)?;
        let flags = u8::try_from(flags).map_err(|_| TraceError)? & 1;
        Ok(Self {
            trace_id,
            span_id,
            flags,
        })
    }
}

/// Lower case hexadecimal of exactly this length.
fn hex(field: &str, length: usize) -> Option<u128> {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (field.len() == length && field.bytes().all(lower)).then_some(())?;
    u128::from_str_radix(field, 16).ok()
}

/// What the process's sampler says; without one a caller's decision stands, and a new trace may be recorded by others.
fn sampled(trace_id: u128, caller: Option<bool>) -> bool {
    match Spans::of_process() {
        Some(spans) => spans.sampler().samples(trace_id, caller),
        None => caller.unwrap_or(true),
    }
}

fn new_span_id() -> u64 {
    u64::from_be_bytes(RandomIdGenerator::default().new_span_id().to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written_back() {
        assert_eq!(
            EXAMPLE.parse::<TraceContext>().unwrap().to_header(),
            EXAMPLE
        );
    }

    #[test]
    fn a_child_keeps_the_trace_and_changes_the_span() {
        let parent: TraceContext = EXAMPLE.parse().unwrap();
        let child = parent.child();
        assert_eq!(child.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(child.span_id, parent.span_id);
        assert!(child.is_sampled());
    }

    #[test]
    fn a_malformed_traceparent_is_refused() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(TraceError), "{text}");
        }
    }

    #[test]
    fn a_later_version_is_read_by_its_first_fields() {
        assert!(
            EXAMPLE
                .replacen("00", "01", 1)
                .parse::<TraceContext>()
                .is_ok()
        );
    }
}
