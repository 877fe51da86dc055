//! Statements: what moved in a partner's accounts in a month that is over.

use schemas::{About, StatementIssuedV1, StatementLine};
use types::{Month, PartnerId, StatementId};

use super::{Code, Context, Event, Ledger, Rejection};

/// What a statement that is due would say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turnover {
    /// By account and currency.
    pub lines: Vec<StatementLine>,
    /// The last event that moved money in the month.
    pub through: i64,
}

/// Issues the statement of a month, once, when nothing can be posted in it any more.
pub(super) fn issue(
    ledger: &Ledger,
    partner: &PartnerId,
    month: Month,
    context: &Context,
) -> Result<Event, Rejection> {
    let not_due = |detail| Rejection::new(Code::StatementNotDue, detail);
    if context.now < month.end() {
        return Err(not_due("the month is not over"));
    }
    let turnover = ledger.turnovers.get(&(partner.clone(), month));
    let turnover = turnover
        .ok_or_else(|| not_due("nothing moved in the month, or its statement was issued before"))?;
    let record = StatementIssuedV1 {
        month,
        lines: turnover.lines.clone(),
        through: turnover.through,
    };
    Ok(Event::from(About {
        key: partner.clone(),
        subject: StatementId::of(partner, month),
        record,
    }))
}

/// What else was loaded of the partner was counted from the statement before.
pub(super) fn evolve(ledger: &mut Ledger, issued: &About<StatementIssuedV1>) {
    ledger
        .turnovers
        .retain(|(partner, _), _| *partner != issued.key);
}
