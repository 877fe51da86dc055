//! Why payment refuses: a closed list.

use std::borrow::Cow;

use schemas::PaymentCode;
use thiserror::Error;
use types::{Currency, Money};

use super::Status;

/// A refusal of a command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// More was asked for than is payable.
    #[error("{available} {} can be paid out", available.currency)]
    InsufficientBalance {
        /// What is payable now.
        available: Money,
    },
    /// The partner has money, but none of this currency.
    #[error("there is no balance in {requested}")]
    CurrencyMismatch {
        /// What was asked for.
        requested: Currency,
    },
    /// Nothing, or less, was asked for.
    #[error("the amount must be more than zero")]
    AmountNotPositive,
    /// A balance would be out of range.
    #[error("the amount is too large")]
    AmountOutOfRange,
    /// The command's currency is no currency.
    #[error("the currency is not a known ISO 4217 code")]
    CurrencyUnknown,
    /// The method is not one of ours.
    #[error("the payment method is not supported: paypal and bank_transfer are")]
    MethodUnknown,
    /// What was sealed cannot be opened, or is nowhere that a payout by this method can go.
    #[error(
        "the payment details cannot be opened, or do not fit the method: seal them to payment's current key"
    )]
    DetailsUnreadable,
    /// Not the caller's, or no id at all: the answer is the same.
    #[error("there is no such partner")]
    PartnerUnknown,
    /// The payout exists already.
    #[error("the payout has been requested before")]
    PayoutExists,
    /// There is no such payout.
    #[error("there is no such payout")]
    PayoutUnknown,
    /// The payout is past this step.
    #[error("the payout is {}", status.name())]
    PayoutNotThere {
        /// Where it is.
        status: Status,
    },
    /// Submitting again could pay twice: an operator must decide.
    #[error("the provider may have forgotten the payout's reference: an operator must decide")]
    ProviderKeyExpired,
    /// The message says something that no build of ours would.
    #[error("it cannot be read: {what}")]
    Unreadable {
        /// What is wrong.
        what: Cow<'static, str>,
    },
}

impl Rejection {
    /// The code that clients see.
    pub const fn code(&self) -> PaymentCode {
        match self {
            Self::InsufficientBalance { .. } => PaymentCode::InsufficientBalance,
            Self::CurrencyMismatch { .. } => PaymentCode::CurrencyMismatch,
            Self::AmountNotPositive => PaymentCode::AmountNotPositive,
            Self::AmountOutOfRange => PaymentCode::AmountOutOfRange,
            Self::CurrencyUnknown => PaymentCode::CurrencyUnknown,
            Self::MethodUnknown => PaymentCode::MethodUnknown,
            Self::DetailsUnreadable => PaymentCode::DetailsUnreadable,
            Self::PartnerUnknown => PaymentCode::PartnerUnknown,
            Self::PayoutExists => PaymentCode::PayoutExists,
            Self::PayoutUnknown => PaymentCode::PayoutUnknown,
            Self::PayoutNotThere { .. } => PaymentCode::PayoutNotThere,
            Self::ProviderKeyExpired => PaymentCode::ProviderKeyExpired,
            Self::Unreadable { .. } => PaymentCode::Unreadable,
        }
    }

    /// The field of a request's body that is at fault.
    pub const fn pointer(&self) -> Option<&'static str> {
        match self {
            Self::InsufficientBalance { .. } | Self::AmountNotPositive | Self::AmountOutOfRange => {
                Some("/amount")
            }
            Self::CurrencyMismatch { .. } | Self::CurrencyUnknown => Some("/currency"),
            Self::MethodUnknown => Some("/payment_method"),
            Self::DetailsUnreadable => Some("/account_details"),
            Self::PartnerUnknown
            | Self::PayoutExists
            | Self::PayoutUnknown
            | Self::PayoutNotThere { .. }
            | Self::ProviderKeyExpired
            | Self::Unreadable { .. } => None,
        }
    }
}
