//! Commission plans, as clients say them.

use chassis::json::AmountText;
use chassis::problem::Fields;
use schemas::{Plan, WireMoney};
use serde::Deserialize;
use types::{AmountError, Currency, Earning, HoldDays, MAX_EARNED, Money};
use utoipa::ToSchema;

/// What conversions earn: a sale, a lead, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanBody {
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
    /// More than zero, with no more decimals than the currency has, and at most 10^12 of its minor unit.
    amount: AmountText,
    /// ISO 4217 code: the campaign's.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
}

impl PlanBody {
    /// Notes what is wrong with it, at `/plan`.
    pub(crate) fn check(&self, fields: &mut Fields) {
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

    /// The plan of a message, of a checked body.
    pub(crate) fn record(&self) -> Plan {
        let flat = |earning: &Option<EarningBody>| {
            let money = earning.as_ref()?.flat.as_ref()?.money();
            money.ok().map(WireMoney::from)
        };
        let bps = |earning: &Option<EarningBody>| earning.as_ref()?.bps;
        Plan {
            sale_bps: bps(&self.sale),
            sale_flat: flat(&self.sale),
            lead_bps: bps(&self.lead),
            lead_flat: flat(&self.lead),
            hold_days: self.hold_days,
        }
    }
}

impl FlatBody {
    fn money(&self) -> Result<Money, AmountError> {
        let money = Money::parse_positive(self.amount.as_str(), self.currency)?;
        if money.minor > MAX_EARNED {
            return Err(AmountError::OutOfRange);
        }
        Ok(money)
    }
}

impl EarningBody {
    fn check(&self, pointer: &'static str, fields: &mut Fields) {
        let flat = match self.flat.as_ref().map(FlatBody::money).transpose() {
            Ok(flat) => flat,
            Err(error) => {
                fields.refuse(format!("{pointer}/flat/amount"), error.to_string());
                return;
            }
        };
        match Earning::new(self.bps, flat) {
            Ok(Some(_)) => {}
            Ok(None) => fields.refuse(pointer, "must have bps or flat"),
            Err(invalid) if flat.is_none() => fields.refuse(format!("{pointer}/bps"), invalid.0),
            Err(invalid) => fields.refuse(pointer, invalid.0),
        }
    }
}
