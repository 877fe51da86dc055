//! Statements: what moved in a partner's accounts in a month that is over.

use schemas::{About, StatementIssuedV1, StatementLine};
use types::{Micros, Month, PartnerId, StatementId};

use super::{Code, Context, Event, Ledger, Rejection};

/// What was counted for a statement, beside everything else: what moved in a month that is over does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Whose accounts.
    pub partner: PartnerId,
    /// Of which month.
    pub month: Month,
    /// Up to where in the log the statement before counts; 0: there is none.
    pub since: i64,
    /// By account and currency.
    pub lines: Vec<StatementLine>,
    /// The position of the last event that is counted.
    pub through: i64,
}

/// Where a partner's statements stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Up to where in the log the last one counts; 0: there is none.
    pub since: i64,
    /// When the first money moved behind what was counted for the next.
    pub next_at: Option<Micros>,
}

/// Issues the statement of a month, once, when nothing can be posted in it any more.
pub(super) fn issue(
    ledger: &Ledger,
    counted: &Counted,
    context: &Context,
) -> Result<Event, Rejection> {
    let not_due = |detail| Err(Rejection::new(Code::StatementNotDue, detail));
    let end = counted.month.end();
    if context.now < end {
        return not_due("the month is not over");
    }
    let key = (counted.partner.clone(), counted.through);
    match ledger.statements.get(&key) {
        Some(stated) if stated.since != counted.since => {
            return not_due("it follows on another statement than the partner's last");
        }
        Some(stated) if stated.next_at.is_some_and(|at| at < end) => {
            return not_due("something moved in the month that was not counted");
        }
        None => return not_due("nothing is known of the partner's statements"),
        Some(_) => {}
    }
    let record = StatementIssuedV1 {
        month: counted.month,
        lines: counted.lines.clone(),
        through: counted.through,
    };
    Ok(Event::from(About {
        key: counted.partner.clone(),
        subject: StatementId::of(&counted.partner, counted.month),
        record,
    }))
}

/// The next statement follows on this one.
pub(super) fn evolve(ledger: &mut Ledger, issued: &About<StatementIssuedV1>) {
    for ((partner, _), stated) in &mut ledger.statements {
        if *partner == issued.key {
            stated.since = issued.through;
        }
    }
}
