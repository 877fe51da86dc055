//! What commission's facts do to the ledger. Total: what cannot be applied is noted, and money that has no place goes
//! to suspense.

use types::{BrandId, EarningStatus, Money, PartnerId};

use super::decide::transfer_id;
use super::{
    Account, AccountType, Context, Event, Fact, Ledger, Note, Posting, Transfer, Waiting, status_of,
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
    let key = (conversion.clone(), amount.currency);
    let waiting = ledger.waiting.get(&key);
    if waiting.is_some_and(|it| it.brand != *brand || it.partner != *partner) {
        posting.note = Some(Note::Contradicts);
        return Event::LedgerPosted(posting);
    }
    let (moves, note) = match waiting {
        Some(waiting) => waits(ledger, fact, waiting, amount),
        None => usual(ledger, fact, amount),
    };
    let moves = moves.into_iter().enumerate();
    let transfers: Vec<Transfer> = moves
        .map(|(ordinal, (debit, credit, money))| Transfer {
            id: transfer_id(context.cause, ordinal),
            debit,
            credit,
            money,
        })
        .collect();
    if ledger.can_post_all(&transfers).is_ok() {
        posting.transfers = transfers;
        posting.note = note;
    } else {
        posting.note = Some(Note::OutOfRange);
    }
    Event::LedgerPosted(posting)
}

/// Where from, where to and how much.
type Move = (Account, Account, Money);

/// What a fact moves of a commission that does not wait for funds, or not yet.
fn usual(ledger: &Ledger, fact: &Fact, amount: Money) -> (Vec<Move>, Option<Note>) {
    let (_, partner, brand, _) = parts(fact);
    let funds = Account::BrandFunds(brand.clone());
    let account_type = |account_type| Account::Partner(partner.clone(), account_type);
    let short = pending_is_short(ledger, fact, partner, amount);
    let short_note = short.then_some(Note::PendingShort);
    let takes_funds = match fact {
        Fact::Calculated(_) => true,
        Fact::Approved(_) => short,
        Fact::Reversed(_) => false,
    };
    if takes_funds && !ledger.covers(brand, amount) {
        let stands = match fact {
            Fact::Calculated(it) if status_of(it) == EarningStatus::Payable => {
                AccountType::Unfunded
            }
            Fact::Calculated(_) => AccountType::Pending,
            Fact::Approved(_) | Fact::Reversed(_) => AccountType::Suspense,
        };
        let unfunded = Account::BrandUnfunded(brand.clone());
        let moves = vec![(unfunded, account_type(stands), amount)];
        return (moves, short_note.or(Some(Note::Unfunded)));
    }
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
            return taken_back(ledger, partner, brand, amount);
        }
        Fact::Reversed(_) if short => (account_type(AccountType::Suspense), funds),
        Fact::Reversed(_) => (account_type(AccountType::Pending), funds),
    };
    (vec![(debit, credit, amount)], short_note)
}

/// What a refund takes back of payable money. What was paid out is not the brand's again before its partner has earned it.
fn taken_back(
    ledger: &Ledger,
    partner: &PartnerId,
    brand: &BrandId,
    amount: Money,
) -> (Vec<Move>, Option<Note>) {
    let payable = Account::Partner(partner.clone(), AccountType::Payable);
    let there = ledger.balance(payable.clone(), amount.currency);
    let there = there.clamp(0, amount.minor);
    let parts = [
        (there, Account::BrandFunds(brand.clone())),
        (
            amount.minor.saturating_sub(there),
            Account::BrandRecoverable(brand.clone()),
        ),
    ];
    let note = (there < amount.minor).then_some(Note::PayableShort);
    let parts = parts.into_iter().filter(|(minor, _)| *minor > 0);
    let moves = parts.map(|(minor, to)| (payable.clone(), to, Money::new(minor, amount.currency)));
    (moves.collect(), note)
}

/// What a fact moves of a commission that waits for its brand's funds.
fn waits(
    ledger: &Ledger,
    fact: &Fact,
    waiting: &Waiting,
    amount: Money,
) -> (Vec<Move>, Option<Note>) {
    let own = |account_type| Account::Partner(waiting.partner.clone(), account_type);
    let unfunded = Account::BrandUnfunded(waiting.brand.clone());
    let (left, currency) = (waiting.minor, amount.currency);
    match fact {
        // More of the same waits where the rest does.
        Fact::Calculated(_) => {
            let moves = vec![(unfunded, own(waiting.stands), amount)];
            (moves, Some(Note::Unfunded))
        }
        Fact::Approved(_) if waiting.stands == AccountType::Pending => {
            let whole = Money::new(left, currency);
            let note = if left == amount.minor {
                Note::Unfunded
            } else {
                Note::PendingShort
            };
            let moves = vec![(own(AccountType::Pending), own(AccountType::Unfunded), whole)];
            (moves, Some(note))
        }
        // It was approved before, or was never pending.
        Fact::Approved(_) => (Vec::new(), Some(Note::PendingShort)),
        Fact::Reversed(_) => {
            let part = left.min(amount.minor);
            let rest = amount.minor.saturating_sub(part);
            let back = (own(waiting.stands), unfunded, Money::new(part, currency));
            let mut moves = vec![back];
            let mut note = Some(Note::Unfunded);
            if rest > 0 {
                let (more, short) = usual(ledger, fact, Money::new(rest, currency));
                moves.extend(more);
                note = short.or(note);
            }
            (moves, note)
        }
    }
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
