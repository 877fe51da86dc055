//! What commission is asked, by its own timer.

use schemas::{About, CommissionApprovedV1, CommissionCode};
use thiserror::Error;
use types::{ConversionId, Micros};

use super::{Commission, Event, Status};

/// Why a command is refused: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no such commission.
    #[error("there is no such commission")]
    CommissionUnknown,
    /// Nothing is on hold any more.
    #[error("the commission is not on hold")]
    NotHeld,
    /// The hold lasts longer than the command says.
    #[error("the hold lasts until later")]
    HoldNotOver,
}

impl Refusal {
    /// For programs.
    pub const fn code(self) -> CommissionCode {
        match self {
            Self::CommissionUnknown => CommissionCode::CommissionUnknown,
            Self::NotHeld => CommissionCode::NotHeld,
            Self::HoldNotOver => CommissionCode::HoldNotOver,
        }
    }
}

/// Ends a hold: what is left of the commission is earned for good.
pub fn release_hold(
    id: &ConversionId,
    commission: Option<&Commission>,
    now: Micros,
) -> Result<Event, Refusal> {
    let commission = commission.ok_or(Refusal::CommissionUnknown)?;
    let until = commission
        .held_until()
        .filter(|_| commission.status() == Status::Held)
        .ok_or(Refusal::NotHeld)?;
    if now < until {
        return Err(Refusal::HoldNotOver);
    }
    let parties = &commission.calculated.parties;
    let amount = commission.remaining().map_err(|_| Refusal::NotHeld)?;
    let approved = CommissionApprovedV1 {
        partner_id: parties.partner.clone(),
        brand_id: parties.brand.clone(),
        amount,
    };
    Ok(About::of(id.clone(), approved).into())
}
