//! The state that decisions are made on: balances and payouts, and what an event does to them.

use std::collections::{BTreeMap, HashMap, HashSet};

use thiserror::Error;
use types::{
    BrandId, ConversionId, Currency, FundsAccountId, Micros, Money, PartnerId, PayoutId, Uuid,
};

use super::funds::{self, BankTransfer, Owed, Terms, Waiting, Way};
use super::{Account, AccountType, Balance, Event, Payout, Stated, Status, Transfer, statement};

/// Balances in minor units, credits less debits, and payouts by id: those that a batch touches, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What stands in each account; absent is zero and never used.
    pub balances: HashMap<Balance, i64>,
    /// The payouts.
    pub payouts: HashMap<PayoutId, Payout>,
    /// The accounts that brands have opened.
    pub accounts: HashSet<FundsAccountId>,
    /// Deposits and withdrawals.
    pub bank_transfers: HashMap<(Way, String), BankTransfer>,
    /// When brands pay, in the currencies of which an operator has said it.
    pub billing: HashMap<BrandId, BTreeMap<Currency, Terms>>,
    /// Below which amounts brands are warned, in minor units, of those that have set one.
    pub warnings: HashMap<(BrandId, Currency), i64>,
    /// The commissions that wait for their brands' funds.
    pub waiting: HashMap<(ConversionId, Currency), Waiting>,
    /// What partners owe, to whom: of those whose payable money is below zero, or was before what stands here last.
    pub owed: HashMap<(PartnerId, Currency, BrandId), Owed>,
    /// Where the statements of partners stand of whom one was counted, by up to where that is.
    pub statements: HashMap<(PartnerId, i64), Stated>,
    /// Up to where in the log all that waits for a brand's funds is here, where not all of it is.
    pub known_until: HashMap<(BrandId, Currency), i64>,
}

/// No decision takes a balance beyond this, either way. A payout that fails gives back what was payable before, without
/// a decision; what was earned meanwhile is within the limit too, and twice the limit is half of an `i64`.
pub const BALANCE_LIMIT: i64 = 1 << 61;

/// No brand has more than this on its way from its bank, by its word alone: what one announces takes nothing from what others can.
pub const ANNOUNCED_LIMIT: i64 = 1 << 50;

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

    /// Whether both sides of each of these transfers, one after the other, would stay within [`BALANCE_LIMIT`].
    pub fn can_post_all(&self, transfers: &[Transfer]) -> Result<(), PostError> {
        self.can_post_within(BALANCE_LIMIT, transfers)
    }

    /// The same of another limit.
    pub(super) fn can_post_within(
        &self,
        limit: i64,
        transfers: &[Transfer],
    ) -> Result<(), PostError> {
        let mut moved: HashMap<Balance, i64> = HashMap::new();
        for transfer in transfers {
            let minor = transfer.money.minor;
            let mut add = |account: &Account, change: Option<i64>| {
                let key = Balance::of(account.clone(), transfer.money);
                let before = self.balances.get(&key).copied().unwrap_or_default();
                let stands = moved.entry(key).or_insert(before);
                *stands = stands.checked_add(change?)?;
                Some(*stands)
            };
            let from = add(&transfer.debit, minor.checked_neg()).ok_or(PostError)?;
            let to = add(&transfer.credit, Some(minor)).ok_or(PostError)?;
            if from < -limit || to > limit {
                return Err(PostError);
            }
        }
        Ok(())
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

/// When an event was recorded, and under which id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its id.
    pub id: Uuid,
    /// Our time.
    pub time: Micros,
    /// Where in the log.
    pub position: i64,
}

/// Applies an event that was recorded `at`. The fold of all events is the state.
///
/// # Errors
/// It moves more money than a balance can hold.
pub fn evolve(ledger: &mut Ledger, event: &Event, at: Stamp) -> Result<(), PostError> {
    for transfer in event.transfers() {
        ledger.post(&transfer)?;
    }
    funds::evolve(ledger, event, at);
    match event {
        Event::PayoutRequested(requested) => {
            let new = Payout {
                id: requested.subject.clone(),
                partner: requested.key.clone(),
                amount: requested.amount,
                method: requested.method,
                masked: requested.masked.clone(),
                status: Status::Requested,
                attempt: 0,
                first_attempt_at: None,
                provider_ref: None,
                reason: None,
                requested_at: at.time,
                updated_at: at.time,
                last_event: at.id,
            };
            ledger.payouts.insert(requested.subject.clone(), new);
        }
        Event::PayoutSubmitting(submitting) => step(ledger, &submitting.subject, at, |payout| {
            payout.status = Status::Submitting;
            payout.reason = None;
            payout.attempt = submitting.attempt;
            payout.first_attempt_at.get_or_insert(at.time);
        }),
        Event::PayoutSubmitted(it) => {
            let response = (&it.provider_ref, &it.reason);
            answered(ledger, &it.subject, at, Status::Submitted, response);
        }
        Event::PayoutUnknown(it) => {
            let response = (&it.provider_ref, &it.reason);
            answered(ledger, &it.subject, at, Status::Unknown, response);
        }
        Event::PayoutPaid(it) => {
            let response = (&it.provider_ref, &None);
            answered(ledger, &it.subject, at, Status::Paid, response);
        }
        Event::PayoutFailed(it) => {
            let response = (&it.provider_ref, &it.reason);
            answered(ledger, &it.subject, at, Status::Failed, response);
        }
        Event::StatementIssued(issued) => statement::evolve(ledger, issued),
        Event::LedgerPosted(_)
        | Event::AccountOpened(_)
        | Event::DepositAnnounced(_)
        | Event::DepositCleared(_)
        | Event::DepositFailed(_)
        | Event::WithdrawalRequested(_)
        | Event::WithdrawalSettled(_)
        | Event::WithdrawalFailed(_)
        | Event::FundsTransferred(_)
        | Event::BillingChanged(_)
        | Event::EarningsFunded(_)
        | Event::FundsExhausted(_)
        | Event::FundsRestored(_)
        | Event::RefundRecovered(_)
        | Event::FundsWarningChanged(_)
        | Event::FundsLow(_)
        | Event::FundsStated(_) => {}
    }
    Ok(())
}

/// What the provider said: its reference, and why.
type Response<'a> = (&'a Option<String>, &'a Option<String>);

fn answered(
    ledger: &mut Ledger,
    payout: &PayoutId,
    at: Stamp,
    status: Status,
    response: Response<'_>,
) {
    let (provider_ref, reason) = response;
    step(ledger, payout, at, |payout| {
        payout.status = status;
        payout.provider_ref.clone_from(provider_ref);
        payout.reason.clone_from(reason);
    });
}

fn step(ledger: &mut Ledger, payout: &PayoutId, at: Stamp, change: impl FnOnce(&mut Payout)) {
    if let Some(payout) = ledger.payouts.get_mut(payout) {
        change(payout);
        payout.updated_at = at.time;
        payout.last_event = at.id;
    }
}
