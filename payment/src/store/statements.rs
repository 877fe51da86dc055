//! `statements`: what partners were told of their months.

use sqlx::{FromRow, PgConnection, PgPool};
use types::{AccountType, Currency, Micros, Month, PartnerId, StatementId};

use super::unreadable;
use crate::domain::{StatementLine, Turnover};

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

/// Whose statement, of which month.
pub(crate) type Key = (PartnerId, Month);

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

/// What these statements would say: what moved behind the last statement and before the month's end. Those of whom nothing
/// moved, or who had a statement of the month or a later one, are left out.
pub(crate) async fn turnovers(
    connection: &mut PgConnection,
    keys: &[Key],
) -> Result<Vec<(Key, Turnover)>, sqlx::Error> {
    let partners: Vec<&str> = keys.iter().map(|(partner, _)| partner.as_str()).collect();
    let months: Vec<String> = keys.iter().map(|(_, month)| month.to_string()).collect();
    let ends: Vec<i64> = keys.iter().map(|(_, month)| month.end().get()).collect();
    // The sum of a month may be more than any balance can be.
    let moved: Vec<Moved> = sqlx::query_as(
        "SELECT w.n, a.account_type, b.currency, b.minor,
                least(t.credited, 9223372036854775807)::bigint AS credited,
                least(t.debited, 9223372036854775807)::bigint AS debited,
                t.later::bigint AS later, t.through
           FROM UNNEST($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS w(partner, month, ends, n)
          CROSS JOIN LATERAL (SELECT coalesce(max(s.through), 0) AS through, max(s.month COLLATE \"C\") AS month
                                FROM statements s WHERE s.partner = w.partner) last
          CROSS JOIN UNNEST($4::text[]) AS a(account_type)
           JOIN balances b ON b.account = 'partner:' || w.partner || ':' || a.account_type
          CROSS JOIN LATERAL (
                SELECT coalesce(sum(m.came) FILTER (WHERE m.posted_at < w.ends), 0) AS credited,
                       coalesce(sum(m.went) FILTER (WHERE m.posted_at < w.ends), 0) AS debited,
                       coalesce(sum(m.came - m.went) FILTER (WHERE m.posted_at >= w.ends), 0) AS later,
                       max(m.position) FILTER (WHERE m.posted_at < w.ends) AS through
                  FROM (SELECT position, posted_at, minor AS came, 0 AS went FROM transfers
                         WHERE credit = b.account AND currency = b.currency AND position > last.through
                         UNION ALL
                        SELECT position, posted_at, 0, minor FROM transfers
                         WHERE debit = b.account AND currency = b.currency AND position > last.through) m) t
          WHERE last.month IS NULL OR last.month < w.month COLLATE \"C\"
          ORDER BY w.n, b.currency, array_position($4::text[], a.account_type)",
    )
    .bind(partners)
    .bind(months)
    .bind(ends)
    .bind(AccountType::ALL.map(AccountType::name).to_vec())
    .fetch_all(connection)
    .await?;
    let mut found: Vec<(Key, Turnover)> = Vec::new();
    for (n, key) in (1..).zip(keys) {
        let own = || moved.iter().filter(|moved| moved.n == n);
        let Some(through) = own().filter_map(|moved| moved.through).max() else {
            continue;
        };
        let lines = own().map(line).collect::<Result<Vec<_>, _>>()?;
        let lines = lines.into_iter().filter(says_something).collect();
        found.push((key.clone(), Turnover { lines, through }));
    }
    Ok(found)
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

/// A partner in whose accounts something moved behind its last statement, and before a moment.
#[derive(Debug, FromRow)]
pub(crate) struct Due {
    pub(crate) partner: String,
    /// Up to where its last statement counts.
    pub(crate) since: i64,
    /// When the first of it moved.
    pub(crate) first_at: i64,
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
    let due = sqlx::query_as(
        "SELECT p.partner, last.through AS since, first.posted_at AS first_at
           FROM (SELECT DISTINCT split_part(account, ':', 2) AS partner FROM UNNEST($1::text[]) account) p
          CROSS JOIN LATERAL (SELECT coalesce(max(s.through), 0) AS through
                                FROM statements s WHERE s.partner = p.partner) last
          CROSS JOIN LATERAL (
                SELECT m.posted_at
                  FROM UNNEST($3::text[]) AS a(account_type)
                 CROSS JOIN LATERAL (
                       (SELECT position, posted_at FROM transfers
                         WHERE credit = 'partner:' || p.partner || ':' || a.account_type AND position > last.through
                         ORDER BY position, ordinal LIMIT 1)
                       UNION ALL
                       (SELECT position, posted_at FROM transfers
                         WHERE debit = 'partner:' || p.partner || ':' || a.account_type AND position > last.through
                         ORDER BY position, ordinal LIMIT 1)) m
                 ORDER BY m.position LIMIT 1) first
          WHERE first.posted_at < $2
          ORDER BY p.partner",
    )
    .bind(part)
    .bind(before.get())
    .bind(AccountType::ALL.map(AccountType::name).to_vec())
    .fetch_all(pool)
    .await?;
    Ok(Some((due, last)))
}
