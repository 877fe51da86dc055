//! What conversions earn, as a client says it.

use chassis::json::AmountText;
use chassis::problem::Fields;
use money::{AmountError, Currency, Money};
use schemas::{Plan, WireMoney};
use serde::Deserialize;
use utoipa::ToSchema;

const WHOLE_BPS: i32 = 10_000;
const LONGEST_HOLD_DAYS: i32 = 365;

/// What a sale or a lead earns, or what both do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanBody {
    /// What a sale earns.
    sale: Option<EarningBody>,
    /// What a lead earns.
    lead: Option<EarningBody>,
    /// Days until a commission is earned for good: 0 (at once) to 365.
    #[schema(minimum = 0, maximum = 365)]
    hold_days: i32,
}

/// Either a rate or a flat amount.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarningBody {
    /// Basis points of the amount: 1,000 is 10 %.
    #[schema(minimum = 0, maximum = 10_000, example = 1_000)]
    bps: Option<i32>,
    /// The same for every one.
    flat: Option<MoneyBody>,
}

/// An amount of a currency.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoneyBody {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
}

impl PlanBody {
    /// Notes what is wrong with it, at `/plan`.
    pub(crate) fn check(&self, fields: &mut Fields) {
        fields.require(
            self.sale.is_some() || self.lead.is_some(),
            "/plan",
            "must say what a sale or a lead earns, or what both do",
        );
        fields.require(
            (0..=LONGEST_HOLD_DAYS).contains(&self.hold_days),
            "/plan/hold_days",
            "must be 0 to 365 days",
        );
        for (earning, pointer) in [(&self.sale, "/plan/sale"), (&self.lead, "/plan/lead")] {
            if let Some(earning) = earning {
                earning.check(fields, pointer);
            }
        }
    }

    /// The plan of a message.
    pub(crate) fn into_wire(self) -> Plan {
        let flat = |earning: &EarningBody| earning.flat.as_ref().and_then(MoneyBody::to_wire);
        Plan {
            sale_bps: self.sale.as_ref().and_then(|sale| sale.bps),
            sale_flat: self.sale.as_ref().and_then(flat),
            lead_bps: self.lead.as_ref().and_then(|lead| lead.bps),
            lead_flat: self.lead.as_ref().and_then(flat),
            hold_days: self.hold_days,
        }
    }
}

impl EarningBody {
    fn check(&self, fields: &mut Fields, pointer: &'static str) {
        match (self.bps, &self.flat) {
            (Some(bps), None) if !(0..=WHOLE_BPS).contains(&bps) => {
                fields.refuse(format!("{pointer}/bps"), "must be 0 to 10000 basis points");
            }
            (None, Some(flat)) => {
                if let Err(error) = flat.money() {
                    fields.refuse(format!("{pointer}/flat/amount"), error.to_string());
                }
            }
            (Some(_), None) => {}
            _ => fields.refuse(pointer, "must have either bps or flat"),
        }
    }
}

impl MoneyBody {
    fn money(&self) -> Result<Money, AmountError> {
        Money::parse_positive(self.amount.as_str(), self.currency)
    }

    fn to_wire(&self) -> Option<WireMoney> {
        self.money().ok().map(WireMoney::from)
    }
}
