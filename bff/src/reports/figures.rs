//! What a row of a report comes to, in whole numbers until it is shown.

use std::ops::AddAssign;

use types::Currency;

/// Digits after the point of what is divided by clicks.
pub(crate) const RATIO_DIGITS: u32 = 4;

/// Sums of a row, money in the smallest unit of its currency.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) clicks: i64,
    pub(crate) leads: i64,
    pub(crate) sales: i64,
    pub(crate) revenue: i128,
    pub(crate) refunds: i128,
    pub(crate) commissions: i128,
    pub(crate) payouts: i128,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        let (clicks, leads, sales) = (other.clicks, other.leads, other.sales);
        self.clicks = self.clicks.saturating_add(clicks);
        self.leads = self.leads.saturating_add(leads);
        self.sales = self.sales.saturating_add(sales);
        // Rows of tables hold an `i64` each: as many as would overflow this there cannot be.
        self.revenue = self.revenue.saturating_add(other.revenue);
        self.refunds = self.refunds.saturating_add(other.refunds);
        self.commissions = self.commissions.saturating_add(other.commissions);
        self.payouts = self.payouts.saturating_add(other.payouts);
    }
}

impl Figures {
    /// Conversions for each click; `None` without a click.
    pub(crate) fn conversion_rate(&self) -> Option<String> {
        let conversions = i128::from(self.leads) + i128::from(self.sales);
        ratio(conversions, i128::from(self.clicks))
    }

    /// Earnings for each click, in the currency; `None` without a click.
    pub(crate) fn epc(&self, currency: Currency) -> Option<String> {
        let unit = 10_i128.pow(currency.digits());
        let clicks = i128::from(self.clicks).checked_mul(unit)?;
        ratio(self.commissions, clicks)
    }
}

/// Decimal text of so many of the smallest unit; of a currency that is not known those.
pub(crate) fn amount(minor: i128, currency: Option<Currency>) -> String {
    decimal(minor, currency.map_or(0, Currency::digits))
}

/// A quotient with [`RATIO_DIGITS`] digits, rounded half to even.
fn ratio(numerator: i128, denominator: i128) -> Option<String> {
    if denominator <= 0 {
        return None;
    }
    let product = numerator.checked_mul(10_i128.pow(RATIO_DIGITS))?;
    let floor = product.div_euclid(denominator);
    let rest = product.rem_euclid(denominator);
    let up = match rest.cmp(&(denominator - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    Some(decimal(floor + i128::from(up), RATIO_DIGITS))
}

fn decimal(scaled: i128, digits: u32) -> String {
    let sign = if scaled < 0 { "-" } else { "" };
    let unit = 10_u128.pow(digits);
    let (whole, part) = (scaled.unsigned_abs() / unit, scaled.unsigned_abs() % unit);
    match usize::try_from(digits) {
        Ok(width @ 1..) => format!("{sign}{whole}.{part:0width$}"),
        _ => format!("{sign}{whole}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_divided_by_clicks_is_rounded_half_to_even_to_four_digits() {
        for (numerator, denominator, expected) in [
            (1, 3, "0.3333"),
            (2, 3, "0.6667"),
            (1, 20_000, "0.0000"),
            (3, 20_000, "0.0002"),
            (5, 20_000, "0.0002"),
            (-1, 3, "-0.3333"),
            (-3, 20_000, "-0.0002"),
            (7, 1, "7.0000"),
        ] {
            let shown = ratio(numerator, denominator);
            assert_eq!(
                shown.as_deref(),
                Some(expected),
                "{numerator}/{denominator}"
            );
        }
        assert_eq!(ratio(1, 0), None);
    }

    #[test]
    fn earnings_per_click_are_in_the_currency_whatever_its_digits() {
        let figures = Figures {
            clicks: 8,
            leads: 1,
            sales: 2,
            commissions: 1_000,
            ..Figures::default()
        };
        let epc = |code| figures.epc(Currency::parse(code).unwrap()).unwrap();
        assert_eq!(epc("USD"), "1.2500");
        assert_eq!(epc("JPY"), "125.0000");
        assert_eq!(figures.conversion_rate().unwrap(), "0.3750");
        assert_eq!(Figures::default().conversion_rate(), None);
    }

    #[test]
    fn sums_beyond_an_i64_and_below_zero_are_shown_whole() {
        let usd = Some(Currency::USD);
        assert_eq!(amount(-5, usd), "-0.05");
        assert_eq!(amount(150, usd), "1.50");
        assert_eq!(amount(150, None), "150");
        let large = i128::from(i64::MAX) * 2;
        assert_eq!(amount(large, usd), "184467440737095516.14");
    }
}
