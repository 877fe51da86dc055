//! The ledger's proof: what stands in all accounts together, and whether the tables agree, in one snapshot.

use sqlx::{FromRow, PgPool};

/// How long a statement of it may take: as long as whoever asks waits for an answer.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '15s'; SET LOCAL enable_seqscan = on";

/// The last segment of an account's text, without a brand's own name of it.
const TRIAL_BALANCE: &str = "
 WITH moved AS (
   SELECT account, currency, sum(debit) AS debits, sum(credit) AS credits FROM (
     SELECT debit AS account, currency, minor AS debit, 0::bigint AS credit FROM transfers
      UNION ALL
     SELECT credit, currency, 0, minor FROM transfers) t
    GROUP BY account, currency)
 SELECT currency, split_part(account, ':', 1) AS owner, split_part(split_part(account, ':', -1), '.', 1) AS account_type,
        count(*) AS accounts, coalesce(sum(debits), 0)::text AS debits, coalesce(sum(credits), 0)::text AS credits,
        coalesce(sum(minor), 0)::text AS balance,
        count(*) FILTER (WHERE coalesce(credits - debits, 0) <> coalesce(minor, 0)) AS unlike,
        (array_agg(account ORDER BY account) FILTER (WHERE coalesce(credits - debits, 0) <> coalesce(minor, 0)))[1:5] AS examples
   FROM moved FULL JOIN balances USING (account, currency)
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

/// All accounts of a type in one currency. Sums are decimal texts: they may be more than one account can hold.
#[derive(Debug, FromRow)]
pub(crate) struct TrialBalance {
    pub(crate) currency: String,
    /// `brand`, `partner` or `bank`.
    pub(crate) owner: String,
    pub(crate) account_type: String,
    pub(crate) accounts: i64,
    pub(crate) debits: String,
    pub(crate) credits: String,
    pub(crate) balance: String,
    /// Accounts whose balance is not the sum of their transfers.
    unlike: i64,
    examples: Option<Vec<String>>,
}

/// Something that holds of the ledger, or does not.
#[derive(Debug, FromRow)]
pub(crate) struct Checked {
    pub(crate) check: String,
    pub(crate) looked_at: i64,
    pub(crate) wrong: i64,
    /// The first of what is wrong.
    pub(crate) examples: Vec<String>,
}

/// All of it, at one position of the log.
pub(crate) struct Proof {
    pub(crate) position: i64,
    pub(crate) transfers: i64,
    pub(crate) accounts: Vec<TrialBalance>,
    pub(crate) checks: Vec<Checked>,
}

/// Whether an account of each owner, with this sign, holds the sum of these rows.
macro_rules! stands {
    ($owner:literal, $account:literal, $sign:literal, $rows:literal) => {
        concat!(
            "SELECT coalesce(r.owner, b.owner) || ' ' || coalesce(r.currency, b.currency) AS about,
                    coalesce(r.minor, 0) <> ", $sign, "coalesce(b.minor, 0) AS wrong
               FROM (SELECT ", $owner, " AS owner, currency, sum(minor) AS minor FROM ", $rows, " GROUP BY 1, 2) r
               FULL JOIN (SELECT split_part(account, ':', 2) AS owner, currency, minor FROM balances
                           WHERE account LIKE '", $owner, ":%:", $account, "' AND minor <> 0) b
                 ON b.owner = r.owner AND b.currency = r.currency"
        )
    };
}

