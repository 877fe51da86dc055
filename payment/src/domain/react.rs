//! What commission's facts do to the ledger. Total: what cannot be applied is noted, and money that has no place goes
//! to suspense.

use money::{BrandId, Money, PartnerId};

use super::decide::transfer_id;
use super::{Account, Books, Context, Event, Fact, Note, Posting, Pot, Standing, Transfer};

/// Reacts to a fact: one posting, always.
pub fn react(books: &Books, fact: &Fact, context: &Context) -> Event {
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
    let pot = |pot| Account::Partner(partner.clone(), pot);
    let short = pending_is_short(books, fact, partner, amount);
    let (debit, credit) = match fact {
        Fact::Calculated {
            standing: Standing::Payable,
            ..
        } => (funds, pot(Pot::Payable)),
        Fact::Calculated { .. } => (funds, pot(Pot::Pending)),
        // The fact that made it pending was never applied: the brand owes it, but nobody may spend it yet.
        Fact::Approved { .. } if short => (funds, pot(Pot::Suspense)),
        Fact::Approved { .. } => (pot(Pot::Pending), pot(Pot::Payable)),
        Fact::Reversed {
            standing: Standing::Payable,
            ..
        } => (pot(Pot::Payable), funds),
        Fact::Reversed { .. } if short => (pot(Pot::Suspense), funds),
        Fact::Reversed { .. } => (pot(Pot::Pending), funds),
    };
    let transfer = Transfer {
        id: transfer_id(context.cause, 0),
        debit,
        credit,
        money: amount,
    };
    if books.can_post(&transfer).is_ok() {
        posting.transfers.push(transfer);
        posting.note = short.then_some(Note::PendingShort);
    } else {
        posting.note = Some(Note::OutOfRange);
    }
    Event::LedgerPosted(posting)
}

fn parts(fact: &Fact) -> (&money::ConversionId, &PartnerId, &BrandId, Money) {
    match fact {
        Fact::Calculated {
            conversion,
            partner,
            brand,
            amount,
            ..
        }
        | Fact::Approved {
            conversion,
            partner,
            brand,
            amount,
        }
        | Fact::Reversed {
            conversion,
            partner,
            brand,
            amount,
            ..
        } => (conversion, partner, brand, *amount),
    }
}

/// Whether the fact takes from pending more than stands there.
fn pending_is_short(books: &Books, fact: &Fact, partner: &PartnerId, amount: Money) -> bool {
    let takes_pending = match fact {
        Fact::Calculated { .. } => false,
        Fact::Approved { .. } => true,
        Fact::Reversed { standing, .. } => *standing == Standing::Pending,
    };
    let pending = Account::Partner(partner.clone(), Pot::Pending);
    takes_pending && books.balance(pending, amount.currency) < amount.minor
}
