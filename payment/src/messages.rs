//! Wire records to domain values and back.

mod incoming;
mod outgoing;
mod own;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use money::{BrandId, Currency, Money, PartnerId};
use schemas::{Actor as WireActor, Body, Message, Service, WireMoney};

use crate::domain::{self, Account, Actor, Pot, Rejection};

pub(crate) use incoming::{Read, read};
pub(crate) use outgoing::emit;
pub(crate) use own::own_event;

/// What a decision may know of a message.
pub(crate) fn context(context: &pipeline::Context) -> domain::Context {
    domain::Context {
        now: context.now,
        cause: context.cause(),
        actor: match context.actor() {
            Some(actor) => actor_of(actor),
            // Only what payment asks itself is asked by nobody.
            None if context.header.source == Service::Payment.name() => Actor::System,
            None => Actor::Other,
        },
    }
}

fn actor_of(actor: &WireActor) -> Actor {
    let has = |role: &str| actor.roles.iter().any(|own| own == role);
    let partner = || PartnerId::parse(actor.partner_id.as_deref()?).ok();
    if has("operator") {
        Actor::Operator
    } else if has("partner") {
        partner().map_or(Actor::Other, Actor::Partner)
    } else {
        Actor::Other
    }
}

/// A refusal as the road takes it.
pub(crate) fn rejection(rejection: &Rejection) -> pipeline::Rejection {
    pipeline::Rejection {
        code: rejection.code(),
        detail: rejection.to_string(),
        pointer: rejection.pointer().map(str::to_owned),
    }
}

pub(super) fn money(wire: &WireMoney) -> Option<Money> {
    let currency = Currency::parse(&wire.currency).ok()?;
    Some(Money::new(wire.minor, currency))
}

/// Notes the accounts and payouts that handling or replaying a message can touch.
pub(crate) fn touched(
    message: &Message,
    accounts: &mut BTreeSet<String>,
    payouts: &mut BTreeSet<String>,
) {
    let owner = message.header.key.as_str();
    let mut pots = |partner: &str, pots: &[Pot]| {
        if let Ok(partner) = PartnerId::parse(partner) {
            let pots = pots
                .iter()
                .map(|pot| Account::Partner(partner.clone(), *pot));
            accounts.extend(pots.map(|account| account.to_string()));
        }
    };
    match &message.body {
        Body::RequestPayoutV1(_)
        | Body::PayoutRequestedV1(_)
        | Body::RecordPayoutAnswerV1(_)
        | Body::PayoutPaidV1(_)
        | Body::PayoutFailedV1(_) => {
            pots(owner, &[Pot::Payable, Pot::InTransit, Pot::PaidOut]);
            payouts.insert(message.header.subject.clone());
        }
        Body::BeginPayoutV1(_)
        | Body::PayoutSubmittingV1(_)
        | Body::PayoutSubmittedV1(_)
        | Body::PayoutUnknownV1(_) => {
            payouts.insert(message.header.subject.clone());
        }
        Body::CommissionCalculatedV1(fact) => {
            pots(&fact.partner_id, &[incoming::pot_of(&fact.status)]);
            funds(&fact.brand_id, accounts);
        }
        Body::CommissionApprovedV1(fact) => {
            pots(
                &fact.partner_id,
                &[Pot::Pending, Pot::Payable, Pot::Suspense],
            );
            funds(&fact.brand_id, accounts);
        }
        Body::CommissionReversedV1(fact) => {
            pots(
                &fact.partner_id,
                &[Pot::Pending, Pot::Payable, Pot::Suspense],
            );
            funds(&fact.brand_id, accounts);
        }
        Body::LedgerPostedV1(posted) => {
            for transfer in &posted.transfers {
                accounts.extend([transfer.debit.clone(), transfer.credit.clone()]);
            }
        }
        _ => {}
    }
}

fn funds(brand: &str, accounts: &mut BTreeSet<String>) {
    if let Ok(brand) = BrandId::parse(brand) {
        accounts.insert(Account::BrandFunds(brand).to_string());
    }
}
