//! What payment is asked and what it states.

use serde::{Deserialize, Serialize};
use types::{AccountType, Micros, Money, PayoutId, PayoutMethod, Uuid};

use super::shared::{Transfer, WireMoney};

/// A partner asks for its money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPayoutV1 {
    /// How much.
    pub amount: WireMoney,
    /// For example `paypal`.
    pub method: String,
    /// Where to, sealed to payment's key.
    #[serde(with = "apache_avro::serde::bytes")]
    pub sealed_details: Vec<u8>,
    /// The key that it was sealed to.
    pub key_id: String,
    /// Where to, as it may be shown.
    pub masked: String,
}

/// The payout worker is about to submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginPayoutV1 {
    /// Id of the payout's event that it follows: `payout.requested.v1`, or `payout.unknown.v1` where the provider never saw the
    /// first attempt.
    pub requested_event_id: String,
}

/// What the provider said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPayoutAnswerV1 {
    /// `accepted`, `paid`, `failed` or `unknown`.
    pub answer: String,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// What it said beside, or why nothing is known.
    pub reason: Option<String>,
}

/// Money is reserved for a payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutRequestedV1 {
    /// How much.
    pub amount: Money,
    /// For example `paypal`.
    pub method: PayoutMethod,
    /// Where to, as it may be shown.
    pub masked: String,
    /// The transfer from payable to in transit.
    pub transfer_id: Uuid,
}

/// The intent to submit, committed before the provider is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutSubmittingV1 {
    /// Counts from 1.
    pub attempt: i32,
    /// What the provider knows the payout by; never varied.
    pub reference: PayoutId,
    /// How much.
    pub amount: Money,
    /// For example `paypal`.
    pub method: PayoutMethod,
}

/// The provider has taken the payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutSubmittedV1 {
    /// How much.
    pub amount: Money,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// What it said beside.
    pub reason: Option<String>,
}

/// Nobody knows whether the provider has it: from here there are only look-ups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutUnknownV1 {
    /// How much.
    pub amount: Money,
    /// The provider's own reference, where one was seen.
    pub provider_ref: Option<String>,
    /// What went wrong.
    pub reason: Option<String>,
}

/// The money has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutPaidV1 {
    /// How much.
    pub amount: Money,
    /// The transfer from in transit to paid out.
    pub transfer_id: Uuid,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
}

/// The money came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutFailedV1 {
    /// How much.
    pub amount: Money,
    /// The transfer from in transit back to payable.
    pub transfer_id: Uuid,
    /// The provider's own reference.
    pub provider_ref: Option<String>,
    /// What the provider said.
    pub reason: Option<String>,
}

/// A payout's whole amount, on its way from one account of the partner to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The transfer's id.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// Where from.
    pub from: AccountType,
    /// Where to.
    pub to: AccountType,
}

macro_rules! moves {
    ($($record:ident: $from:ident => $to:ident;)+) => {
        $(impl $record {
            /// The money that this step moves.
            pub const fn movement(&self) -> Movement {
                Movement {
                    id: self.transfer_id,
                    amount: self.amount,
                    from: AccountType::$from,
                    to: AccountType::$to,
                }
            }
        })+
    };
}

moves! {
    PayoutRequestedV1: Payable => InTransit;
    PayoutPaidV1: InTransit => PaidOut;
    PayoutFailedV1: InTransit => Payable;
}

/// Money moved between accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPostedV1 {
    /// One or more, in order.
    pub transfers: Vec<Transfer>,
    /// Type of the message that it follows from.
    pub cause: String,
    /// The commission that it belongs to, if it is one's.
    pub conversion_id: Option<String>,
    /// Why it went where it went, when that is not the usual place.
    pub reason: Option<String>,
}

/// Payment details may be sealed to this key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingKeyPublishedV1 {
    /// X25519, 32 bytes.
    #[serde(with = "apache_avro::serde::bytes")]
    pub public_key: Vec<u8>,
    /// When it must no longer be used.
    pub not_after: Micros,
}
