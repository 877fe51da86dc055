//! Commission plans, as answers show them.

use serde::Serialize;
use types::{Currency, Earning, Money};
use utoipa::ToSchema;

/// What conversions earn under a version of the terms.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanView {
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

/// What a conversion of one type earns, as a table has it: a rate in basis points, or a flat amount in minor units.
pub type EarningColumns = (Option<i32>, Option<i64>);

impl PlanView {
    /// Of a stored version, whose flat amounts are of the campaign's currency.
    pub fn of_columns(
        sale: EarningColumns,
        lead: EarningColumns,
        hold_days: i32,
        currency: Currency,
    ) -> Self {
        let view = |(bps, flat): EarningColumns| {
            let flat = flat.map(|minor| FlatView::from(Money::new(minor, currency)));
            (bps.is_some() || flat.is_some()).then_some(EarningView { bps, flat })
        };
        Self {
            sale: view(sale),
            lead: view(lead),
            hold_days,
        }
    }
}

impl From<&types::Plan> for PlanView {
    fn from(plan: &types::Plan) -> Self {
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
