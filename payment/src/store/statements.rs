//! `statements`: what partners were told of their months.

use sqlx::{FromRow, PgConnection, PgPool};
use types::{AccountType, Currency, Micros, Month, PartnerId, StatementId};

use super::unreadable;
use crate::domain::{Counted, Stated, StatementLine};

/// A statement to write, with its place in the log.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) partner: PartnerId,
    pub(crate) month: Month,
    pub(crate) id: StatementId,
    pub(crate) position: i64,
    pub(crate) through: i64,
    pub(crate) issued_at: Micros,
}

/// Writes new statements.
pub(crate) async fn insert(connection: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    messaging::insert_rows!(connection, rows => "statements" {
        partner: text = |row| row.partner.as_str(),
        month: text = |row| row.month.to_string(),
        id: text = |row| row.id.as_str(),
        position: bigint = |row| row.position,
        through: bigint = |row| row.through,
        issued_at: bigint = |row| row.issued_at.get(),
    })
    .await
}

/// In which accounts a partner's money can be.
fn account_types() -> Vec<&'static str> {
    AccountType::ALL.map(AccountType::name).to_vec()
}

/// Where the first money moved in accounts of `p.partner` behind `p.since`, with the types of accounts as `$1`.
macro_rules! first_move {
    () => {
        "(SELECT m.posted_at
            FROM UNNEST($1::text[]) AS a(account_type)
           CROSS JOIN LATERAL (
                 (SELECT position, posted_at FROM transfers
                   WHERE credit = 'partner:' || p.partner || ':' || a.account_type AND position > p.since
                   ORDER BY position, ordinal LIMIT 1)
                 UNION ALL
                 (SELECT position, posted_at FROM transfers
                   WHERE debit = 'partner:' || p.partner || ':' || a.account_type AND position > p.since
                   ORDER BY position, ordinal LIMIT 1)) m
           ORDER BY m.position LIMIT 1)"
    };
}

/// Where the statements of these partners stand, and when the first money moved behind these positions.
pub(crate) async fn stated(
    connection: &mut PgConnection,
    counted: &[(PartnerId, i64)],
) -> Result<Vec<((PartnerId, i64), Stated)>, sqlx::Error> {
    let partners: Vec<&str> = counted
        .iter()
        .map(|(partner, _)| partner.as_str())
        .collect();
    let throughs: Vec<i64> = counted.iter().map(|(_, through)| *through).collect();
    let rows: Vec<(i64, Option<i64>)> = sqlx::query_as(concat!(
        "SELECT coalesce((SELECT max(s.through) FROM statements s WHERE s.partner = p.partner), 0), ",
        first_move!(),
        " FROM UNNEST($2::text[], $3::bigint[]) WITH ORDINALITY AS p(partner, since, n) ORDER BY p.n"
    ))
    .bind(account_types())
    .bind(partners)
    .bind(throughs)
    .fetch_all(connection)
    .await?;
    let stated = rows.into_iter().map(|(since, next_at)| Stated {
        since,
        next_at: next_at.map(Micros),
    });
    Ok(counted.iter().cloned().zip(stated).collect())
}

#[derive(FromRow)]
struct Moved {
    n: i64,
    account_type: String,
    currency: String,
    minor: i64,
    credited: i64,
    debited: i64,
    /// What came in, less what went out, when the month was over.
    later: i64,
    through: Option<i64>,
}