/// What each check looks at: rows of what it is about and whether it is wrong.
const CHECKS: [(&str, &str); 9] = [
    (
        "nothing that was reserved, held, cleared or paid out is below zero",
        "SELECT account || ' ' || currency AS about, minor < 0 AS wrong FROM balances
          WHERE account LIKE '%:pending' OR account LIKE '%:in\\_transit' OR account LIKE '%:paid\\_out' OR account LIKE '%:clearing'
             OR account LIKE '%:funds.%' OR account LIKE 'partner:%:unfunded' OR account LIKE '%:recoverable'",
    ),
    (
        "what is in transit is what payouts under way asked for",
        stands!("partner", r"in\_transit", "", "payouts WHERE status NOT IN ('paid', 'failed')"),
    ),
    (
        "what is paid out is what paid payouts came to",
        stands!("partner", r"paid\_out", "", "payouts WHERE status = 'paid'"),
    ),
    (
        "what is in clearing is what deposits and withdrawals under way came to",
        stands!("brand", "clearing", "", "bank_transfers WHERE progress = 'under_way'"),
    ),
    (
        "what a brand's funds do not cover is what waits for them",
        stands!("brand", "unfunded", "-", "waiting"),
    ),
    (
        "what is noted to wait for a brand's funds is what does",
        "SELECT coalesce(b.brand, w.brand) || ' ' || coalesce(b.currency, w.currency) AS about,
                coalesce(b.waiting, 0) <> coalesce(w.minor, 0) AS wrong
           FROM (SELECT brand, currency, waiting FROM billing WHERE waiting <> 0) b
           FULL JOIN (SELECT brand, currency, sum(minor) AS minor FROM waiting GROUP BY 1, 2) w
             ON w.brand = b.brand AND w.currency = b.currency",
    ),
    (
        "what brands have not back of refunds after a payout is what partners owe",
        stands!("brand", "recoverable", "", "owed"),
    ),
    (
        "no partner owes more than its payable money is below zero",
        "SELECT o.partner || ' ' || o.currency AS about, o.minor > greatest(-coalesce(b.minor, 0), 0) AS wrong
           FROM (SELECT partner, currency, sum(minor) AS minor FROM owed GROUP BY 1, 2) o
           LEFT JOIN balances b ON b.account = 'partner:' || o.partner || ':payable' AND b.currency = o.currency",
    ),
    (
        "no transfer stands twice",
        "SELECT id::text AS about, count(*) > 1 AS wrong FROM transfers GROUP BY id",
    ),
];

/// Reads all of it.
pub(crate) async fn read(pool: &PgPool) -> Result<Proof, sqlx::Error> {
    let mut tx = messaging::begin(pool, BEGIN).await?;
    let (position, transfers) =
        sqlx::query_as("SELECT position, (SELECT count(*) FROM transfers) FROM pipeline.log_head")
            .fetch_one(&mut *tx)
            .await?;
    let accounts: Vec<TrialBalance> = sqlx::query_as(TRIAL_BALANCE).fetch_all(&mut *tx).await?;
    let mut checks = vec![zero_sum(&accounts), of_transfers(&accounts)];
    for (check, rows) in CHECKS {
        let counted = format!(
            "SELECT '{}' AS check, count(*) AS looked_at, count(*) FILTER (WHERE wrong) AS wrong,
                    coalesce((array_agg(about) FILTER (WHERE wrong))[1:5], '{{}}') AS examples FROM ({rows}) r",
            check.replace('\'', "''")
        );
        checks.push(
            sqlx::query_as(sqlx::AssertSqlSafe(counted))
                .fetch_one(&mut *tx)
                .await?,
        );
    }
    tx.rollback().await?;
    Ok(Proof {
        position,
        transfers,
        accounts,
        checks,
    })
}

/// Money is never made: all accounts of a currency add up to zero.
fn zero_sum(accounts: &[TrialBalance]) -> Checked {
    let mut currencies: Vec<&str> = accounts.iter().map(|it| it.currency.as_str()).collect();
    currencies.dedup();
    let wrong: Vec<String> = currencies
        .iter()
        .filter_map(|currency| {
            let of = accounts.iter().filter(|it| it.currency == *currency);
            let sum: i128 = of.filter_map(|it| it.balance.parse::<i128>().ok()).sum();
            (sum != 0).then(|| format!("{currency}: {sum} minor units"))
        })
        .collect();
    Checked {
        check: "all accounts of a currency add up to zero".to_owned(),
        looked_at: count(currencies.len()),
        wrong: count(wrong.len()),
        examples: wrong.into_iter().take(5).collect(),
    }
}

/// Balances are kept, and transfers say the same.
fn of_transfers(accounts: &[TrialBalance]) -> Checked {
    let examples = accounts.iter().filter_map(|it| it.examples.clone());
    Checked {
        check: "every balance is the sum of its account's transfers".to_owned(),
        looked_at: accounts.iter().map(|it| it.accounts).sum(),
        wrong: accounts.iter().map(|it| it.unlike).sum(),
        examples: examples.flatten().take(5).collect(),
    }
}

fn count(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}
