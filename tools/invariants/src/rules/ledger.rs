//! The ledger's way: each posting where `docs/ledger.md` says that it goes, no account below zero that cannot be, and each payout
//! by the steps that there are.

use std::collections::HashMap;

use anyhow::Result;
use futures::TryStreamExt;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::Finding;
use crate::evidence::Tally;

const EVENTS: &str = "SELECT m.position, m.type, m.subject, m.key, m.payload, c.payload AS cause
   FROM messages m LEFT JOIN known c ON c.known_as = m.causation_id AND c.service = 'commission'
  WHERE m.service = 'payment' AND (m.type = 'ledger.posted.v1' OR m.type LIKE 'payout.%')
  ORDER BY m.position";

#[derive(FromRow)]
struct Row {
    position: i64,
    r#type: String,
    subject: String,
    key: String,
    payload: Json<Value>,
    cause: Option<Json<Value>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Transfer {
    debit: String,
    credit: String,
    minor: i64,
    currency: String,
}

/// No decision takes a balance beyond this.
const LIMIT: i128 = 1 << 61;

#[derive(Default)]
struct Ledger {
    balances: HashMap<(String, String), i128>,
    /// Of each payout that is under way: how far it is, and how much.
    payouts: HashMap<String, (String, Value)>,
}

/// Walks through payment's log.
pub(super) async fn ledger(records: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut placed = Tally::new(
        9,
        "every posting goes from where to where docs/ledger.md says",
    );
    let mut above = Tally::new(
        9,
        "nothing that was reserved, held or paid out is ever below zero, and no payout is more than was payable",
    );
    let mut steps = Tally::new(
        9,
        "every payout takes the steps that there are, with one amount",
    );
    let mut ledger = Ledger::default();
    let mut rows = sqlx::query_as::<_, Row>(EVENTS).fetch(records);
    while let Some(row) = rows.try_next().await? {
        let place = || {
            format!(
                "payment position {} ({} of {})",
                row.position, row.r#type, row.subject
            )
        };
        let moved = if row.r#type == "ledger.posted.v1" {
            let stated = stated(&row.payload.0);
            let due = ledger.due(&row);
            placed.hold(due.is_none() || due == stated, || {
                format!("{}: {stated:?}, and it should be {due:?}", place())
            });
            stated
        } else {
            let wrong = ledger.step(&row);
            steps.hold(wrong.is_none(), || {
                format!("{}: {}", place(), wrong.unwrap_or_default())
            });
            payout_transfer(&row)
        };
        let Some(moved) = moved else { continue };
        let below = ledger.post(&moved, row.r#type == "payout.requested.v1");
        above.hold(below.is_none(), || {
            format!("{}: {}", place(), below.unwrap_or_default())
        });
    }
    Ok(vec![placed.finding(), above.finding(), steps.finding()])
}

/// The one transfer of a posting, if it has one.
fn stated(payload: &Value) -> Option<Transfer> {
    let transfer = payload.get("transfers")?.get(0)?;
    let text = |name| Some(transfer.get(name)?.as_str()?.to_owned());
    Some(Transfer {
        debit: text("debit")?,
        credit: text("credit")?,
        minor: transfer.get("minor")?.as_i64()?,
        currency: text("currency")?,
    })
}

fn payout_transfer(row: &Row) -> Option<Transfer> {
    let (debit, credit) = match row.r#type.as_str() {
        "payout.requested.v1" => ("payable", "in_transit"),
        "payout.paid.v1" => ("in_transit", "paid_out"),
        "payout.failed.v1" => ("in_transit", "payable"),
        _ => return None,
    };
    let amount = row.payload.get("amount")?;
    let account_type = |account_type| format!("partner:{}:{account_type}", row.key);
    Some(Transfer {
        debit: account_type(debit),
        credit: account_type(credit),
        minor: amount.get("minor")?.as_i64()?,
        currency: amount.get("currency")?.as_str()?.to_owned(),
    })
}

impl Ledger {
    fn balance(&self, account: &str, currency: &str) -> i128 {
        let key = (account.to_owned(), currency.to_owned());
        self.balances.get(&key).copied().unwrap_or(0)
    }

    /// The transfer that the cause of a posting makes, as the table in `docs/ledger.md` has it; none for what moves nothing.
    fn due(&self, row: &Row) -> Option<Transfer> {
        let cause = &row.cause.as_ref()?.0;
        let text = |name| cause.get(name).and_then(Value::as_str);
        let minor = cause
            .pointer("/amount/minor")?
            .as_i64()
            .filter(|minor| *minor > 0)?;
        let currency = cause.pointer("/amount/currency")?.as_str()?.to_owned();
        let funds = format!("brand:{}:funds", text("brand_id")?);
        let account_type = |account_type| {
            text("partner_id").map(|partner| format!("partner:{partner}:{account_type}"))
        };
        let (pending, payable, suspense) = (
            account_type("pending")?,
            account_type("payable")?,
            account_type("suspense")?,
        );
        let short = self.balance(&pending, &currency) < i128::from(minor);
        let (debit, credit) = match row.payload.get("cause").and_then(Value::as_str)? {
            "commission.calculated.v1" if text("status") == Some("approved") => (funds, payable),
            "commission.calculated.v1" => (funds, pending),
            "commission.approved.v1" if short => (funds, suspense),
            "commission.approved.v1" => (pending, payable),
            "commission.reversed.v1" if text("from") != Some("pending") => (payable, funds),
            "commission.reversed.v1" if short => (suspense, funds),
            _ => (pending, funds),
        };
        let within = self.balance(&debit, &currency) - i128::from(minor) >= -LIMIT
            && self.balance(&credit, &currency) + i128::from(minor) <= LIMIT;
        within.then_some(Transfer {
            debit,
            credit,
            minor,
            currency,
        })
    }

    /// Moves the money. What is below zero then and cannot be.
    fn post(&mut self, moved: &Transfer, payout: bool) -> Option<String> {
        let Transfer {
            debit,
            credit,
            minor,
            currency,
        } = moved;
        let minor = i128::from(*minor);
        *self
            .balances
            .entry((credit.clone(), currency.clone()))
            .or_default() += minor;
        let left = self
            .balances
            .entry((debit.clone(), currency.clone()))
            .or_default();
        *left -= minor;
        let never_below = [":pending", ":in_transit", ":paid_out"]
            .iter()
            .any(|account_type| debit.ends_with(account_type));
        (*left < 0 && (never_below || payout)).then(|| format!("{debit} is at {left} {currency}"))
    }

    /// What is wrong with a payout's next step.
    fn step(&mut self, row: &Row) -> Option<String> {
        let step = row
            .r#type
            .trim_start_matches("payout.")
            .trim_end_matches(".v1");
        let amount = row.payload.get("amount").cloned().unwrap_or_default();
        let before = self
            .payouts
            .insert(row.subject.clone(), (step.to_owned(), amount.clone()));
        let Some((before, requested)) = before else {
            return (step != "requested").then(|| "it was never asked for".to_owned());
        };
        let allowed = match before.as_str() {
            "requested" => step == "submitting",
            "submitting" => matches!(step, "submitted" | "unknown" | "paid" | "failed"),
            "submitted" => matches!(step, "paid" | "failed"),
            "unknown" => matches!(step, "submitting" | "submitted" | "paid" | "failed"),
            _ => false,
        };
        if !allowed {
            return Some(format!("it was {before} before"));
        }
        (requested != amount).then(|| format!("asked for was {requested}, now it is {amount}"))
    }
}
