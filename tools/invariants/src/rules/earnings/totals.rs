//! From tracking's events straight to the ledger: what each partner has earned and each brand owes, whatever happened on
//! the way.

use std::collections::BTreeMap;

use anyhow::Result;
use futures::TryStreamExt;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use super::plan::{Terms, half_even};
use crate::Finding;
use crate::evidence::Tally;

const EVENTS: &str = "SELECT m.position, m.type, m.subject, m.payload, t.payload AS terms,
        m.subject IN (SELECT subject FROM messages
                       WHERE service = 'commission' AND payload ->> 'status' = 'suspended_out_of_range') AS is_out_of_range
   FROM messages m
   LEFT JOIN messages t ON m.type = 'conversion.attributed.v1' AND t.service = 'campaign' AND t.type = 'terms.published.v1'
        AND t.subject = m.payload ->> 'campaign_id' AND t.payload -> 'version' = m.payload -> 'terms_version'
  WHERE m.service = 'tracking' AND m.type IN ('conversion.attributed.v1', 'conversion.refunded.v1') AND m.payload IS NOT NULL
  ORDER BY m.subject, m.position";

#[derive(FromRow)]
struct Row {
    position: i64,
    r#type: String,
    subject: String,
    payload: Json<Value>,
    terms: Option<Json<Value>>,
    is_out_of_range: bool,
}

/// A conversion so far.
#[derive(Default)]
struct Conversion {
    subject: String,
    partner: String,
    brand: String,
    currency: String,
    earned: i128,
    paid: i64,
    refunded: i64,
    /// Whether a refund was of all that was left: one of nothing is, once.
    is_back: bool,
    attributed: bool,
}

/// By owner and currency, in minor units.
type Totals = BTreeMap<(String, String), i128>;

/// Walks through tracking's log, then compares with the ledger's balances.
pub(in crate::rules) async fn totals(records: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut refunds = Tally::new(
        9,
        "every conversion is attributed once, and its refunds add up to no more than was paid",
    );
    let mut totals = Totals::new();
    let mut conversion = Conversion::default();
    {
        let mut rows = sqlx::query_as::<_, Row>(EVENTS).fetch(&mut *records);
        while let Some(row) = rows.try_next().await? {
            if conversion.subject != row.subject {
                let next = Conversion {
                    subject: row.subject.clone(),
                    ..Conversion::default()
                };
                std::mem::replace(&mut conversion, next).close(&mut totals);
            }
            let wrong = conversion.next(&row);
            refunds.hold(wrong.is_none(), || {
                let Row {
                    position,
                    r#type,
                    subject,
                    ..
                } = &row;
                format!(
                    "tracking position {position} ({type} of {subject}): {}",
                    wrong.unwrap_or_default()
                )
            });
        }
    }
    conversion.close(&mut totals);
    Ok(vec![refunds.finding(), compare(records, totals).await?])
}

impl Conversion {
    fn next(&mut self, row: &Row) -> Option<String> {
        let payload = &row.payload.0;
        let minor = |pointer| payload.pointer(pointer).and_then(Value::as_i64);
        if row.r#type == "conversion.attributed.v1" {
            let text = |name| {
                payload
                    .get(name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let again = std::mem::replace(&mut self.attributed, true);
            let Some(terms) = row.terms.as_ref().and_then(|terms| Terms::read(&terms.0)) else {
                return Some("campaign has published no such terms".to_owned());
            };
            let earned = terms.earned(payload, row.is_out_of_range);
            (self.partner, self.brand) = (text("partner_id"), text("brand_id"));
            (self.earned, self.currency) = (earned.amount, earned.currency);
            self.paid = minor("/amount/minor").unwrap_or(0);
            return again.then(|| "it was attributed before".to_owned());
        }
        let before = self.refunded;
        self.refunded = minor("/refunded_total/minor").unwrap_or(0);
        let sound = self.attributed
            && minor("/purchase_amount/minor") == Some(self.paid)
            && minor("/amount/minor") == Some(self.refunded - before)
            && (self.refunded > before || self.paid == 0 && !self.is_back)
            && self.refunded <= self.paid;
        self.is_back = self.refunded >= self.paid;
        let paid = self.paid;
        (!sound).then(|| format!("{before} of {paid} had gone back before"))
    }

    /// What is left of it is its partner's, and its brand's to pay.
    fn close(self, totals: &mut Totals) {
        let reversed = if self.is_back {
            self.earned
        } else if self.refunded == 0 {
            0
        } else {
            half_even(
                self.earned * i128::from(self.refunded),
                i128::from(self.paid),
            )
        };
        let left = self.earned - reversed;
        let (partner, brand) = (
            format!("partner:{}", self.partner),
            format!("brand:{}", self.brand),
        );
        *totals.entry((partner, self.currency.clone())).or_default() += left;
        *totals.entry((brand, self.currency)).or_default() -= left;
    }
}

async fn compare(records: &mut PgConnection, mut totals: Totals) -> Result<Finding> {
    let mut tally = Tally::new(
        9,
        "what each owner has in all accounts together is what tracking's events, the terms, deposits and withdrawals make of it",
    );
    let sums: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT split_part(account, ':', 1) || ':' || split_part(account, ':', 2), currency, sum(minor)::text
           FROM payment.balances GROUP BY 1, 2",
    )
    .fetch_all(&mut *records)
    .await?;
    let outside: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT payload ->> 'brand_id', payload #>> '{amount,currency}',
                sum(CASE type WHEN 'deposit.announced.v1' THEN 1 ELSE -1 END * (payload #>> '{amount,minor}')::numeric)::text
           FROM messages
          WHERE service = 'payment' AND type IN ('deposit.announced.v1', 'deposit.failed.v1', 'withdrawal.settled.v1') AND payload IS NOT NULL
          GROUP BY 1, 2",
    )
    .fetch_all(&mut *records)
    .await?;
    for (brand, currency, sum) in outside {
        let sum: i128 = sum.parse()?;
        let mut add = |owner: String, sum: i128| {
            *totals.entry((owner, currency.clone())).or_default() += sum;
        };
        add(format!("brand:{brand}"), sum);
        add("bank:main".to_owned(), -sum);
    }
    let mut sides: BTreeMap<(String, String), (i128, i128)> = BTreeMap::new();
    for (owner, minor) in totals {
        sides.entry(owner).or_default().0 = minor;
    }
    for (owner, currency, sum) in sums {
        sides.entry((owner, currency)).or_default().1 = sum.parse()?;
    }
    for ((owner, currency), (due, stands)) in sides {
        tally.hold(due == stands, || {
            format!("{owner} has {stands} {currency} (minor units) and should have {due}")
        });
    }
    Ok(tally.finding())
}
