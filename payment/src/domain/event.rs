//! What happened.

use schemas::Movement;
use types::{BrandId, ConversionId, Currency, Money, PartnerId, PayoutId, Uuid};

use super::Account;

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
        /// The brand's funds do not cover it: it waits for them.
        Unfunded = "unfunded",
        /// Less was payable than a refund takes back, since it was paid out: the rest is the brand's again as its partner earns it.
        PayableShort = "payable_short",
        /// It names another brand or partner than what waits of its conversion: nothing was moved, an operator must look.
        Contradicts = "contradicts",
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

/// What waited for a brand's funds and is covered by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funding {
    /// Whose funds.
    pub brand: BrandId,
    /// In which currency.
    pub currency: Currency,
    /// The money that moved, in order.
    pub transfers: Vec<Transfer>,
    /// The commissions, the first in first.
    pub conversions: Vec<ConversionId>,
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
        /// A brand has an account more.
        AccountOpened(AccountOpenedV1),
        /// A brand says that money is on its way.
        DepositAnnounced(DepositAnnouncedV1),
        /// A deposit is there.
        DepositCleared(DepositClearedV1),
        /// A deposit did not come.
        DepositFailed(DepositFailedV1),
        /// Money of a brand is on its way to it.
        WithdrawalRequested(WithdrawalRequestedV1),
        /// A withdrawal has arrived.
        WithdrawalSettled(WithdrawalSettledV1),
        /// A withdrawal came back.
        WithdrawalFailed(WithdrawalFailedV1),
        /// Money moved between accounts of a brand.
        FundsTransferred(FundsTransferredV1),
        /// When a brand pays.
        BillingChanged(BillingChangedV1),
        /// A brand's funds cover what waited for them.
        EarningsFunded(EarningsFundedV1 as Funding),
        /// A brand's funds do not cover what a partner has earned.
        FundsExhausted(FundsExhaustedV1),
        /// Nothing waits for a brand's funds any more.
        FundsRestored(FundsRestoredV1),
        /// What a refund took back of a partner who had been paid is in the brand's funds again.
        RefundRecovered(RefundRecoveredV1),
        /// Below which amount a brand is warned.
        FundsWarningChanged(FundsWarningChangedV1),
        /// A brand's funds cover less than the amount below which it is warned.
        FundsLow(FundsLowV1),
        /// A partner is told what moved in a month.
        StatementIssued(StatementIssuedV1),
        /// Whether something waits for a brand's funds, after payment's database has gone back.
        FundsStated(FundsStatedV1),
    }
}

impl Event {
    /// The money that this event moves: every change of a balance is one of these.
    pub fn transfers(&self) -> Vec<Transfer> {
        let movement = match self {
            Self::PayoutRequested(it) => it.movement(&it.key),
            Self::PayoutPaid(it) => it.movement(&it.key),
            Self::PayoutFailed(it) => it.movement(&it.key),
            Self::DepositAnnounced(it) => it.movement(),
            Self::DepositCleared(it) => it.movement(),
            Self::DepositFailed(it) => it.movement(),
            Self::WithdrawalRequested(it) => it.movement(),
            Self::WithdrawalSettled(it) => it.movement(),
            Self::WithdrawalFailed(it) => it.movement(),
            Self::FundsTransferred(it) => it.movement(),
            Self::RefundRecovered(it) => it.movement(&it.key),
            Self::LedgerPosted(posting) => return posting.transfers.clone(),
            Self::EarningsFunded(funding) => return funding.transfers.clone(),
            Self::PayoutSubmitting(_)
            | Self::PayoutSubmitted(_)
            | Self::PayoutUnknown(_)
            | Self::AccountOpened(_)
            | Self::BillingChanged(_)
            | Self::FundsExhausted(_)
            | Self::FundsRestored(_)
            | Self::FundsWarningChanged(_)
            | Self::FundsLow(_)
            | Self::StatementIssued(_)
            | Self::FundsStated(_) => return Vec::new(),
        };
        let Movement {
            id,
            amount,
            from,
            to,
        } = movement;
        vec![Transfer {
            id,
            debit: from,
            credit: to,
            money: amount,
        }]
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
            Self::LedgerPosted(_)
            | Self::AccountOpened(_)
            | Self::DepositAnnounced(_)
            | Self::DepositCleared(_)
            | Self::DepositFailed(_)
            | Self::WithdrawalRequested(_)
            | Self::WithdrawalSettled(_)
            | Self::WithdrawalFailed(_)
            | Self::FundsTransferred(_)
            | Self::BillingChanged(_)
            | Self::EarningsFunded(_)
            | Self::FundsExhausted(_)
            | Self::FundsRestored(_)
            | Self::RefundRecovered(_)
            | Self::FundsWarningChanged(_)
            | Self::FundsLow(_)
            | Self::StatementIssued(_)
            | Self::FundsStated(_) => None,
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
