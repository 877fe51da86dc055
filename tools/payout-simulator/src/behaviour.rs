//! How the provider is told to behave.

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What goes wrong with a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Fault {
    /// Answers 503 and has taken nothing.
    FailBefore,
    /// Hangs and has taken nothing.
    TimeOutBefore,
    /// Takes it, pays it, and hangs.
    TimeOutAfter,
    /// Answers 500 and has taken nothing.
    ErrorBefore,
    /// Takes it, pays it, and answers 500.
    ErrorAfter,
    /// Answers 422 and has taken nothing.
    RejectBefore,
    /// Takes it, pays it, and answers 422, as if it were a second one of that reference.
    RejectAfter,
    /// Takes it and answers that it has failed.
    Refuse,
    /// Accepts it; a later look-up says that it has failed.
    FailLater,
}

impl Fault {
    /// Whether nothing is taken.
    pub const fn takes_nothing(self) -> bool {
        matches!(
            self,
            Self::FailBefore | Self::TimeOutBefore | Self::ErrorBefore | Self::RejectBefore
        )
    }
}

/// Everything that can be set by `POST /control`, each field by itself, and by arguments at start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Args)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Milliseconds from accepted to paid.
    #[arg(long, default_value_t = 500)]
    pub settle_ms: u64,
    /// Milliseconds before any answer.
    #[arg(long, default_value_t = 0)]
    pub answer_delay_ms: u64,
    /// Milliseconds that a timed-out request hangs before its connection ends with 504.
    #[arg(long, default_value_t = 60_000)]
    pub hang_ms: u64,
    /// Milliseconds after which a reference is forgotten: submitted again it is paid again. Absent: never.
    #[arg(long)]
    pub key_lifetime_ms: Option<u64>,
    /// What goes wrong with submissions.
    #[arg(long)]
    pub fault: Option<Fault>,
    /// How many submissions it still goes wrong with. Absent: all, until changed.
    #[arg(long)]
    pub fault_times: Option<u32>,
    /// Whether look-ups answer 503.
    #[arg(long)]
    pub lookups_fail: bool,
    /// The reason given for what has failed.
    #[arg(long, default_value = "account_closed")]
    pub reason: String,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            settle_ms: 500,
            answer_delay_ms: 0,
            hang_ms: 60_000,
            key_lifetime_ms: None,
            fault: None,
            fault_times: None,
            lookups_fail: false,
            reason: "account_closed".to_owned(),
        }
    }
}

/// The longest reason that can be set: it is kept with every failed payout.
const MAX_REASON_LENGTH: usize = 200;

impl Behaviour {
    /// Applies a JSON merge patch (RFC 7396): absent fields stay, null ones are cleared.
    pub(crate) fn patch(&self, patch: Map<String, Value>) -> Result<Self, String> {
        let mut fields = match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        };
        // A new fault starts with a new count.
        if patch.contains_key("fault") {
            fields.insert("fault_times".to_owned(), Value::Null);
        }
        fields.extend(patch);
        let patched: Self =
            serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
        if patched.reason.len() > MAX_REASON_LENGTH {
            return Err(format!("reason is longer than {MAX_REASON_LENGTH} bytes"));
        }
        Ok(patched)
    }

    /// The fault of the next submission, counted down.
    pub(crate) fn next_fault(&mut self) -> Option<Fault> {
        match &mut self.fault_times {
            None => self.fault,
            Some(0) => None,
            Some(times) => {
                *times -= 1;
                self.fault
            }
        }
    }
}
