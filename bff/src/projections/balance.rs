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

/// An account's text is its owner's and the name of the pot: `partner:p1:payable`.
fn add(changes: &mut HashMap<Holder, Pots>, account: &str, currency: &str, minor: i64, at: i64) {
    let Some((owner, pot)) = account.rsplit_once(':') else {
        tracing::warn!(account, "an account without an owner is in no balance");
        return;
    };
    let holder = (owner.to_owned(), currency.to_owned());
    let pots = changes.entry(holder).or_default();
    pots.updated_at = at;
    if let Some(pot) = pots.named(pot) {
        *pot = pot.saturating_add(minor);
    } else {
        tracing::warn!(
            account,
            "a pot that this build does not know is in no balance"
        );
    }
}
