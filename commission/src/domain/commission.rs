//! A commission as it stands.

pub use types::CommissionStatus as Status;
use types::{ArithmeticError, Micros, Money};

use super::{Calculated, CalculatedStatus, Event};

/// A commission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commission {
    /// As it began.
    pub calculated: Calculated,
    /// When that was.
    pub calculated_at: Micros,
    /// Since when it is earned for good.
    pub approved_at: Option<Micros>,
    /// What refunds took back, in the currency of its amount.
    pub reversed: Money,
}

impl Commission {
    /// As it begins.
    pub fn begin(calculated: Calculated, at: Micros) -> Self {
        let approved_at = matches!(calculated.status, CalculatedStatus::Approved).then_some(at);
        Self {
            reversed: Money::zero(calculated.amount.currency),
            calculated,
            calculated_at: at,
            approved_at,
        }
    }

    /// Applies what happened to it.
    pub fn apply(&mut self, event: &Event, at: Micros) {
        match event {
            Event::Approved(_) => self.approved_at = Some(at),
            Event::Reversed(reversed) => self.reversed = reversed.reversed_total,
            Event::PlanAdopted(_) | Event::Calculated(_) => {}
        }
    }

    /// When its hold ends, while it is on hold.
    pub fn held_until(&self) -> Option<Micros> {
        match self.calculated.status {
            CalculatedStatus::Held { until } if self.approved_at.is_none() => Some(until),
            _ => None,
        }
    }

    /// What is left of it.
    pub fn remaining(&self) -> Result<Money, ArithmeticError> {
        self.calculated.amount.checked_sub(self.reversed)
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        let amount = self.calculated.amount;
        if matches!(self.calculated.status, CalculatedStatus::Suspended(_)) {
            Status::Suspended
        } else if amount.minor > 0 && self.reversed == amount {
            Status::Reversed
        } else if self.held_until().is_some() {
            Status::Held
        } else {
            Status::Approved
        }
    }
}
