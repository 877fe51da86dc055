//! What a campaign is meant to cost, as clients say it and as answers show it.

use chassis::json::AmountText;
use chassis::problem::Fields;
use schemas::{Budget, WireBudget};
use serde::{Deserialize, Serialize};
use types::{AmountError, BudgetInterval, Currency, Money};
use utoipa::ToSchema;

use crate::lists;

/// What its brand means a campaign to cost, in its currency. It is shown; nothing is refused or paused when it is spent: what a brand's
/// partners earn is limited by its funds, where they have a limit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBody {
    /// More than zero, with no more decimals than the currency has.
    amount: AmountText,
    /// ISO 4217 code: the campaign's.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// In what time.
    #[schema(value_type = lists::BudgetInterval)]
    interval: BudgetInterval,
}

impl BudgetBody {
    /// Notes what is wrong with it, at `/budget`.
    pub(crate) fn check(&self, fields: &mut Fields) {
        fields.take("/budget/amount", self.money());
    }

    /// The budget of a message, of a checked body.
    pub(crate) fn record(&self) -> Option<WireBudget> {
        let money = self.money().ok()?;
        let budget = Budget {
            minor: money.minor,
            currency: money.currency,
            interval: self.interval,
        };
        Some(budget.into())
    }

    fn money(&self) -> Result<Money, AmountError> {
        Money::parse_positive(self.amount.as_str(), self.currency)
    }
}

/// What its brand means a campaign to cost. It is shown; nothing is refused or paused when it is spent.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetView {
    /// With the currency's decimals.
    #[schema(example = "10000.00")]
    amount: String,
    /// ISO 4217 code: the campaign's.
    #[schema(example = "USD")]
    currency: String,
    /// In what time.
    #[schema(value_type = lists::BudgetInterval)]
    interval: String,
}

impl BudgetView {
    /// Of a stored campaign: minor units of its currency, and the interval. `None` without a budget.
    pub fn of_columns(
        minor: Option<i64>,
        interval: Option<String>,
        currency: &str,
    ) -> Option<Self> {
        let (minor, interval) = minor.zip(interval)?;
        let currency = Currency::parse(currency).ok()?;
        Some(Self {
            amount: Money::new(minor, currency).to_string(),
            currency: currency.code().to_owned(),
            interval,
        })
    }
}

impl From<Budget> for BudgetView {
    fn from(budget: Budget) -> Self {
        Self {
            amount: Money::new(budget.minor, budget.currency).to_string(),
            currency: budget.currency.code().to_owned(),
            interval: budget.interval.name().to_owned(),
        }
    }
}
