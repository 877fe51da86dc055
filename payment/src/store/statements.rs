//! `statements`: what partners were told of their months.

use std::collections::BTreeMap;

use sqlx::types::Json;
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
    pub(crate) lines: Json<Vec<StatementLine>>,
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
        lines: jsonb = |row| Some(&row.lines),
        issued_at: bigint = |row| row.issued_at.get(),
    })
    .await
}

/// In which accounts a partner's money can be.
fn account_types() -> Vec<&'static str> {
    AccountType::ALL.map(AccountType::name).to_vec()
}

// Currencies are compared together with positions: so no other index than the accounts' will do. By the position alone the server would
// walk through what everybody moved, where it knows of few accounts; and without the OFFSET through all balances.

/// The balances of this partner, with the types of accounts as `$1`: each currency in which money moved in an account has one.
macro_rules! balances_of {
    ($partner:literal) => {
        concat!(
            "UNNEST($1::text[]) AS a(account_type)
           CROSS JOIN LATERAL (SELECT account, currency FROM balances
                                WHERE account = 'partner:' || ",
            $partner,
            " || ':' || a.account_type OFFSET 0) b"
        )
    };
}

/// When the first money moved in accounts of `p.partner` behind `p.since`, with the types of accounts as `$1`.
macro_rules! first_move {
    () => {
        concat!(
            "(SELECT m.posted_at
            FROM ",
            balances_of!("p.partner"),
            "
           CROSS JOIN LATERAL (
                 (SELECT currency, position, posted_at FROM transfers
                   WHERE credit = b.account AND (currency, position) > (b.currency, p.since) ORDER BY currency, position, ordinal LIMIT 1)
                 UNION ALL
                 (SELECT currency, position, posted_at FROM transfers
                   WHERE debit = b.account AND (currency, position) > (b.currency, p.since) ORDER BY currency, position, ordinal LIMIT 1)) m
           WHERE m.currency = b.currency
           ORDER BY m.position LIMIT 1)"
        )
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
               FROM (SELECT DISTINCT split_part(account, ':', 2) AS partner FROM UNNEST($2::text[]) account) q
              CROSS JOIN LATERAL (SELECT q.partner, coalesce(max(s.through), 0) AS since
                                    FROM statements s WHERE s.partner = q.partner) p) d
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

/// Where a line cannot hold what came or what went, it holds neither what both are beyond that.
#[derive(FromRow)]
struct Moved {
    account_type: String,
    currency: String,
    credited: i64,
    debited: i64,
    through: i64,
}

/// Counts what moved in the month that is due, beside the log's lock: there may be very much. `end` is where in the log the month ends.
pub(crate) async fn count(
    pool: &PgPool,
    due: &Due,
    end: i64,
) -> Result<Option<Counted>, sqlx::Error> {
    let before: Option<Json<Vec<StatementLine>>> =
        sqlx::query_scalar("SELECT lines FROM statements WHERE partner = $1 AND through = $2")
            .bind(due.partner.as_str())
            .bind(due.since)
            .fetch_optional(pool)
            .await?;
    let moved: Vec<Moved> = sqlx::query_as(concat!(
        "SELECT account_type, currency, (came - beyond)::bigint AS credited, (went - beyond)::bigint AS debited, through
           FROM (
             SELECT *, greatest(came - 9223372036854775807, went - 9223372036854775807, 0) AS beyond
               FROM (
                 SELECT a.account_type, m.currency, sum(m.came) AS came, sum(m.went) AS went, max(m.position) AS through
                   FROM ",
        balances_of!("$2"),
        "
                  CROSS JOIN LATERAL (
                        SELECT position, currency, minor AS came, 0 AS went FROM transfers
                         WHERE credit = b.account AND (currency, position) > (b.currency, $3) AND (currency, position) < (b.currency, $4)
                         UNION ALL
                        SELECT position, currency, 0, minor FROM transfers
                         WHERE debit = b.account AND (currency, position) > (b.currency, $3) AND (currency, position) < (b.currency, $4)) m
                  GROUP BY a.account_type, m.currency) s) c"
    ))
    .bind(account_types())
    .bind(due.partner.as_str())
    .bind(due.since)
    .bind(end)
    .fetch_all(pool)
    .await?;
    let Some(through) = moved.iter().map(|moved| moved.through).max() else {
        return Ok(None);
    };
    // By currency, and in the order of the types of accounts.
    let mut lines = BTreeMap::new();
    for line in before.into_iter().flat_map(|lines| lines.0) {
        let opening = StatementLine {
            opening: line.closing,
            credited: 0,
            debited: 0,
            ..line
        };
        lines.insert((line.currency.code(), place(line.account)), opening);
    }
    for moved in moved {
        let account = AccountType::parse(&moved.account_type)
            .ok_or_else(|| unreadable(&moved.account_type))?;
        let currency = Currency::parse(&moved.currency).map_err(unreadable)?;
        let line = lines.entry((currency.code(), place(account)));
        let line = line.or_insert(StatementLine {
            account,
            currency,
            opening: 0,
            credited: 0,
            debited: 0,
            closing: 0,
        });
        line.credited = moved.credited;
        line.debited = moved.debited;
        let change = line.credited.checked_sub(line.debited);
        let closing = change.and_then(|change| line.opening.checked_add(change));
        line.closing = closing.ok_or_else(|| unreadable("a balance is out of range"))?;
    }
    Ok(Some(Counted {
        partner: due.partner.clone(),
        month: due.month,
        since: due.since,
        lines: lines.into_values().filter(says_something).collect(),
        through,
    }))
}

fn place(account: AccountType) -> Option<usize> {
    AccountType::ALL.iter().position(|it| *it == account)
}

const fn says_something(line: &StatementLine) -> bool {
    line.opening != 0 || line.credited != 0 || line.debited != 0
}
