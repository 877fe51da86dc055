//! What happened.

use schemas::Movement;
use types::{ConversionId, Money, PartnerId, PayoutId, Uuid};

use super::{Account, AccountType};

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
    /// A transfer between two accounts of a partner.
    pub fn within(
        id: Uuid,
        partner: &PartnerId,
        from: AccountType,
        to: AccountType,
        money: Money,
    ) -> Self {
        Self {
            id,
            debit: Account::Partner(partner.clone(), from),
            credit: Account::Partner(partner.clone(), to),
            money,
        }
    }
}

types::names! {
    /// Why money did not go the usual way.
    pub enum Note {
        /// The commission came to nothing: there is nothing to move.
        NothingToPost = "nothing_to_post",
        /// The amount was below zero: nothing was moved, an operator must look.
        NegativeAmount = "negative_amount",
        /// A balance would be out of range: nothing was moved, an operator must look.
        OutOfRange = "out_of_range",
        /// Less was pending than should be released or reversed: the money is in suspense.
        PendingShort = "pending_short",
        /// The fact named no account that can exist, and nothing was moved. Logs of 0.1 have it; now such a fact becomes
        /// a dead letter.
        Unreadable = "unreadable",
    }

    /// Which fact a posting follows from. The name is the type of the message that states it.
    pub enum Cause {
        /// A conversion earned.
        Calculated = "commission.calculated.v1",
        /// A hold was over.
        Approved = "commission.approved.v1",
        /// A refund took back its part.
        Reversed = "commission.reversed.v1",
    }
}

/// What a commission did to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The fact that it follows from.
    pub cause: Cause,
    /// Whose ledger; the text as it came, for it may be no id at all.
    pub owner: String,
    /// The commission's conversion, as it came.
    pub conversion: String,
    /// The money that moved, in order.
    pub transfers: Vec<Transfer>,
    /// Why, when it did not go the usual way.
    pub note: Option<Note>,
}

schemas::events! {
    /// What can happen at payment. Amounts of payouts travel with every step, so that each can be read by itself.
    pub enum Event {
        /// Money is reserved for a payout.
        PayoutRequested(PayoutRequestedV1),
        /// The intent to submit; the provider is called only after it is committed.
        PayoutSubmitting(PayoutSubmittingV1),
        /// The provider has taken it.
        PayoutSubmitted(PayoutSubmittedV1),
        /// Nobody knows whether the provider has it.
        PayoutUnknown(PayoutUnknownV1),
        /// The money has arrived.
        PayoutPaid(PayoutPaidV1),
        /// The money came back.
        PayoutFailed(PayoutFailedV1),
        /// A commission moved money, or could not.
        LedgerPosted(LedgerPostedV1 as Posting),
    }
}

impl Event {
    /// The money that this event moves: every change of a balance is one of these.
    pub fn transfers(&self) -> Vec<Transfer> {
        let (
            partner,
            Movement {
                id,
                amount,
                from,
                to,
            },
        ) = match self {
            Self::PayoutRequested(it) => (&it.key, it.movement()),
            Self::PayoutPaid(it) => (&it.key, it.movement()),
            Self::PayoutFailed(it) => (&it.key, it.movement()),
            Self::LedgerPosted(posting) => return posting.transfers.clone(),
            Self::PayoutSubmitting(_) | Self::PayoutSubmitted(_) | Self::PayoutUnknown(_) => {
                return Vec::new();
            }
        };
        vec![Transfer::within(id, partner, from, to, amount)]
    }

    /// The payout that it is about.
    pub fn payout(&self) -> Option<&PayoutId> {
        match self {
            Self::PayoutRequested(it) => Some(&it.subject),
            Self::PayoutSubmitting(it) => Some(&it.subject),
            Self::PayoutSubmitted(it) => Some(&it.subject),
            Self::PayoutUnknown(it) => Some(&it.subject),
            Self::PayoutPaid(it) => Some(&it.subject),
            Self::PayoutFailed(it) => Some(&it.subject),
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
