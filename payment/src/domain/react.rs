//! What commission's facts do to the ledger. Total: what cannot be applied is noted, and money that has no place goes
//! to suspense.

use types::{BrandId, EarningStatus, Money, PartnerId};

use super::decide::transfer_id;
use super::{
    Account, AccountType, Context, Event, Fact, Ledger, Note, Posting, Transfer, status_of,
};

/// Reacts to a fact: one posting, always.
pub fn react(ledger: &Ledger, fact: &Fact, context: &Context) -> Event {
    let (conversion, partner, brand, amount) = parts(fact);
    let mut posting = Posting::new(fact.cause(), partner, conversion);
    if amount.minor <= 0 {
        posting.note = Some(if amount.minor == 0 {
            Note::NothingToPost
        } else {
            Note::NegativeAmount
        });
        return Event::LedgerPosted(posting);
    }
    let funds = Account::BrandFunds(brand.clone());
    let account_type = |account_type| Account::Partner(partner.clone(), account_type);
    let short = pending_is_short(ledger, fact, partner, amount);
    let (debit, credit) = match fact {
        Fact::Calculated(it) if status_of(it) == EarningStatus::Payable => {
            (funds, account_type(AccountType::Payable))
        }
        Fact::Calculated(_) => (funds, account_type(AccountType::Pending)),
        // The fact that made it pending was never applied: the brand owes it, but nobody may spend it yet.
        Fact::Approved(_) if short => (funds, account_type(AccountType::Suspense)),
        Fact::Approved(_) => (
            account_type(AccountType::Pending),
            account_type(AccountType::Payable),
        ),
        Fact::Reversed(it) if it.from == EarningStatus::Payable => {
            (account_type(AccountType::Payable), funds)
        }
        Fact::Reversed(_) if short => (account_type(AccountType::Suspense), funds),
        Fact::Reversed(_) => (account_type(AccountType::Pending), funds),
    };
    let transfer = Transfer {
        id: transfer_id(context.cause, 0),
        debit,
        credit,
        money: amount,
    };
    if ledger.can_post(&transfer).is_ok() {
        posting.transfers.push(transfer);
        posting.note = short.then_some(Note::PendingShort);
    } else {
        posting.note = Some(Note::OutOfRange);
    }
    Event::LedgerPosted(posting)
}

fn parts(fact: &Fact) -> (&types::ConversionId, &PartnerId, &BrandId, Money) {
    match fact {
        Fact::Calculated(it) => (&it.subject, &it.partner_id, &it.brand_id, it.amount),
        Fact::Approved(it) => (&it.subject, &it.partner_id, &it.brand_id, it.amount),
        Fact::Reversed(it) => (&it.subject, &it.partner_id, &it.brand_id, it.amount),
    }
}

/// Whether the fact takes from pending more than stands there.
fn pending_is_short(ledger: &Ledger, fact: &Fact, partner: &PartnerId, amount: Money) -> bool {
    let takes_pending = match fact {
        Fact::Calculated(_) => false,
        Fact::Approved(_) => true,
        Fact::Reversed(it) => it.from == EarningStatus::Pending,
    };
    let pending = Account::Partner(partner.clone(), AccountType::Pending);
    takes_pending && ledger.balance(pending, amount.currency) < amount.minor
}
