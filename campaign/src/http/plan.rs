//! Commission plans in JSON.

use serde::Serialize;
use types::{Currency, Earning, Money, Plan};
use utoipa::ToSchema;

use crate::store::terms::Row;

/// What conversions earn under a version of the terms.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanView {
    /// What a sale earns.
    sale: Option<EarningView>,
    /// What a lead earns.
    lead: Option<EarningView>,
    /// Days until it is earned for good.
    hold_days: i32,
}

/// Either a rate or a flat amount.
#[derive(Debug, Serialize, ToSchema)]
struct EarningView {
    /// Rate in basis points.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1000)]
    bps: Option<i32>,
    /// The same for every conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    flat: Option<FlatView>,
}

/// An amount.
#[derive(Debug, Serialize, ToSchema)]
struct FlatView {
    /// With the currency's decimals.
    #[schema(example = "5.00")]
    amount: String,
    /// ISO 4217 code.
    #[schema(example = "USD")]
    currency: String,
}

impl PlanView {
    /// Of a stored version, whose flat amounts are of the campaign's currency.
    pub(super) fn of_row(row: &Row, currency: Currency) -> Self {
        let view = |bps: Option<i32>, flat: Option<i64>| {
            let flat = flat.map(|minor| FlatView::from(Money::new(minor, currency)));
            (bps.is_some() || flat.is_some()).then_some(EarningView { bps, flat })
        };
        Self {
            sale: view(row.sale_bps, row.sale_flat),
            lead: view(row.lead_bps, row.lead_flat),
            hold_days: row.hold_days,
        }
    }
}

impl From<&Plan> for PlanView {
    fn from(plan: &Plan) -> Self {
        Self {
            sale: plan.sale().map(EarningView::from),
            lead: plan.lead().map(EarningView::from),
            hold_days: plan.hold().get(),
        }
    }
}

impl From<Earning> for EarningView {
    fn from(earning: Earning) -> Self {
        Self {
            bps: earning.bps(),
            flat: earning.flat().map(FlatView::from),
        }
    }
}

impl From<Money> for FlatView {
    fn from(money: Money) -> Self {
        Self {
            amount: money.to_string(),
            currency: money.currency.code().to_owned(),
        }
    }
}
