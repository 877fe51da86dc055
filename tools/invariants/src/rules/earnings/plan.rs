//! What terms promise, and what a conversion makes of it.

use serde_json::Value;
use types::MAX_EARNED;

pub(super) const OUT_OF_RANGE: &str = "suspended_out_of_range";

/// One version of a campaign's terms.
pub(super) struct Terms<'a> {
    plan: &'a Value,
    currency: &'a str,
    pub(super) hold_days: i64,
}

/// What a conversion earns.
pub(super) struct Earned {
    pub(super) amount: i128,
    pub(super) currency: String,
    pub(super) status: &'static str,
    pub(super) rate_bps: Option<i64>,
    pub(super) flat: Option<i64>,
    pub(super) rounding: &'static str,
}

impl<'a> Terms<'a> {
    /// From `terms.published`.
    pub(super) fn read(published: &'a Value) -> Option<Self> {
        let plan = published.get("plan")?;
        Some(Self {
            plan,
            currency: published.get("currency")?.as_str()?,
            hold_days: plan.get("hold_days")?.as_i64()?,
        })
    }

    /// What an attributed conversion earns. Builds before suspended no amount for being large, so what commission did is passed in.
    pub(super) fn earned(&self, conversion: &Value, is_out_of_range: bool) -> Earned {
        let kind = match conversion.get("event_type").and_then(Value::as_str) {
            Some("purchase") => "sale",
            _ => "lead",
        };
        let rate_bps = self.plan.get(format!("{kind}_bps")).and_then(Value::as_i64);
        let flat = self
            .plan
            .get(format!("{kind}_flat"))
            .filter(|flat| !flat.is_null());
        let text = |value: Option<&'a Value>| value.and_then(Value::as_str);
        let flat_currency = text(flat.and_then(|flat| flat.get("currency")));
        let flat = flat
            .and_then(|flat| flat.get("minor"))
            .and_then(Value::as_i64);
        let base = conversion.pointer("/amount/minor").and_then(Value::as_i64);
        let base_currency = conversion
            .pointer("/amount/currency")
            .and_then(Value::as_str);
        let (amount, suspense) = match (rate_bps, flat, base) {
            (_, _, Some(base)) if base < 0 => (0, Some("suspended_negative_base")),
            (_, Some(_), _) if flat_currency != Some(self.currency) => {
                (0, Some("suspended_flat_currency"))
            }
            (_, Some(flat), _) => (i128::from(flat), None),
            (Some(bps), None, Some(base)) => {
                (half_even(i128::from(base) * i128::from(bps), 10_000), None)
            }
            _ => (0, None),
        };
        let (amount, suspense) = if amount > i128::from(MAX_EARNED) && is_out_of_range {
            (0, Some(OUT_OF_RANGE))
        } else {
            (amount, suspense)
        };
        let currency = match flat {
            Some(_) if suspense.is_none() => flat_currency,
            _ => base_currency,
        };
        let held = self.hold_days > 0 && amount > 0;
        Earned {
            amount,
            currency: currency.unwrap_or(self.currency).to_owned(),
            status: suspense.unwrap_or(if held { "held" } else { "approved" }),
            rate_bps,
            flat,
            rounding: if rate_bps.is_some() {
                "half_even"
            } else {
                "none"
            },
        }
    }
}

/// The quotient of two numbers that are not negative, a tie to the even one.
pub(super) fn half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    match (2 * rest).cmp(&divisor) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Equal => quotient + quotient % 2,
        std::cmp::Ordering::Greater => quotient + 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use types::MAX_EARNED;

    use super::{OUT_OF_RANGE, Terms, half_even};

    #[test]
    fn an_amount_is_suspended_for_being_large_where_it_is() {
        let published = json!({"currency": "USD", "plan": {"sale_bps": 10_000, "hold_days": 0}});
        let terms = Terms::read(&published).unwrap();
        let earned = |minor, is_out_of_range| {
            let conversion =
                json!({"event_type": "purchase", "amount": {"minor": minor, "currency": "USD"}});
            let earned = terms.earned(&conversion, is_out_of_range);
            (earned.status, earned.amount)
        };
        let most = i128::from(MAX_EARNED);
        assert_eq!(earned(MAX_EARNED + 1, true), (OUT_OF_RANGE, 0));
        assert_eq!(earned(MAX_EARNED, true), ("approved", most));
        assert_eq!(earned(MAX_EARNED + 1, false), ("approved", most + 1));
    }

    #[test]
    fn a_tie_goes_to_the_even_neighbour_and_nothing_else_does() {
        for (dividend, rounded) in [
            (0, 0),
            (4, 0),
            (5, 0),
            (6, 1),
            (15, 2),
            (25, 2),
            (26, 3),
            (35, 4),
        ] {
            assert_eq!(half_even(dividend, 10), rounded, "{dividend} tenths");
        }
    }
}
