//! Issues partners' statements once a month is over.

use std::collections::{HashMap, HashSet};

use chassis::time::Day;
use messaging::job::{Job, timer_command};
use schemas::{IssueStatementV1, Message, Service};
use sqlx::PgPool;
use tokio::sync::Mutex;
use types::{Micros, Month, StatementId, Uuid, ids};

use crate::domain::Counted;
use crate::store::{statements, transfers};

/// Fires for every partner in whose accounts something moved in a month that is over and of which it has no statement. Walks
/// through all partners when a process comes to lead, and once a day, until nothing new is found.
#[derive(Debug, Default)]
pub struct IssueStatements {
    walk: Mutex<Walk>,
}

/// How far it is.
#[derive(Debug, Default)]
struct Walk {
    /// The day of it.
    day: Option<Day>,
    /// The last account that was looked at.
    after: String,
    /// What was fired today: what stays due all the same does not keep the walk going.
    fired: HashSet<Uuid>,
    /// Whether anything was fired for the first time since it began.
    found: bool,
    /// Whether it has ended.
    is_done: bool,
    /// Where in the log months end.
    ends: HashMap<Month, i64>,
}

/// A transaction that began before the month was over may be committed this much later.
const SETTLED_SECONDS: i64 = 60;
/// Accounts of one step; a partner has six at most in each currency.
const ACCOUNTS: i64 = 250;

impl Job for IssueStatements {
    const NAME: &'static str = "issue_statements";

    async fn due(&self, pool: &PgPool, now: Micros, _: i64) -> Result<Vec<Message>, sqlx::Error> {
        let mut walk = self.walk.lock().await;
        let settled = now.checked_add_seconds(-SETTLED_SECONDS).unwrap_or(now);
        let day = Day::of(settled);
        if walk.day != Some(day) {
            *walk = Walk {
                day: Some(day),
                ..Walk::default()
            };
        }
        let Some(month) = Month::of(settled).filter(|_| !walk.is_done) else {
            return Ok(Vec::new());
        };
        let part = statements::due(pool, &walk.after, ACCOUNTS, month.start()).await?;
        let Some((due, last)) = part else {
            walk.after.clear();
            // What was found may have been one of several months.
            walk.is_done = !std::mem::take(&mut walk.found);
            if walk.is_done {
                walk.fired = HashSet::new();
            }
            return Ok(Vec::new());
        };
        let mut commands = Vec::with_capacity(due.len());
        for due in due {
            let end = if let Some(end) = walk.ends.get(&due.month) {
                *end
            } else {
                let end = transfers::position_at(pool, due.month.end()).await?;
                walk.ends.insert(due.month, end);
                end
            };
            match statements::count(pool, &due, end).await {
                Ok(Some(counted)) => {
                    let command = command(counted, day, now);
                    walk.found |= walk.fired.insert(command.header.id);
                    commands.push(command);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(
                    partner = due.partner.as_str(), month = %due.month, %error,
                    "a statement cannot be counted now: it is tried again in a day"
                ),
            }
        }
        walk.after = last;
        Ok(commands)
    }
}

/// Counted with another end, or on another day, it is another command: one that was refused is not the last.
fn command(counted: Counted, day: Day, now: Micros) -> Message {
    let Counted {
        partner,
        month,
        since,
        lines,
        through,
    } = counted;
    let statement = StatementId::of(&partner, month).into_string();
    let of = format!("{statement}/{day}");
    let id = ids::timer_command_id(&of, IssueStatements::NAME, Micros(through));
    let body = IssueStatementV1 {
        month: month.to_string(),
        since,
        lines,
        through,
    };
    let kind = "payment.issue_statement.command.v1";
    let mut command = timer_command(Service::Payment, kind, id, statement, now, body);
    command.header.key = partner.into_string();
    command
}
