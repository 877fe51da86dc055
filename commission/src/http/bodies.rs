//! What the answers look like.

use chassis::time::Timestamp;
use runtime::ConversionType;
use serde::Serialize;
use types::{Currency, Micros, Money};
use utoipa::ToSchema;

use super::commissions::CommissionStatus;
use crate::domain::Suspense;
use crate::store::{CommissionRow, ReversalRow};

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Amount {
    /// Decimal, with the currency's digits.
    #[schema(example = "10.00")]
    amount: String,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    currency: String,
}

chassis::closed_lists! {
    /// Why a commission is suspended.
    pub(super) SuspenseReason of Suspense;
}

/// How an amount was rounded.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rounding {
    /// To the currency's smallest unit, once, half to even.
    HalfEven,
    /// A flat amount is not rounded.
    None,
}

/// Where money may be taken from.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Account {
    /// Earned, and on hold.
    Pending,
    /// Earned for good; may go below zero.
    Payable,
}

/// A commission in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CommissionItem {
    /// The conversion's id.
    id: String,
    campaign_id: String,
    partner_id: String,
    brand_id: String,
    #[schema(value_type = ConversionType)]
    event_type: String,
    /// `reversed` is all of it.
    #[schema(value_type = CommissionStatus)]
    status: String,
    /// Why it is suspended: nothing is earned, and no command changes that. What is agreed for it is reported as another order, or paid otherwise.
    #[schema(value_type = Option<SuspenseReason>)]
    suspense: Option<String>,
    /// What was earned, decimal with the currency's digits.
    #[schema(example = "10.00")]
    amount: String,
    /// What refunds took back of it.
    #[schema(example = "0.00")]
    reversed: String,
    /// What is left of it.
    #[schema(example = "10.00")]
    net: String,
    /// ISO 4217 code of these three.
    #[schema(example = "USD")]
    currency: String,
    calculated_at: Timestamp,
    /// When its hold ends or ended; `null` when it was never held.
    hold_until: Option<Timestamp>,
    /// Since when it is earned for good.
    approved_at: Option<Timestamp>,
}

/// How the amount came about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Calculation {
    /// What the conversion was worth; `null` for a lead without a value.
    base: Option<Amount>,
    /// Hundredths of a percent of the base; `null` when the plan has no rate for this.
    rate_bps: Option<i32>,
    /// What the plan always pays; `null` when it has no flat amount for this.
    flat: Option<Amount>,
    /// The version of the campaign's plan that the partner had accepted.
    plan_version: i32,
    rounding: Rounding,
    /// The same in words.
    #[schema(example = "10.00 % of 100.00 USD by version 1 of the plan, rounded half-even")]
    explanation: String,
}

/// What a refund took back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Reversal {
    /// Of this reversal.
    amount: String,
    /// Of all so far, this included.
    reversed_total: String,
    /// Where it was taken from.
    from: Account,
    reversed_at: Timestamp,
}

/// A commission, explained.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CommissionDetail {
    #[serde(flatten)]
    commission: CommissionItem,
    calculation: Calculation,
    /// Oldest first: of more than 1,000 the newest.
    reversals: Vec<Reversal>,
}

fn decimal(minor: i64, currency: &str) -> String {
    Currency::parse(currency).map_or_else(
        |_| minor.to_string(),
        |currency| Money::new(minor, currency).to_string(),
    )
}

fn amount(minor: Option<i64>, currency: Option<&String>) -> Option<Amount> {
    let (minor, currency) = (minor?, currency?);
    Some(Amount {
        amount: decimal(minor, currency),
        currency: currency.clone(),
    })
}

fn time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(|micros| Timestamp(Micros(micros)))
}

impl From<CommissionRow> for CommissionItem {
    fn from(row: CommissionRow) -> Self {
        let text = |minor| decimal(minor, &row.currency);
        Self {
            amount: text(row.amount_minor),
            reversed: text(row.reversed_minor),
            net: text(row.amount_minor - row.reversed_minor),
            calculated_at: Timestamp(Micros(row.calculated_at)),
            hold_until: time(row.hold_until),
            approved_at: time(row.approved_at),
            id: row.id,
            campaign_id: row.campaign_id,
            partner_id: row.partner_id,
            brand_id: row.brand_id,
            event_type: row.event_type,
            status: row.status,
            suspense: row.suspense,
            currency: row.currency,
        }
    }
}

impl From<&CommissionRow> for Calculation {
    fn from(row: &CommissionRow) -> Self {
        let base = amount(row.base_minor, row.base_currency.as_ref());
        let flat = amount(row.flat_minor, row.flat_currency.as_ref());
        let explanation = explain(row, base.as_ref(), flat.as_ref());
        Self {
            base,
            rate_bps: row.rate_bps,
            flat,
            plan_version: row.plan_version,
            rounding: if row.rate_bps.is_some() {
                Rounding::HalfEven
            } else {
                Rounding::None
            },
            explanation,
        }
    }
}

fn explain(row: &CommissionRow, base: Option<&Amount>, flat: Option<&Amount>) -> String {
    let version = format!("by version {} of the plan", row.plan_version);
    if let Some(suspense) = &row.suspense {
        return format!("nothing is earned, and no command changes that ({suspense}), {version}");
    }
    match (row.rate_bps, base, flat) {
        (Some(bps), Some(base), _) => format!(
            "{}.{:02} % of {} {} {version}, rounded half-even",
            bps / 100,
            bps % 100,
            base.amount,
            base.currency
        ),
        (Some(_), None, _) => format!("a rate of a value that was not reported, {version}"),
        (None, _, Some(flat)) => format!("{} {} flat {version}", flat.amount, flat.currency),
        (None, _, None) => format!("a {} earns nothing {version}", row.event_type),
    }
}

impl From<ReversalRow> for Reversal {
    fn from(row: ReversalRow) -> Self {
        Self {
            amount: decimal(row.amount_minor, &row.currency),
            reversed_total: decimal(row.reversed_total_minor, &row.currency),
            from: if row.pending {
                Account::Pending
            } else {
                Account::Payable
            },
            reversed_at: Timestamp(Micros(row.reversed_at)),
        }
    }
}

impl CommissionDetail {
    /// A commission with what was taken back of it.
    pub(super) fn new(row: CommissionRow, reversals: Vec<ReversalRow>) -> Self {
        Self {
            calculation: Calculation::from(&row),
            commission: CommissionItem::from(row),
            reversals: reversals.into_iter().map(Reversal::from).collect(),
        }
    }
}
