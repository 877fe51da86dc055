//! Balances, from the transfers of `payment-events`.

use std::collections::HashMap;

use messaging::FoldError;
use schemas::Message;
use types::{Account, Currency};

use crate::store::balances::{Holder, Totals};

/// Adds up the transfers of the message.
pub(super) fn fold(
    changes: &mut HashMap<Holder, Totals>,
    message: &Message,
) -> Result<(), FoldError> {
    let at = message.header.time.get();
    let moved = schemas::transfers(message).map_err(|error| FoldError(error.to_string()))?;
    for transfer in moved {
        let (minor, currency) = (transfer.minor, transfer.currency);
        let sides = [
            (&transfer.debit, minor.checked_neg()),
            (&transfer.credit, Some(minor)),
        ];
        for (account, minor) in sides {
            let added = minor.and_then(|minor| add(changes, account, minor, currency, at));
            added.ok_or_else(|| FoldError(format!("{account} is out of range")))?;
        }
    }
    Ok(())
}

/// What of the message is in no account that this build knows: it cannot be in a balance.
pub(super) fn unreadable(message: &Message) -> Option<String> {
    let moved = match schemas::transfers(message) {
        Ok(moved) => moved,
        Err(invalid) => return Some(format!("its key {invalid}")),
    };
    let mut accounts = moved.iter().flat_map(|it| [&it.debit, &it.credit]);
    let unknown = accounts.find(|account| account.parse::<Account>().is_err());
    unknown.map(|account| format!("{account:?} is no account that is known here"))
}

/// `None` where the sum is out of range. What is in no account that is known became a dead letter before.
fn add(
    changes: &mut HashMap<Holder, Totals>,
    account: &str,
    minor: i64,
    currency: Currency,
    at: i64,
) -> Option<()> {
    let Ok(account) = account.parse::<Account>() else {
        return Some(());
    };
    let totals = changes
        .entry((Totals::owner(&account), currency))
        .or_default();
    totals.updated_at = at;
    let total = totals.of(&account);
    *total = total.checked_add(minor)?;
    Some(())
}
