//! The ledger's payouts against the provider's own records.

use anyhow::{Context, Result};
use serde::Deserialize;
use sqlx::{Executor, PgConnection};
use types::Currency;

use crate::evidence::{Question, ask};
use crate::{Finding, Records};
use devstack::demo::client;

const QUESTIONS: &[Question] = &[
    Question {
        rule: 9,
        check: "no payout stands twice in the provider's own records",
        of: "SELECT count(*) FROM provider",
        broken: "SELECT format('%s stands there %s times: %s', reference, count(*), string_agg(format('%s %s', minor, state), ', ')) AS evidence
                   FROM provider GROUP BY reference HAVING count(*) > 1",
    },
    Question {
        rule: 9,
        check: "what the provider paid, the ledger paid, and the other way round",
        of: "SELECT (SELECT count(*) FROM provider) + (SELECT count(*) FROM payment.payouts WHERE status IN ('paid', 'submitted'))",
        broken: "SELECT format('%s: the provider has %s %s %s by %s, the ledger %s %s %s by %s', coalesce(v.reference, p.id), v.state, v.minor,
                               v.currency, v.method, p.status, p.minor, p.currency, p.method) AS evidence
                   FROM provider v FULL JOIN payment.payouts p ON p.id = v.reference
                  WHERE CASE WHEN v.reference IS NULL THEN p.status IN ('paid', 'submitted')
                             WHEN p.id IS NULL THEN true
                             ELSE (v.minor, v.currency, v.method) IS DISTINCT FROM (p.minor, p.currency, p.method)
                               OR v.state <> p.status END",
    },
];

#[derive(Deserialize)]
struct Statement {
    payouts: Vec<Line>,
    next: Option<u64>,
}

#[derive(Deserialize)]
struct Line {
    reference: String,
    amount: String,
    currency: String,
    method: String,
    state: String,
}

/// Whether there is a provider's statement to compare with.
pub(super) enum Stated {
    /// It is gathered.
    Read,
    /// No provider is known.
    Nowhere,
    /// It could not be read, and why.
    Unread(String),
}

/// Gathers the provider's statement. It is read beside the snapshots: what is paid while they are copied is in neither.
pub(super) async fn statement(records: &Records, gathered: &mut PgConnection) -> Result<Stated> {
    gathered
        .execute("CREATE TABLE provider (reference text, minor bigint, currency text, method text, state text)")
        .await?;
    if records.provider_url.is_empty() {
        return Ok(Stated::Nowhere);
    }
    let http = client::http()?;
    let mut after = Some(0);
    while let Some(from) = after {
        let url = format!(
            "{}/v1/payouts?limit=1000&after={from}",
            records.provider_url
        );
        let page = match page(&http, &url).await {
            Ok(page) => page,
            // A provider that is no stand-in of ours has another statement, or none: the other questions can be answered all the same.
            Err(error) => {
                let why = format!("the provider's statement at {url}: {error:#}");
                return Ok(Stated::Unread(why));
            }
        };
        let column =
            |get: fn(&Line) -> &String| page.payouts.iter().map(get).cloned().collect::<Vec<_>>();
        let minors: Result<Vec<i64>> = page.payouts.iter().map(minor).collect();
        let minors = match minors {
            Ok(minors) => minors,
            Err(error) => {
                let why = format!("a line of the provider's statement at {url}: {error:#}");
                return Ok(Stated::Unread(why));
            }
        };
        sqlx::query("INSERT INTO provider SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])")
            .bind(column(|line| &line.reference))
            .bind(minors)
            .bind(column(|line| &line.currency))
            .bind(column(|line| &line.method))
            .bind(column(|line| &line.state))
            .execute(&mut *gathered)
            .await?;
        after = page.next;
    }
    Ok(Stated::Read)
}

/// Compares it with the ledger.
pub(super) async fn payouts(stated: &Stated, gathered: &mut PgConnection) -> Result<Vec<Finding>> {
    match stated {
        Stated::Read => ask(gathered, QUESTIONS, &[9]).await,
        Stated::Nowhere => ask(gathered, &QUESTIONS[..1], &[9]).await,
        Stated::Unread(why) => {
            let questions = QUESTIONS.iter();
            Ok(questions.map(|it| it.not_looked_at(why)).collect())
        }
    }
}

async fn page(http: &reqwest::Client, url: &str) -> Result<Statement> {
    let answer = http.get(url).send().await?.error_for_status()?;
    Ok(serde_json::from_str(&answer.text().await?)?)
}

/// `150.00` of USD is 15000.
fn minor(line: &Line) -> Result<i64> {
    let digits = Currency::parse(&line.currency)?.digits();
    let (whole, part) = line.amount.split_once('.').unwrap_or((&line.amount, ""));
    let width = usize::try_from(digits)?;
    format!("{whole}{part:0<width$}")
        .parse()
        .with_context(|| format!("the provider says {}", line.amount))
}
