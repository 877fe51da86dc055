//! Why tracking refuses a command: the closed list.

use money::AmountError;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)+) => {
        /// Why a command is refused. `timed_out_waiting` and `dropped_by_operator` are the road's own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $code,)+
        }

        impl Code {
            /// Every code of tracking.
            pub const ALL: &[Self] = &[$(Self::$code,)+];

            /// As it is told.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }
        }
    };
}

codes! {
    /// A field that no edge of ours would have let through.
    InvalidField = "invalid_field",
    /// The code is taken.
    LinkExists = "link_exists",
    /// There is no such campaign for the one who asks.
    CampaignUnknown = "campaign_unknown",
    /// The one who asks is not that partner.
    NotEnrolled = "not_enrolled",
    /// The link would lead off the campaign's hosts.
    HostNotAllowed = "host_not_allowed",
    /// A purchase without an amount.
    AmountRequired = "amount_required",
    /// More decimals than the currency has.
    AmountPrecision = "amount_precision",
    /// Not the campaign's or the purchase's currency.
    CurrencyMismatch = "currency_mismatch",
    /// A refund that does not say of which order.
    OrderRequired = "order_required",
    /// More would go back than was paid.
    RefundExceedsPurchase = "refund_exceeds_purchase",
    /// The conversion has no amount.
    NothingToRefund = "nothing_to_refund",
    /// There is no such conversion for the one who asks.
    ConversionUnknown = "conversion_unknown",
    /// A partner's report that no click of its own led to.
    ClickUnknown = "click_unknown",
    /// Claimed to happen more than five minutes from now.
    TimeInFuture = "time_in_future",
}

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
