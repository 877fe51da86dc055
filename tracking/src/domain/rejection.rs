//! Why tracking refuses a command.

pub use schemas::TrackingCode as Code;
use types::AmountError;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub code: Code,
    /// Why, for the person who asked.
    pub detail: String,
    /// The field at fault, as a JSON pointer into the body.
    pub pointer: Option<&'static str>,
}

impl Rejection {
    /// A refusal that points at no field.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            pointer: None,
        }
    }

    /// A refusal of one field.
    pub fn of(pointer: &'static str, code: Code, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer),
            ..Self::new(code, detail)
        }
    }

    /// A refusal of an amount.
    pub fn of_amount(error: AmountError) -> Self {
        let code = match error {
            AmountError::TooPrecise { .. } => Code::AmountPrecision,
            _ => Code::InvalidField,
        };
        Self::of("/amount", code, format!("the amount {error}"))
    }
}
