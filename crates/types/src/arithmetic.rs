//! Rounding and splitting, each in one place.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Currency;

/// Why a sum or a product has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ArithmeticError {
    /// The result does not fit an `i64`.
    #[error("the result is too large")]
    Overflow,
    /// A share of nothing: division by zero or by less.
    #[error("cannot divide by zero or less")]
    Divisor,
    /// Two currencies in one sum.
    #[error("{left} and {right} cannot be added")]
    CurrencyMismatch {
        /// The first operand's.
        left: Currency,
        /// The second operand's.
        right: Currency,
    },
}

/// Hundredths of a percent, from 0 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct BasisPoints(i32);

impl BasisPoints {
    /// How many basis points make the whole.
    pub const WHOLE: i64 = 10_000;

    /// `None` below zero and above 100 %.
    pub const fn new(points: i32) -> Option<Self> {
        if 0 <= points && points <= 10_000 {
            Some(Self(points))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for BasisPoints {
    type Error = ArithmeticError;

    fn try_from(points: i32) -> Result<Self, ArithmeticError> {
        Self::new(points).ok_or(ArithmeticError::Overflow)
    }
}

impl From<BasisPoints> for i32 {
    fn from(points: BasisPoints) -> Self {
        points.0
    }
}

/// `amount * numerator / denominator`, rounded half-even. The denominator must be above zero.
pub fn mul_div_half_even(
    amount: i64,
    numerator: i64,
    denominator: i64,
) -> Result<i64, ArithmeticError> {
    if denominator <= 0 {
        return Err(ArithmeticError::Divisor);
    }
    // Two i64 always multiply inside an i128.
    let product = i128::from(amount) * i128::from(numerator);
    let divisor = i128::from(denominator);
    let floor = product.div_euclid(divisor);
    let twice_rest = 2 * product.rem_euclid(divisor);
    let up = twice_rest > divisor || (twice_rest == divisor && floor % 2 != 0);
    i64::try_from(floor + i128::from(up)).map_err(|_| ArithmeticError::Overflow)
}

/// How much of `amount` is still to be reversed when `refunded_total` of `purchase_amount` has come back and
/// `reversed_so_far` has been reversed already.
///
/// Cumulative: it rounds the total, not the part, so that refunds that add up to the purchase reverse exactly `amount`,
/// however they were cut. A refund beyond the purchase reverses no more than all of it, and any refund of a purchase
/// of nothing reverses all. Never negative: what was reversed stays so.
pub fn reversal_due(
    amount: i64,
    refunded_total: i64,
    purchase_amount: i64,
    reversed_so_far: i64,
) -> Result<i64, ArithmeticError> {
    let total = if refunded_total >= purchase_amount {
        amount
    } else {
        mul_div_half_even(amount, refunded_total.max(0), purchase_amount)?
    };
    let due = total
        .checked_sub(reversed_so_far)
        .ok_or(ArithmeticError::Overflow)?;
    Ok(due.max(0))
}

/// Splits `total` by `weights` without losing or making a unit: each part gets its floor, and what is left goes one by
/// one to the largest remainders, the earlier part first where they are equal.
pub fn split(total: i64, weights: &[u32]) -> Result<Vec<i64>, ArithmeticError> {
    let sum: i128 = weights.iter().copied().map(i128::from).sum();
    if sum == 0 {
        return Err(ArithmeticError::Divisor);
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let product = i128::from(total) * i128::from(*weight);
        let floor =
            i64::try_from(product.div_euclid(sum)).map_err(|_| ArithmeticError::Overflow)?;
        parts.push(floor);
        remainders.push((std::cmp::Reverse(product.rem_euclid(sum)), index));
    }
    remainders.sort_unstable();
    let given: i128 = parts.iter().copied().map(i128::from).sum();
    // Fewer units are left than there are parts, because each floor is less than one unit short.
    let left = usize::try_from(i128::from(total) - given).map_err(|_| ArithmeticError::Overflow)?;
    for (_, index) in remainders.into_iter().take(left) {
        parts[index] += 1;
    }
    Ok(parts)
}
