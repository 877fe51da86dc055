//! Which traces are recorded: decided once, where a trace begins.

use std::fmt;
use std::str::FromStr;

/// One million, in which ratios are counted.
const MILLION: u32 = 1_000_000;
/// The part of a trace id that W3C Trace Context, level 2, says to be random: its lower 56 bits.
const RANDOM_BITS: u32 = 56;

/// A share of all traces, from 0 to 1 in steps of a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio(u32);

/// Which traces are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampler {
    /// Whether a caller's decision stands.
    pub(super) asks_parent: bool,
    /// Of the traces that begin here; all that do not come decided.
    pub(super) ratio: Ratio,
}

/// `OTEL_TRACES_SAMPLER`, as the `OpenTelemetry` specification names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplerName {
    /// A caller's decision stands, and what begins here is recorded.
    ParentBasedAlwaysOn,
    /// A caller's decision stands, and of what begins here the share of `OTEL_TRACES_SAMPLER_ARG` is recorded.
    ParentBasedRatio,
    /// That share of all, whatever a caller decided.
    Ratio,
    /// Everything.
    AlwaysOn,
}

impl Ratio {
    /// Every trace.
    pub const ALL: Self = Self(MILLION);

    /// Whether a trace is among the share: the same in every process.
    fn takes(self, trace_id: u128) -> bool {
        let random = trace_id & ((1 << RANDOM_BITS) - 1);
        (random * u128::from(MILLION)) >> RANDOM_BITS < u128::from(self.0)
    }
}

impl Sampler {
    pub(super) fn new(name: SamplerName, ratio: Ratio) -> Self {
        let (asks_parent, ratio) = match name {
            SamplerName::ParentBasedAlwaysOn => (true, Ratio::ALL),
            SamplerName::ParentBasedRatio => (true, ratio),
            SamplerName::Ratio => (false, ratio),
            SamplerName::AlwaysOn => (false, Ratio::ALL),
        };
        Self { asks_parent, ratio }
    }

    /// Whether this trace is recorded, given what its caller decided.
    pub(super) fn samples(self, trace_id: u128, caller: Option<bool>) -> bool {
        match caller {
            Some(decided) if self.asks_parent => decided,
            _ => self.ratio.takes(trace_id),
        }
    }
}

impl FromStr for Ratio {
    type Err = &'static str;

    /// Reads a decimal from 0 to 1 with at most six decimals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "expected a number from 0 to 1 with at most six decimals";
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 1 || decimals.len() > 6 {
            return Err(wrong);
        }
        let millionths: u32 = format!("{whole:0>1}{decimals:0<6}")
            .parse()
            .map_err(|_| wrong)?;
        let given = !whole.is_empty() || !decimals.is_empty();
        (given && millionths <= MILLION)
            .then_some(Self(millionths))
            .ok_or(wrong)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / MILLION, self.0 % MILLION)
    }
}

impl FromStr for SamplerName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "parentbased_always_on" => Ok(Self::ParentBasedAlwaysOn),
            "parentbased_traceidratio" => Ok(Self::ParentBasedRatio),
            "traceidratio" => Ok(Self::Ratio),
            "always_on" => Ok(Self::AlwaysOn),
            _ => Err(
                "expected parentbased_always_on, parentbased_traceidratio, traceidratio or always_on",
            ),
        }
    }
}

impl fmt::Display for SamplerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ParentBasedAlwaysOn => "parentbased_always_on",
            Self::ParentBasedRatio => "parentbased_traceidratio",
            Self::Ratio => "traceidratio",
            Self::AlwaysOn => "always_on",
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_ratio_is_a_decimal_from_zero_to_one() {
        let read = |text: &str| text.parse::<Ratio>().map(|ratio| ratio.0);
        assert_eq!(read("0"), Ok(0));
        assert_eq!(read("1"), Ok(MILLION));
        assert_eq!(read("1.0"), Ok(MILLION));
        assert_eq!(read(".5"), Ok(500_000));
        assert_eq!(read("0.000001"), Ok(1));
        for wrong in [
            "",
            ".",
            "-1",
            "1.1",
            "2",
            "0.0000001",
            "1e-3",
            "half",
            "00.5",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn about_the_asked_share_of_random_traces_is_taken_and_all_or_none_at_the_ends() {
        let taken = |ratio: Ratio| {
            let ids = (0..10_000).map(|_| Uuid::new_v4().as_u128());
            ids.filter(|id| ratio.takes(*id)).count()
        };
        assert_eq!(taken(Ratio(0)), 0);
        assert_eq!(taken(Ratio::ALL), 10_000);
        // Twenty standard deviations wide.
        assert!((1_500..=3_500).contains(&taken(Ratio(MILLION / 4))));
    }

    #[test]
    fn a_callers_decision_stands_only_where_parents_are_asked() {
        let asks = Sampler::new(SamplerName::ParentBasedRatio, Ratio(0));
        assert!(asks.samples(7, Some(true)));
        assert!(!asks.samples(7, None));
        let decides = Sampler::new(SamplerName::Ratio, Ratio(0));
        assert!(!decides.samples(7, Some(true)));
        assert!(Sampler::new(SamplerName::AlwaysOn, Ratio(0)).samples(7, Some(false)));
    }
}
