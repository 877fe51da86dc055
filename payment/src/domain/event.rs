//! What happened.

use money::{ConversionId, Money, PartnerId, PayoutId, Uuid};

use super::{Account, Method, Pot};

/// Money that moved from one account to another: a debit and the same credit, so that every row is zero-sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Derived from the cause.
    pub id: Uuid,
    /// Where from.
    pub debit: Account,
    /// Where to.
    pub credit: Account,
    /// How much; more than zero.
    pub money: Money,
}

impl Transfer {
    /// A transfer between two pots of a partner.
    pub fn within(id: Uuid, partner: &PartnerId, from: Pot, to: Pot, money: Money) -> Self {
        Self {
            id,
            debit: Account::Partner(partner.clone(), from),
            credit: Account::Partner(partner.clone(), to),
            money,
        }
    }
}

/// Why money did not go the usual way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The commission came to nothing: there is nothing to move.
    NothingToPost,
    /// The amount was below zero: nothing was moved, an operator must look.
    NegativeAmount,
    /// A balance would be out of range: nothing was moved, an operator must look.
    OutOfRange,
    /// Less was pending than should be released or reversed: the money is in suspense.
    PendingShort,
    /// The fact named no account that can exist, and nothing was moved. Logs of 0.1 have it; now such a fact is set aside.
    Unreadable,
}

impl Note {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NothingToPost,
        Self::NegativeAmount,
        Self::OutOfRange,
        Self::PendingShort,
        Self::Unreadable,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NothingToPost => "nothing_to_post",
            Self::NegativeAmount => "negative_amount",
            Self::OutOfRange => "out_of_range",
            Self::PendingShort => "pending_short",
            Self::Unreadable => "unreadable",
        }
    }

    /// The note of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|note| note.name() == name)
    }
}

/// Which fact a posting follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A conversion earned.
    Calculated,
    /// A hold was over.
    Approved,
    /// A refund took back its part.
    Reversed,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calculated, Self::Approved, Self::Reversed];

    /// The type of the message that states it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calculated => "commission.calculated.v1",
            Self::Approved => "commission.approved.v1",
            Self::Reversed => "commission.reversed.v1",
        }
    }

    /// The cause of that type.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// What a commission did to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The fact that it follows from.
    pub cause: Cause,
    /// Whose books; the text as it came, for it may be no id at all.
    pub owner: String,
    /// The commission's conversion, as it came.
    pub conversion: String,
    /// The money that moved, in order.
    pub transfers: Vec<Transfer>,
    /// Why, when it did not go the usual way.
    pub note: Option<Note>,
}

/// What can happen at payment. Amounts of payouts travel with every step, so that each can be read by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Money is reserved for a payout.
    PayoutRequested {
        /// The payout.
        payout: PayoutId,
        /// Whose money.
        partner: PartnerId,
        /// How much.
        amount: Money,
        /// By what road.
        method: Method,
        /// Where to, as it may be shown.
        masked: String,
        /// The transfer from payable to in transit.
        transfer: Uuid,
    },
    /// The intent to submit; the provider is called only after it is committed.
    PayoutSubmitting {
        /// The payout.
        payout: PayoutId,
        /// Whose money.
        partner: PartnerId,
        /// How much.
        amount: Money,
        /// By what road.
        method: Method,
        /// Counts from 1.
        attempt: i32,
    },
    /// The provider has taken it.
    PayoutSubmitted {
        /// The payout.
        payout: PayoutId,
        /// Whose money.
        partner: PartnerId,
        /// How much.
        amount: Money,
        /// The provider's own reference.
        provider_ref: Option<String>,
        /// What it said beside.
        reason: Option<String>,
    },
    /// Nobody knows whether the provider has it.
    PayoutUnknown {
        /// The payout.
        payout: PayoutId,
        /// Whose money.
        partner: PartnerId,
        /// How much.
        amount: Money,
        /// The provider's own reference, where one was seen.
        provider_ref: Option<String>,
        /// What went wrong.
        reason: Option<String>,
    },
    /// The money has arrived.
    PayoutPaid {
        /// The payout.
        payout: PayoutId,
        /// Whose money.
        partner: PartnerId,
        /// How much.
        amount: Money,
        /// The provider's own reference.
        provider_ref: Option<String>,
        /// The transfer from in transit to paid out.
        transfer: Uuid,
    },
    /// The money came back.
    PayoutFailed {
        /// The payout.
        payout: PayoutId,
        /// Whose money.
        partner: PartnerId,
        /// How much.
        amount: Money,
        /// The provider's own reference.
        provider_ref: Option<String>,
        /// What the provider said.
        reason: Option<String>,
        /// The transfer from in transit back to payable.
        transfer: Uuid,
    },
    /// A commission moved money, or could not.
    LedgerPosted(Posting),
}

impl Event {
    /// The money that this event moves: every change of a balance is one of these.
    pub fn transfers(&self) -> Vec<Transfer> {
        let (partner, amount, id, from, to) = match self {
            Self::PayoutRequested {
                partner,
                amount,
                transfer,
                ..
            } => (partner, amount, transfer, Pot::Payable, Pot::InTransit),
            Self::PayoutPaid {
                partner,
                amount,
                transfer,
                ..
            } => (partner, amount, transfer, Pot::InTransit, Pot::PaidOut),
            Self::PayoutFailed {
                partner,
                amount,
                transfer,
                ..
            } => (partner, amount, transfer, Pot::InTransit, Pot::Payable),
            Self::LedgerPosted(posting) => return posting.transfers.clone(),
            Self::PayoutSubmitting { .. }
            | Self::PayoutSubmitted { .. }
            | Self::PayoutUnknown { .. } => return Vec::new(),
        };
        vec![Transfer::within(*id, partner, from, to, *amount)]
    }

    /// The payout that it is about.
    pub fn payout(&self) -> Option<&PayoutId> {
        match self {
            Self::PayoutRequested { payout, .. }
            | Self::PayoutSubmitting { payout, .. }
            | Self::PayoutSubmitted { payout, .. }
            | Self::PayoutUnknown { payout, .. }
            | Self::PayoutPaid { payout, .. }
            | Self::PayoutFailed { payout, .. } => Some(payout),
            Self::LedgerPosted(_) => None,
        }
    }
}

impl Posting {
    /// A posting, as yet without transfers, for a fact that names its accounts.
    pub fn new(cause: Cause, owner: &PartnerId, conversion: &ConversionId) -> Self {
        Self {
            cause,
            owner: owner.to_string(),
            conversion: conversion.to_string(),
            transfers: Vec::new(),
            note: None,
        }
    }
}
