//! Commissions, recomputed from tracking's events and campaign's terms alone, with arithmetic of its own: nothing here calls
//! what commission calculates with.

mod noted;
mod plan;
mod totals;

use anyhow::Result;
use futures::TryStreamExt;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection};

use crate::Finding;
use crate::evidence::Tally;
use plan::{Earned, OUT_OF_RANGE, Terms, half_even};

pub(super) use noted::noted;
pub(super) use totals::totals;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Commission's events, conversion by conversion, each with the fact that caused it and the terms that it names.
const EVENTS: &str = "SELECT m.position, m.type, m.subject, m.time, m.payload, c.type AS cause_type, CASE WHEN c.id = m.causation_id THEN c.time END AS caused, c.payload AS cause, t.payload AS terms
   FROM messages m
   LEFT JOIN known c ON c.known_as = m.causation_id AND c.service = 'tracking'
   LEFT JOIN messages t ON t.service = 'campaign' AND t.type = 'terms.published.v1' AND t.subject = c.payload ->> 'campaign_id'
        AND t.payload -> 'version' = c.payload -> 'terms_version'
  WHERE m.service = 'commission' AND m.type IN ('commission.calculated.v1', 'commission.approved.v1', 'commission.reversed.v1') AND m.payload IS NOT NULL
  ORDER BY m.subject, m.position";

#[derive(FromRow)]
struct Row {
    position: i64,
    r#type: String,
    subject: String,
    time: i64,
    payload: Json<Value>,
    cause_type: Option<String>,
    caused: Option<i64>,
    cause: Option<Json<Value>>,
    terms: Option<Json<Value>>,
}

/// A commission as its conversion makes it.
#[derive(Default)]
struct Commission {
    subject: String,
    amount: i128,
    reversed: i128,
    hold_until: Option<i64>,
}

/// Walks through commission's log.
pub(super) async fn commissions(records: &mut PgConnection) -> Result<Vec<Finding>> {
    let mut tally = Tally::new(
        9,
        "every commission is what tracking's events and the terms in force make of it, to the cent",
    );
    let mut rows = sqlx::query_as::<_, Row>(EVENTS).fetch(records);
    let mut commission = Commission::default();
    while let Some(row) = rows.try_next().await? {
        if commission.subject != row.subject {
            commission = Commission {
                subject: row.subject.clone(),
                ..Commission::default()
            };
        }
        let wrong = commission.next(&row);
        tally.hold(wrong.is_none(), || {
            let Row {
                position,
                r#type,
                subject,
                ..
            } = &row;
            format!(
                "commission position {position} ({type} of {subject}): {}",
                wrong.unwrap_or_default()
            )
        });
    }
    Ok(vec![tally.finding()])
}

impl Commission {
    /// What is wrong with its next event.
    fn next(&mut self, row: &Row) -> Option<String> {
        let payload = &row.payload.0;
        match (row.r#type.as_str(), row.cause_type.as_deref(), &row.cause) {
            ("commission.calculated.v1", Some("conversion.attributed.v1"), Some(cause)) => {
                let Some(terms) = row.terms.as_ref().and_then(|terms| Terms::read(&terms.0)) else {
                    return Some("campaign has published no such terms".to_owned());
                };
                let status = payload.get("status").and_then(Value::as_str);
                let earned = terms.earned(&cause.0, status == Some(OUT_OF_RANGE));
                self.amount = earned.amount;
                let until = |from: i64| from + terms.hold_days * MICROS_PER_DAY;
                // Builds before counted from when they calculated it. When a cause was stated that was lost in a restore is not known.
                let stated = payload.pointer("/hold_until").and_then(Value::as_i64);
                let from = match row.caused {
                    Some(caused) if stated != Some(until(row.time)) => caused,
                    None => stated.map_or(row.time, |stated| (stated - until(0)).min(row.time)),
                    Some(_) => row.time,
                };
                self.hold_until = (earned.status == "held").then(|| until(from));
                let due = calculated(&cause.0, &earned, self.hold_until);
                first_difference(payload, &due)
            }
            ("commission.reversed.v1", Some("conversion.refunded.v1"), Some(cause)) => {
                let total = self.total_reversed(&cause.0)?;
                let due = (total - self.reversed).max(0);
                self.reversed += due;
                let from = if self.hold_until.is_some() {
                    "pending"
                } else {
                    "payable"
                };
                let due = [
                    ("/amount/minor", Value::from(narrow(due))),
                    ("/reversed_total/minor", Value::from(narrow(self.reversed))),
                    ("/from", Value::from(from)),
                ];
                first_difference(payload, &due)
            }
            ("commission.approved.v1", ..) => {
                let due = [(
                    "/amount/minor",
                    Value::from(narrow(self.amount - self.reversed)),
                )];
                match self.hold_until.take() {
                    None => Some("it was not on hold".to_owned()),
                    Some(until) if row.time < until => Some("its hold was not over".to_owned()),
                    Some(_) => first_difference(payload, &due),
                }
            }
            (_, cause, _) => Some(format!(
                "its cause is {}",
                cause.unwrap_or("not in tracking's log")
            )),
        }
    }

    /// What all refunds up to this one take back: rounded as a whole, so that parts make no difference.
    fn total_reversed(&self, refund: &Value) -> Option<i128> {
        let minor = |pointer| Some(i128::from(refund.pointer(pointer)?.as_i64()?));
        let (refunded, paid) = (
            minor("/refunded_total/minor")?,
            minor("/purchase_amount/minor")?,
        );
        Some(if refunded >= paid {
            self.amount
        } else {
            half_even(self.amount * refunded, paid)
        })
    }
}

/// What `commission.calculated` must say.
fn calculated(
    cause: &Value,
    earned: &Earned,
    hold_until: Option<i64>,
) -> Vec<(&'static str, Value)> {
    let same = |pointer| cause.pointer(pointer).cloned().unwrap_or_default();
    vec![
        ("/amount/minor", Value::from(narrow(earned.amount))),
        ("/amount/currency", Value::from(earned.currency.clone())),
        ("/status", Value::from(earned.status)),
        ("/hold_until", Value::from(hold_until)),
        ("/rate_bps", Value::from(earned.rate_bps)),
        ("/flat/minor", Value::from(earned.flat)),
        ("/rounding", Value::from(earned.rounding)),
        ("/partner_id", same("/partner_id")),
        ("/brand_id", same("/brand_id")),
        ("/campaign_id", same("/campaign_id")),
        ("/event_type", same("/event_type")),
        ("/base/minor", same("/amount/minor")),
        ("/base/currency", same("/amount/currency")),
        ("/plan_version", same("/terms_version")),
    ]
}

fn first_difference(payload: &Value, due: &[(&'static str, Value)]) -> Option<String> {
    due.iter().find_map(|(pointer, due)| {
        let stated = payload.pointer(pointer).unwrap_or(&Value::Null);
        (stated != due).then(|| format!("{pointer} is {stated} and should be {due}"))
    })
}

/// For comparing with JSON; what does not fit is no amount and equals none.
fn narrow(minor: i128) -> Option<i64> {
    i64::try_from(minor).ok()
}
