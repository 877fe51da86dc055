//! Balances, from the transfers of `payment-events`: those of postings, and the one that each step of a payout makes.

use std::collections::HashMap;

use schemas::{Body, Message, WireMoney};

use crate::store::balances::{Holder, Pots};

/// Adds up the transfers of the message.
pub(super) fn fold(changes: &mut HashMap<Holder, Pots>, message: &Message) {
    let at = message.header.time.get();
    let (amount, from, to) = match &message.body {
        Body::LedgerPostedV1(posted) => {
            for transfer in &posted.transfers {
                let minor = transfer.minor;
                add(
                    changes,
                    &transfer.debit,
                    &transfer.currency,
                    minor.saturating_neg(),
                    at,
                );
                add(changes, &transfer.credit, &transfer.currency, minor, at);
            }
            return;
        }
        Body::PayoutRequestedV1(e) => (&e.amount, "payable", "in_transit"),
        Body::PayoutPaidV1(e) => (&e.amount, "in_transit", "paid_out"),
        Body::PayoutFailedV1(e) => (&e.amount, "in_transit", "payable"),
        _ => return,
    };
    let partner = &message.header.key;
    let WireMoney { minor, currency } = amount;
    add(
        changes,
        &format!("partner:{partner}:{from}"),
        currency,
        minor.saturating_neg(),
        at,
    );
    add(
        changes,
        &format!("partner:{partner}:{to}"),
        currency,
        *minor,
        at,
    );
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
    let unknown = accounts.find(|account| {
        let pot = split(account).map(|(_, pot)| Pots::default().named(pot).is_some());
        pot != Some(true)
    });
    unknown.map(|account| format!("{account:?} is no account that is known here"))
}

/// An account's text is its owner's and the name of the pot: `partner:p1:payable`.
fn split(account: &str) -> Option<(&str, &str)> {
    account.rsplit_once(':')
}

fn add(changes: &mut HashMap<Holder, Pots>, account: &str, currency: &str, minor: i64, at: i64) {
    let Some((owner, pot)) = split(account) else {
        return;
    };
    let holder = (owner.to_owned(), currency.to_owned());
    let pots = changes.entry(holder).or_default();
    pots.updated_at = at;
    if let Some(pot) = pots.named(pot) {
        *pot = pot.saturating_add(minor);
    }
}
