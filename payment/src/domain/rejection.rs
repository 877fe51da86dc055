//! Why payment refuses: a closed list.

use money::{Currency, Money};
use thiserror::Error;

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
    #[error("there is no balance in {asked}")]
    CurrencyMismatch {
        /// What was asked for.
        asked: Currency,
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
        what: &'static str,
    },
}

impl Rejection {
    /// Every code, for documents and tests.
    pub const CODES: [&'static str; 13] = [
        "insufficient_balance",
        "currency_mismatch",
        "amount_not_positive",
        "amount_out_of_range",
        "currency_unknown",
        "method_unknown",
        "details_unreadable",
        "partner_unknown",
        "payout_exists",
        "payout_unknown",
        "payout_not_there",
        "provider_key_expired",
        "unreadable",
    ];

    /// The code that clients see.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InsufficientBalance { .. } => "insufficient_balance",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::AmountNotPositive => "amount_not_positive",
            Self::AmountOutOfRange => "amount_out_of_range",
            Self::CurrencyUnknown => "currency_unknown",
            Self::MethodUnknown => "method_unknown",
            Self::DetailsUnreadable => "details_unreadable",
            Self::PartnerUnknown => "partner_unknown",
            Self::PayoutExists => "payout_exists",
            Self::PayoutUnknown => "payout_unknown",
            Self::PayoutNotThere { .. } => "payout_not_there",
            Self::ProviderKeyExpired => "provider_key_expired",
            Self::Unreadable { .. } => "unreadable",
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
