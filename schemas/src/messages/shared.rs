//! Records that several kinds use, and the two that stand on every events topic.

use serde::{Deserialize, Serialize};
use types::{AmountError, BudgetInterval, Currency, Earning, HoldDays, Invalid, Money, Uuid};

/// An amount as a command says it: its currency may be none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Money")]
pub struct WireMoney {
    /// Minor units of the currency.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl From<Money> for WireMoney {
    fn from(money: Money) -> Self {
        Self {
            minor: money.minor,
            currency: money.currency.code().to_owned(),
        }
    }
}

impl TryFrom<&WireMoney> for Money {
    /// The currency's code is in no list of ours.
    type Error = AmountError;

    fn try_from(wire: &WireMoney) -> Result<Self, AmountError> {
        Currency::parse(&wire.currency).map(|currency| Self::new(wire.minor, currency))
    }
}

/// What a campaign may cost, as a command says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename = "Budget")]
pub struct WireBudget {
    /// Minor units of the currency.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// In what time: day, month or total.
    pub interval: String,
}

/// What a campaign may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Minor units of the currency, more than 0.
    pub minor: i64,
    /// ISO 4217 code: the campaign's.
    pub currency: Currency,
    /// In what time.
    pub interval: BudgetInterval,
}

impl WireBudget {
    /// What it says. An error says which field of a request's body is at fault.
    pub fn read(&self) -> Result<Budget, (&'static str, Invalid)> {
        let currency = Currency::parse(&self.currency);
        let unknown = Invalid("must be an ISO 4217 currency");
        let interval = BudgetInterval::parse(&self.interval);
        let interval = interval.ok_or(Invalid("must be day, month or total"));
        if self.minor <= 0 {
            return Err(("/budget/amount", Invalid("must be more than zero")));
        }
        Ok(Budget {
            minor: self.minor,
            currency: currency.map_err(|_| ("/budget/currency", unknown))?,
            interval: interval.map_err(|invalid| ("/budget/interval", invalid))?,
        })
    }
}

impl From<Budget> for WireBudget {
    fn from(budget: Budget) -> Self {
        Self {
            minor: budget.minor,
            currency: budget.currency.code().to_owned(),
            interval: budget.interval.name().to_owned(),
        }
    }
}

/// What a conversion earns: for a sale and for a lead a rate or a flat amount, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Rate of a sale in basis points.
    pub sale_bps: Option<i32>,
    /// Flat amount of a sale.
    pub sale_flat: Option<WireMoney>,
    /// Rate of a lead in basis points.
    pub lead_bps: Option<i32>,
    /// Flat amount of a lead.
    pub lead_flat: Option<WireMoney>,
    /// Days until it is earned for good; 0: at once.
    pub hold_days: i32,
}

impl Plan {
    /// What it promises. An error says which field of a request's body is at fault.
    pub fn read(&self) -> Result<types::Plan, (&'static str, Invalid)> {
        let sale = earning(self.sale_bps, self.sale_flat.as_ref(), "/plan/sale")?;
        let lead = earning(self.lead_bps, self.lead_flat.as_ref(), "/plan/lead")?;
        let hold = HoldDays::new(self.hold_days).map_err(|invalid| ("/plan/hold_days", invalid))?;
        types::Plan::new(sale, lead, hold).map_err(|invalid| ("/plan", invalid))
    }
}

fn earning(
    bps: Option<i32>,
    flat: Option<&WireMoney>,
    pointer: &'static str,
) -> Result<Option<Earning>, (&'static str, Invalid)> {
    let flat = flat
        .map(Money::try_from)
        .transpose()
        .map_err(|_| (pointer, Invalid("must be of an ISO 4217 currency")))?;
    Earning::new(bps, flat).map_err(|invalid| (pointer, invalid))
}

impl From<&types::Plan> for Plan {
    fn from(plan: &types::Plan) -> Self {
        let flat = |earning: Option<Earning>| earning.and_then(Earning::flat).map(WireMoney::from);
        Self {
            sale_bps: plan.sale().and_then(Earning::bps),
            sale_flat: flat(plan.sale()),
            lead_bps: plan.lead().and_then(Earning::bps),
            lead_flat: flat(plan.lead()),
            hold_days: plan.hold().get(),
        }
    }
}

/// One movement: a debit and the same credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Derived from its cause.
    pub id: Uuid,
    /// Name of the account that it is taken from.
    pub debit: String,
    /// Name of the account that it goes to.
    pub credit: String,
    /// Minor units, more than 0.
    pub minor: i64,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// A command was refused: this is its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRejectedV1 {
    /// The type of the refused command.
    pub command_type: String,
    /// Why, from the service's closed list.
    pub code: String,
    /// Why, for people.
    pub detail: String,
    /// JSON pointer to the field at fault.
    pub pointer: Option<String>,
}

/// A command cannot be handled for now: an operator must look. Not an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandStalledV1 {
    /// The type of the stalled command.
    pub command_type: String,
    /// What went wrong the last time.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
}
