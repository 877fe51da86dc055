//! Issues partners' statements once a month is over.

use messaging::job::{Job, timer_command};
use schemas::{IssueStatementV1, Message, Service};
use sqlx::PgPool;
use tokio::sync::Mutex;
use types::{Micros, Month, StatementId, ids};

use crate::domain::Counted;
use crate::store::statements;

/// Fires for every partner in whose accounts something moved in a month that is over and of which it has no statement. Walks
/// through all partners when a month begins, and when a process comes to lead, until none is left; then it rests until the next.
#[derive(Debug, Default)]
pub struct IssueStatements {
    walk: Mutex<Walk>,
}

/// How far it is.
#[derive(Debug, Default)]
struct Walk {
    /// Of what is due before this month.
    month: Option<Month>,
    /// The last account that was looked at.
    after: String,
    /// Whether anything was due since it began.
    found: bool,
    /// Whether it has ended.
    is_done: bool,
}

/// A transaction that began before the month was over may be committed this much later.
const SETTLED_SECONDS: i64 = 60;
/// Accounts of one step; a partner has six at most in each currency.
const ACCOUNTS: i64 = 250;

impl Job for IssueStatements {
    const NAME: &'static str = "issue_statements";

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let mut walk = self.walk.lock().await;
        let this_month = now
            .checked_add_seconds(-SETTLED_SECONDS)
            .and_then(Month::of);
        if walk.month != this_month {
            *walk = Walk {
                month: this_month,
                ..Walk::default()
            };
        }
        let Some(month) = walk.month.filter(|_| !walk.is_done) else {
            return Ok(Vec::new());
        };
        let part = statements::due(pool, &walk.after, ACCOUNTS, month.start()).await?;
        let Some((due, last)) = part else {
            walk.after.clear();
            // What was found may have been one of several months.
            walk.is_done = !std::mem::take(&mut walk.found);
            return Ok(Vec::new());
        };
        walk.found |= !due.is_empty();
        let counted = statements::count(pool, due).await?;
        walk.after = last;
        Ok(counted.into_iter().map(|it| command(it, now)).collect())
    }
}

/// Counted anew with another end, it is another command: one that counted too little is not the last.
fn command(counted: Counted, now: Micros) -> Message {
    let Counted {
        partner,
        month,
        since,
        lines,
        through,
    } = counted;
    let of = StatementId::of(&partner, month).into_string();
    let id = ids::timer_command_id(&of, IssueStatements::NAME, Micros(through));
    let body = IssueStatementV1 {
        month: month.to_string(),
        since,
        lines,
        through,
    };
    let kind = "payment.issue_statement.command.v1";
    let mut command = timer_command(Service::Payment, kind, id, of, now, body);
    command.header.key = partner.into_string();
    command
}
