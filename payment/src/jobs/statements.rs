//! Issues partners' statements once a month is over.

use messaging::job::{Job, timer_command};
use schemas::{IssueStatementV1, Message, Service};
use sqlx::PgPool;
use tokio::sync::Mutex;
use types::{Micros, Month, PartnerId, StatementId, ids};

use crate::store::statements::{self, Due};

/// Fires for every partner in whose accounts something moved in a month that is over and of which it has no statement. Walks
/// through all partners when a month begins, and when a process comes to lead, until none is left; then it rests until the next.
#[derive(Debug, Default)]
pub struct IssueStatements {
    walk: Mutex<Walk>,
}

/// How far it is.
#[derive(Debug, Default)]
struct Walk {
    /// Nothing is due before this month.
    done: Option<Month>,
    /// The last account that was looked at.
    after: String,
    /// Whether anything was due in this walk.
    found: bool,
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
        let Some(month) = this_month.filter(|_| walk.done != this_month) else {
            return Ok(Vec::new());
        };
        let part = statements::due(pool, &walk.after, ACCOUNTS, month.start()).await?;
        let Some((due, last)) = part else {
            walk.after.clear();
            // What was found may have been one of several months.
            if !std::mem::take(&mut walk.found) {
                walk.done = Some(month);
            }
            return Ok(Vec::new());
        };
        walk.after = last;
        walk.found |= !due.is_empty();
        Ok(due.iter().filter_map(|due| command(due, now)).collect())
    }
}

/// One for each statement that the next follows: of a month, one is issued.
fn command(due: &Due, now: Micros) -> Option<Message> {
    let partner = PartnerId::parse(due.partner.as_str()).ok()?;
    let month = Month::of(Micros(due.first_at))?;
    let statement = StatementId::of(&partner, month);
    let of = statement.as_str();
    let id = ids::timer_command_id(of, IssueStatements::NAME, Micros(due.since));
    let body = IssueStatementV1 {
        month: month.to_string(),
    };
    let kind = "payment.issue_statement.command.v1";
    let mut command = timer_command(Service::Payment, kind, id, of.to_owned(), now, body);
    command.header.key = partner.into_string();
    Some(command)
}
