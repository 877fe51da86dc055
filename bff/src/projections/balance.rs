//! Balances, from the transfers of `payment-events`: those of postings, and the one that each step of a payout makes.

use std::collections::HashMap;

use messaging::FoldError;
use schemas::{Body, Message};
use types::{AccountType, Currency};

use crate::store::balances::{Holder, Totals};

/// Adds up the transfers of the message.
pub(super) fn fold(
    changes: &mut HashMap<Holder, Totals>,
    message: &Message,
) -> Result<(), FoldError> {
    let at = message.header.time.get();
    let mut add = |account: &str, minor: Option<i64>, currency| {
        let added = minor.and_then(|minor| add(changes, account, minor, currency, at));
        added.ok_or_else(|| FoldError(format!("{account} is out of range")))
    };
    let movement = match &message.body {
        Body::LedgerPostedV1(posted) => {
            for transfer in &posted.transfers {
                let (minor, currency) = (transfer.minor, transfer.currency);
                add(&transfer.debit, minor.checked_neg(), currency)?;
                add(&transfer.credit, Some(minor), currency)?;
            }
            return Ok(());
        }
        Body::PayoutRequestedV1(e) => e.movement(),
        Body::PayoutPaidV1(e) => e.movement(),
        Body::PayoutFailedV1(e) => e.movement(),
        _ => return Ok(()),
    };
    let partner = &message.header.key;
    let mut add = |account_type: AccountType, minor| {
        let account = format!("partner:{partner}:{}", account_type.name());
        add(&account, minor, movement.amount.currency)
    };
    add(movement.from, movement.amount.minor.checked_neg())?;
    add(movement.to, Some(movement.amount.minor))
}

/// What of the message is in no account that this build knows: it cannot be in a balance.
pub(super) fn unreadable(message: &Message) -> Option<String> {
    let Body::LedgerPostedV1(posted) = &message.body else {
        return None;
    };
    let mut accounts = posted
        .transfers
        .iter()
        .flat_map(|it| [&it.debit, &it.credit]);
    let is_known = |account: &str| {
        let account_type = split(account).map(|(_, account_type)| account_type);
        account_type.is_some_and(|name| Totals::default().named(name).is_some())
    };
    let unknown = accounts.find(|account| !is_known(account));
    unknown.map(|account| format!("{account:?} is no account that is known here"))
}

/// An account's text is its owner's and the name of its type: `partner:p1:payable`.
fn split(account: &str) -> Option<(&str, &str)> {
    account.rsplit_once(':')
}

/// `None` where the sum is out of range. What is in no account that is known became a dead letter before.
fn add(
    changes: &mut HashMap<Holder, Totals>,
    account: &str,
    minor: i64,
    currency: Currency,
    at: i64,
) -> Option<()> {
    let Some((owner, account_type)) = split(account) else {
        return Some(());
    };
    let totals = changes.entry((owner.to_owned(), currency)).or_default();
    totals.updated_at = at;
    if let Some(total) = totals.named(account_type) {
        *total = total.checked_add(minor)?;
    }
    Some(())
}
