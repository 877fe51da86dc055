//! Which traces are recorded: decided once, where a trace begins.

use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{SpanKind, TraceId};
use opentelemetry_sdk::trace::{Sampler as Share, SamplingDecision, ShouldSample};

/// A share of all traces, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio(f64);

/// Which traces are recorded.
#[derive(Debug, Clone)]
pub(super) struct Sampler {
    /// Whether a caller's decision stands.
    asks_parent: bool,
    /// Of the traces that begin here; all that do not come decided.
    share: Share,
}

types::names! {
    /// `OTEL_TRACES_SAMPLER`, as the `OpenTelemetry` specification names them.
    pub enum SamplerName {
        /// A caller's decision stands, and what begins here is recorded.
        ParentBasedAlwaysOn = "parentbased_always_on",
        /// A caller's decision stands, and of what begins here the share of `OTEL_TRACES_SAMPLER_ARG` is recorded.
        ParentBasedRatio = "parentbased_traceidratio",
        /// That share of all, whatever a caller decided.
        Ratio = "traceidratio",
        /// Everything.
        AlwaysOn = "always_on",
    }
}

impl Ratio {
    /// Every trace.
    pub const ALL: Self = Self(1.0);
}

impl Sampler {
    pub(super) fn new(name: SamplerName, ratio: Ratio) -> Self {
        let (asks_parent, share) = match name {
            SamplerName::ParentBasedAlwaysOn => (true, Share::AlwaysOn),
            SamplerName::ParentBasedRatio => (true, Share::TraceIdRatioBased(ratio.0)),
            SamplerName::Ratio => (false, Share::TraceIdRatioBased(ratio.0)),
            SamplerName::AlwaysOn => (false, Share::AlwaysOn),
        };
        Self { asks_parent, share }
    }

    /// Whether this trace is recorded, given what its caller decided. The share is that of every SDK: of one trace they
    /// decide the same.
    pub(super) fn samples(&self, trace_id: u128, caller: Option<bool>) -> bool {
        match caller {
            Some(decided) if self.asks_parent => decided,
            _ => {
                let (id, kind) = (TraceId::from(trace_id), SpanKind::Internal);
                let result = self.share.should_sample(None, id, "", &kind, &[], &[]);
                result.decision == SamplingDecision::RecordAndSample
            }
        }
    }
}

impl FromStr for Ratio {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ratio = text.parse().ok();
        let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.map(Self).ok_or("expected a number from 0 to 1")
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SamplerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or(
            "expected parentbased_always_on, parentbased_traceidratio, traceidratio or always_on",
        )
    }
}

impl fmt::Display for SamplerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::trace::TraceContext;

    #[test]
    fn a_ratio_is_a_decimal_from_zero_to_one() {
        for (text, ratio) in [("0", 0.0), ("1", 1.0), (".5", 0.5), ("0.000001", 0.000_001)] {
            assert_eq!(text.parse(), Ok(Ratio(ratio)));
        }
        for wrong in ["", ".", "-1", "1.1", "2", "NaN", "inf", "half"] {
            assert!(wrong.parse::<Ratio>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn about_the_asked_share_of_random_traces_is_taken_and_all_or_none_at_the_ends() {
        let taken = |ratio: f64| {
            let sampler = Sampler::new(SamplerName::Ratio, Ratio(ratio));
            let traces = (0..10_000).map(|_| TraceContext::new_root().trace_number());
            traces.filter(|id| sampler.samples(*id, None)).count()
        };
        assert_eq!(taken(0.0), 0);
        assert_eq!(taken(1.0), 10_000);
        // Twenty standard deviations wide.
        assert!((1_500..=3_500).contains(&taken(0.25)));
    }

    #[test]
    fn a_callers_decision_stands_only_where_parents_are_asked() {
        let asks = Sampler::new(SamplerName::ParentBasedRatio, Ratio(0.0));
        assert!(asks.samples(7, Some(true)));
        assert!(!asks.samples(7, None));
        let decides = Sampler::new(SamplerName::Ratio, Ratio(0.0));
        assert!(!decides.samples(7, Some(true)));
        let always = Sampler::new(SamplerName::AlwaysOn, Ratio(0.0));
        assert!(always.samples(7, Some(false)));
    }
}
