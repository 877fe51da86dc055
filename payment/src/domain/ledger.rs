//! The state that decisions are made on: balances and payouts.

use std::collections::HashMap;

use thiserror::Error;
use types::{Currency, Money, PartnerId, PayoutId};

use super::{Account, AccountType, Balance, Payout, Transfer};

/// Balances in minor units, credits less debits, and payouts by id: those that a batch touches, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What stands in each account; absent is zero and never used.
    pub balances: HashMap<Balance, i64>,
    /// The payouts.
    pub payouts: HashMap<PayoutId, Payout>,
}

/// No decision takes a balance beyond this, either way. A payout that fails gives back what was payable before, without
/// a decision; what was earned meanwhile is within the limit too, and twice the limit is half of an `i64`.
pub const BALANCE_LIMIT: i64 = 1 << 61;

/// A balance would go beyond [`BALANCE_LIMIT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a balance would be out of range")]
pub struct PostError;

impl Ledger {
    /// What stands in an account, in minor units.
    pub fn balance(&self, account: Account, currency: Currency) -> i64 {
        let balance = Balance { account, currency };
        self.balances.get(&balance).copied().unwrap_or_default()
    }

    /// Whether the partner has ever had payable money of this currency.
    pub fn has_payable(&self, partner: &PartnerId, currency: Currency) -> bool {
        let account = Account::Partner(partner.clone(), AccountType::Payable);
        self.balances.contains_key(&Balance { account, currency })
    }

    /// Whether the partner has ever had payable money of any currency.
    pub fn has_any_payable(&self, partner: &PartnerId) -> bool {
        self.balances.keys().any(|balance| {
            matches!(&balance.account, Account::Partner(owner, AccountType::Payable) if owner == partner)
        })
    }

    /// Whether both sides of a transfer would stay within [`BALANCE_LIMIT`].
    pub fn can_post(&self, transfer: &Transfer) -> Result<(), PostError> {
        let Money { minor, currency } = transfer.money;
        let from = self.balance(transfer.debit.clone(), currency);
        let to = self.balance(transfer.credit.clone(), currency);
        let from = from.checked_sub(minor).ok_or(PostError)?;
        let to = to.checked_add(minor).ok_or(PostError)?;
        if from >= -BALANCE_LIMIT && to <= BALANCE_LIMIT {
            Ok(())
        } else {
            Err(PostError)
        }
    }

    /// Whether so much more can be in transit and then be paid out, with everything that is in transit already.
    pub fn can_pay_out(&self, partner: &PartnerId, amount: Money) -> Result<(), PostError> {
        let balance = |account_type| {
            self.balance(
                Account::Partner(partner.clone(), account_type),
                amount.currency,
            )
        };
        let in_transit = balance(AccountType::InTransit).checked_add(amount.minor);
        let paid_out =
            in_transit.and_then(|minor| minor.checked_add(balance(AccountType::PaidOut)));
        match paid_out {
            Some(..=BALANCE_LIMIT) => Ok(()),
            _ => Err(PostError),
        }
    }

    /// Moves the money: the one place where balances change, both sides by the same amount, or neither.
    ///
    /// # Errors
    /// A side is beyond what an `i64` holds; deciders refuse what goes beyond [`BALANCE_LIMIT`], long before.
    pub fn post(&mut self, transfer: &Transfer) -> Result<(), PostError> {
        let Transfer {
            debit,
            credit,
            money,
            ..
        } = transfer;
        let from = Balance::of(debit.clone(), *money);
        let to = Balance::of(credit.clone(), *money);
        let current = |balance| self.balances.get(balance).copied().unwrap_or_default();
        let left = current(&from).checked_sub(money.minor).ok_or(PostError)?;
        let before = if from == to { left } else { current(&to) };
        let reached = before.checked_add(money.minor).ok_or(PostError)?;
        self.balances.insert(from, left);
        self.balances.insert(to, reached);
        Ok(())
    }
}
