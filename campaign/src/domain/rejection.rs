//! Why campaign refuses a command.

use std::borrow::Cow;

pub use schemas::CampaignCode as Code;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub code: Code,
    /// Why, for the person who asked.
    pub detail: Cow<'static, str>,
    /// The field at fault, as a JSON pointer into the body.
    pub pointer: Option<Cow<'static, str>>,
}

impl Rejection {
    /// A refusal that points at no field.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            pointer: None,
        }
    }

    /// A refusal of one field.
    pub fn of(
        pointer: impl Into<Cow<'static, str>>,
        code: Code,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            pointer: Some(pointer.into()),
            ..Self::new(code, detail)
        }
    }
}
