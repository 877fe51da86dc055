//! Commission plans in JSON.

use chassis::json::AmountText;
use chassis::problem::Fields;
use money::{Currency, Money};
use schemas::WireMoney;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::{Earning, HoldDays, Plan};
use crate::store::terms::Row;

/// What conversions earn: a sale, a lead, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanBody {
    /// What a sale earns.
    sale: Option<EarningBody>,
    /// What a lead earns.
    lead: Option<EarningBody>,
    /// Days until it is earned for good: 0 (at once) to 365.
    #[schema(minimum = 0, maximum = 365)]
    hold_days: i32,
}

/// Either a rate or a flat amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EarningBody {
    /// Rate in basis points of the order's amount: 1000 is 10 %.
    #[schema(minimum = 0, maximum = 10_000, example = 1000)]
    bps: Option<i32>,
    /// The same for every conversion.
    flat: Option<FlatBody>,
}

/// An amount, in the campaign's currency.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FlatBody {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217 code: the campaign's.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
}

impl PlanBody {
    /// Notes what is wrong with it.
    pub(super) fn check(&self, fields: &mut Fields) {
        let sale = self.sale.as_ref().map(|earning| ("/plan/sale", earning));
        let lead = self.lead.as_ref().map(|earning| ("/plan/lead", earning));
        fields.require(
            sale.is_some() || lead.is_some(),
            "/plan",
            "must say what a sale or a lead earns, or what both do",
        );
        for (pointer, earning) in [sale, lead].into_iter().flatten() {
            earning.check(pointer, fields);
        }
        fields.take("/plan/hold_days", HoldDays::new(self.hold_days));
    }

    /// The wire's plan of a checked body.
    pub(super) fn to_wire(&self) -> schemas::Plan {
        let flat = |earning: &Option<EarningBody>| {
            let flat = earning.as_ref()?.flat.as_ref()?;
            Some(WireMoney::from(flat.amount.money(flat.currency).ok()?))
        };
        let bps = |earning: &Option<EarningBody>| earning.as_ref()?.bps;
        schemas::Plan {
            sale_bps: bps(&self.sale),
            sale_flat: flat(&self.sale),
            lead_bps: bps(&self.lead),
            lead_flat: flat(&self.lead),
            hold_days: self.hold_days,
        }
    }
}

impl EarningBody {
    fn check(&self, pointer: &'static str, fields: &mut Fields) {
        let flat = match &self.flat {
            None => None,
            Some(flat) => match Money::parse_positive(flat.amount.as_str(), flat.currency) {
                Ok(money) => Some(money),
                Err(error) => {
                    fields.refuse(format!("{pointer}/flat/amount"), error.to_string());
                    return;
                }
            },
        };
        match Earning::new(self.bps, flat) {
            Ok(Some(_)) => {}
            Ok(None) => fields.refuse(pointer, "must have bps or flat"),
            Err(invalid) if flat.is_none() => fields.refuse(format!("{pointer}/bps"), invalid.0),
            Err(invalid) => fields.refuse(pointer, invalid.0),
        }
    }
}

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