/// Counts what moved in the months that are due, beside the log's lock: there may be very much.
pub(crate) async fn count(pool: &PgPool, due: Vec<Due>) -> Result<Vec<Counted>, sqlx::Error> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let partners: Vec<&str> = due.iter().map(|due| due.partner.as_str()).collect();
    let ends: Vec<i64> = due.iter().map(|due| due.month.end().get()).collect();
    let sinces: Vec<i64> = due.iter().map(|due| due.since).collect();
    // The sum of a month may be more than any balance can be.
    let moved: Vec<Moved> = sqlx::query_as(
        "SELECT p.n, a.account_type, b.currency, b.minor,
                least(t.credited, 9223372036854775807)::bigint AS credited,
                least(t.debited, 9223372036854775807)::bigint AS debited,
                t.later::bigint AS later, t.through
           FROM UNNEST($2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS p(partner, ends, since, n)
          CROSS JOIN UNNEST($1::text[]) WITH ORDINALITY AS a(account_type, place)
           JOIN balances b ON b.account = 'partner:' || p.partner || ':' || a.account_type
          CROSS JOIN LATERAL (
                SELECT coalesce(sum(m.came) FILTER (WHERE m.posted_at < p.ends), 0) AS credited,
                       coalesce(sum(m.went) FILTER (WHERE m.posted_at < p.ends), 0) AS debited,
                       coalesce(sum(m.came - m.went) FILTER (WHERE m.posted_at >= p.ends), 0) AS later,
                       max(m.position) FILTER (WHERE m.posted_at < p.ends) AS through
                  FROM (SELECT position, posted_at, minor AS came, 0 AS went FROM transfers
                         WHERE credit = b.account AND currency = b.currency AND position > p.since
                         UNION ALL
                        SELECT position, posted_at, 0, minor FROM transfers
                         WHERE debit = b.account AND currency = b.currency AND position > p.since) m) t
          ORDER BY p.n, b.currency, a.place",
    )
    .bind(account_types())
    .bind(partners)
    .bind(ends)
    .bind(sinces)
    .fetch_all(pool)
    .await?;
    let mut counted = Vec::with_capacity(due.len());
    for (n, due) in (1..).zip(due) {
        let own = || moved.iter().filter(|moved| moved.n == n);
        let lines = own().map(line).collect::<Result<Vec<_>, _>>()?;
        let Some(through) = own().filter_map(|moved| moved.through).max() else {
            continue;
        };
        counted.push(Counted {
            partner: due.partner,
            month: due.month,
            since: due.since,
            lines: lines.into_iter().filter(says_something).collect(),
            through,
        });
    }
    Ok(counted)
}

fn line(moved: &Moved) -> Result<StatementLine, sqlx::Error> {
    let closing = moved.minor.saturating_sub(moved.later);
    let less = moved.credited.saturating_sub(moved.debited);
    Ok(StatementLine {
        account: AccountType::parse(&moved.account_type)
            .ok_or_else(|| unreadable(&moved.account_type))?,
        currency: Currency::parse(&moved.currency).map_err(unreadable)?,
        opening: closing.saturating_sub(less),
        credited: moved.credited,
        debited: moved.debited,
        closing,
    })
}

const fn says_something(line: &StatementLine) -> bool {
    line.opening != 0 || line.credited != 0 || line.debited != 0
}

/// A partner in whose accounts something moved behind its last statement, in a month that is over.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) partner: PartnerId,
    /// The first such month.
    pub(crate) month: Month,
    /// Up to where its last statement counts; 0: it has none.
    pub(crate) since: i64,
}

/// Those of a part of all partners, and the last account of the part; `None` behind the last one.
pub(crate) async fn due(
    pool: &PgPool,
    after: &str,
    accounts: i64,
    before: Micros,
) -> Result<Option<(Vec<Due>, String)>, sqlx::Error> {
    let part: Vec<String> = sqlx::query_scalar(
        "SELECT account FROM balances WHERE account > $1 AND account LIKE 'partner:%' ORDER BY account LIMIT $2",
    )
    .bind(after)
    .bind(accounts)
    .fetch_all(pool)
    .await?;
    let Some(last) = part.last().cloned() else {
        return Ok(None);
    };
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(concat!(
        "SELECT * FROM (
             SELECT p.partner, p.since, ",
        first_move!(),
        " AS first_at
               FROM (SELECT q.partner, coalesce((SELECT max(s.through) FROM statements s WHERE s.partner = q.partner), 0) AS since
                       FROM (SELECT DISTINCT split_part(account, ':', 2) AS partner FROM UNNEST($2::text[]) account) q) p) d
          WHERE d.first_at < $3 ORDER BY d.partner"
    ))
    .bind(account_types())
    .bind(part)
    .bind(before.get())
    .fetch_all(pool)
    .await?;
    let due = rows.into_iter().map(|(partner, since, first_at)| {
        Ok(Due {
            partner: PartnerId::parse(partner).map_err(unreadable)?,
            month: Month::of(Micros(first_at)).ok_or_else(|| unreadable(first_at))?,
            since,
        })
    });
    let due = due.collect::<Result<_, sqlx::Error>>()?;
    Ok(Some((due, last)))
}
